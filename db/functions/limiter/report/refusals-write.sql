-- Writes what the law of refusals says of a known limit, unless another worker stepped it first (then false, and nothing is changed).
-- What was reported since the law read stays for its next step.
--   p_share part of the limit that is given out; p_paced evenly; p_block_ms nothing at all for so long (null = no block)
create or replace function sluice.limit_refusals_write(
  p_id bigint, p_version int, p_law jsonb, p_share float8, p_paced boolean, p_block_ms float8, p_due_ms float8, p_fresh int, p_refused int,
  p_stale int, p_sent float8, p_event text
) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
  v_max float8;
  v_rate float8;
begin
  select * into r from sluice.limit_bucket b where b.id = p_id for no key update;
  if not found or r.law_version <> p_version or r.kind in ('learned', 'gate') then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  if r.max is not null then
    v_max := coalesce(r.override_max, greatest(1, floor(coalesce(r.seen_max, r.declared_max) * p_share + 0.000000001)));
  end if;
  v_rate := coalesce(r.override_rate, case when r.kind = 'bucket' then r.declared_rate * p_share
                                           when p_paced and r.kind in ('window', 'calendar') then v_max * 1000000 / r.win_us end);
  update sluice.limit_bucket b set
    law = p_law, law_version = p_version + 1, law_stepped_us = r.last_us, law_due_us = (p_due_ms * 1000)::bigint,
    max = v_max, rate = v_rate,
    burst = case when r.kind = 'bucket' then r.burst else greatest(1, 0.05 * v_rate) end,
    tokens = case when r.kind = 'bucket' then r.tokens when r.rate is null then 0 else least(r.tokens, greatest(1, 0.05 * v_rate)) end,
    paced_us = r.last_us,
    blocked_us = case when p_block_ms is null then r.blocked_us else greatest(r.blocked_us, r.last_us + (p_block_ms * 1000)::bigint) end,
    ring = r.ring, filling = r.filling, used = r.used, tail = r.tail, foreign_used = r.foreign_used, freed = r.freed, freed_us = r.freed_us,
    ev_ok = 0, ev_failed = 0, ev_fresh = greatest(0, r.ev_fresh - p_fresh), ev_refused = greatest(0, r.ev_refused - p_refused),
    ev_stale = greatest(0, r.ev_stale - p_stale), ev_granted = greatest(0, r.ev_granted - p_sent), ev_retry_ms = null, ev_counted = false,
    ev_waited_us = r.ev_waited_us, last_us = r.last_us, generation = r.generation, granted = r.granted
    where b.id = p_id;
  if p_event is not null then
    insert into sluice.limit_event (bucket_id, type, detail) values (p_id, case when p_block_ms is null then 'relaxed' else 'refused' end,
      jsonb_strip_nulls(jsonb_build_object('what', p_event, 'used', r.used, 'max', v_max, 'blockedMs', p_block_ms,
        'reason', case when p_block_ms is not null then r.blocked_reason end)));
  end if;
  return true;
end $$;
