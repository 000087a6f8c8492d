-- Writes the law's answer, unless another worker stepped it first (then false, and nothing is changed). What was reported
-- since the law read stays for its next step; its refusals are of an epoch that has had its decrease.
create or replace function sluice.limit_law_write(
  p_id bigint, p_version int, p_law jsonb, p_at_ms float8, p_rate float8, p_burst float8, p_hold boolean, p_probe_ms float8,
  p_epoch int, p_max float8, p_win_us bigint, p_guard_us bigint, p_slot_us bigint, p_slots int, p_slots_ahead int, p_ok int, p_fresh int,
  p_refused int, p_failed int, p_stale int, p_waited_us bigint, p_granted float8, p_event text
) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
  v_decreased boolean;
  v_rate float8;
begin
  select * into r from sluice.limit_bucket b where b.id = p_id for no key update;
  if not found or r.law_version <> p_version then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  if r.slots <> p_slots or r.win_us <> p_win_us then
    r := sluice.limit_reslot(r, p_win_us, p_guard_us, p_slot_us, p_slots, p_slots_ahead, null, null, 0);
  end if;
  v_decreased := p_epoch > r.epoch;
  v_rate := r.rate;
  -- Calls without a limit that are refused too often have one that nobody knows.
  r.kind := 'learned';
  r.max := p_max;
  r.rate := p_rate;
  r.burst := p_burst;
  r.tokens := least(r.tokens, p_burst);
  r := sluice.limit_in_force(r);
  update sluice.limit_bucket b set
    kind = r.kind, law = p_law, law_version = p_version + 1, law_stepped_us = greatest((p_at_ms * 1000)::bigint, 0), law_due_us = r.last_us + 500000,
    rate = r.rate, burst = r.burst, tokens = r.tokens, paced_us = r.paced_us,
    hold = p_hold and r.override_rate is null, probe_us = coalesce((p_probe_ms * 1000)::bigint, 0),
    probe_lease_us = case when v_decreased then 0 else r.probe_lease_us end, epoch = p_epoch,
    max = r.max, win_us = r.win_us, guard_us = r.guard_us, slot_us = r.slot_us, slots = r.slots, slots_ahead = r.slots_ahead,
    ring = r.ring, filling = r.filling, used = r.used, tail = r.tail, foreign_used = r.foreign_used,
    ev_ok = r.ev_ok - p_ok, ev_fresh = case when v_decreased then 0 else r.ev_fresh - p_fresh end,
    ev_refused = case when v_decreased then 0 else r.ev_refused - p_refused end,
    ev_failed = r.ev_failed - p_failed,
    ev_stale = r.ev_stale - p_stale + case when v_decreased then r.ev_refused - p_refused else 0 end,
    ev_retry_ms = case when (r.ev_ok, r.ev_refused, r.ev_stale) is distinct from (p_ok, p_refused, p_stale) then r.ev_retry_ms end,
    ev_waited_us = greatest(0, r.ev_waited_us - p_waited_us), ev_granted = r.ev_granted - p_granted,
    last_us = r.last_us, generation = r.generation, granted = r.granted
    where b.id = p_id;
  if p_event is not null then
    insert into sluice.limit_event (bucket_id, type, detail) values (p_id, 'learned', jsonb_build_object(
      'what', p_event, 'from', v_rate, 'to', p_rate, 'epoch', p_epoch, 'window', p_max));
  end if;
  return true;
end $$;
