-- Makes a bucket's row, or brings it up to a changed declaration. Paused prefixes are found by their index: the rows themselves may fill
-- many pages.
create or replace function sluice.limit_configure(
  p_id bigint, p_key text, p_kind text, p_spec jsonb, p_max float8, p_win_us bigint, p_guard_us bigint, p_slot_us bigint,
  p_slots int, p_slots_ahead int, p_align text, p_align_zone text, p_align_us bigint, p_reserve_step float8, p_rate float8, p_burst float8
) returns void language plpgsql volatile set enable_seqscan = off set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
begin
  insert into sluice.limit_bucket (id, key, kind, spec, declared_max, max, win_us, guard_us, slot_us, slots, slots_ahead, align, align_zone, align_us,
    ring, reserve_step, declared_rate, rate, burst, law_due_us, paused_at, paused_reason)
  select p_id, p_key, p_kind, p_spec, p_max, p_max, p_win_us, p_guard_us, p_slot_us, p_slots, p_slots_ahead, p_align, p_align_zone, p_align_us,
    case when p_slots > 0 then array_fill(0::float8, array[p_slots]) end, p_reserve_step,
    case when p_kind = 'bucket' then p_rate end, p_rate, p_burst, case when p_kind = 'learned' then 0 end, pause.paused_at, pause.paused_reason
    from (select) one left join lateral (
      -- A pause of a prefix holds for keys that turn up later.
      select g.paused_at, g.paused_reason from sluice.limit_bucket g
       where g.kind = 'gate' and g.paused_at is not null and p_kind <> 'gate' and right(g.key, 2) = '/*'
         and starts_with(p_key, left(g.key, -1)) order by length(g.key) limit 1) pause on true
  on conflict do nothing;
  if found then
    return;
  end if;
  select * into r from sluice.limit_bucket b where b.id = p_id for no key update;
  if r.key is distinct from p_key then
    raise exception 'limit key % has the id % of another key, %', p_key, p_id, r.key;
  end if;
  if r.spec = p_spec then
    return;
  end if;
  insert into sluice.limit_event (bucket_id, type, detail) values (p_id, 'declared', jsonb_build_object('from', r.spec, 'to', p_spec));
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  if p_kind <> 'learned' or r.kind <> 'learned' then
    r := sluice.limit_reslot(r, p_win_us, p_guard_us, p_slot_us, p_slots, p_slots_ahead, p_align, p_align_zone, p_align_us);
    r.max := coalesce(r.override_max, p_max);
    r.declared_rate := case when p_kind = 'bucket' then p_rate end;
    r.rate := coalesce(r.override_rate, p_rate);
    r.burst := p_burst;
    -- How full its bucket is is not known when it was of another kind.
    r.tokens := case when r.kind = 'bucket' then least(r.tokens, p_burst) else 0 end;
    r.paced_us := r.last_us;
    r.hold := false;
    r.law := null;
  end if;
  update sluice.limit_bucket b set kind = p_kind, spec = p_spec, declared_max = p_max, seen_max = null, max = r.max,
    win_us = r.win_us, guard_us = r.guard_us, slot_us = r.slot_us, slots = r.slots, slots_ahead = r.slots_ahead, align = r.align, align_zone = r.align_zone,
    align_us = r.align_us, ring = r.ring, filling = r.filling, used = r.used,
    tail = r.tail, foreign_used = r.foreign_used, reserve_step = p_reserve_step, granted = r.granted, declared_rate = r.declared_rate,
    rate = r.rate, burst = r.burst, tokens = r.tokens, paced_us = r.paced_us, hold = r.hold, law = r.law,
    law_version = b.law_version + 1, law_due_us = case when p_kind = 'learned' then 0 end, last_us = r.last_us,
    generation = r.generation
    where b.id = p_id;
end $$;
