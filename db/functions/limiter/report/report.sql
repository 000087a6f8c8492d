-- Takes in what the answers of one worker say. Locks the worker's row, then the buckets in id order. Returns the buckets whose law
-- should be stepped now. What is told again changes nothing: a refund that is made twice would admit a call too many.
--   p_entries [{id, refundSlots, refunds, charge, blockMs, reason, epochs, oks, refusals, failures, releases, heldMs,
--              remaining, resetMs, max, ageMs}]; refunds are aligned with refundSlots; oks, refusals and failures with
--              epochs, the epochs of the permits
--   p_teller, p_serial  see is_told_first
create or replace function sluice.limit_report(p_entries json, p_teller uuid, p_serial bigint) returns bigint[] language plpgsql volatile set enable_seqscan = off set search_path = pg_catalog as $$
declare
  v_generation bigint := sluice.limit_generation();
  v_due bigint[] := '{}';
  r sluice.limit_bucket;
  e record;
  v_clock bigint;
  v_index int;
  v_amount float8;
  v_current boolean;
  v_refused boolean;
  v_loses boolean := false;
begin
  if not sluice.is_told_first(p_teller, p_serial) then
    perform set_config('synchronous_commit', 'off', true);
    return array(
      select b.id from sluice.limit_bucket b
       where b.id in (select (entry ->> 'id')::bigint from json_array_elements(p_entries) entry)
         and b.law_due_us <= sluice.limit_clock_us() + 500000);
  end if;
  perform from sluice.limit_bucket b
    where b.id in (select (entry ->> 'id')::bigint from json_array_elements(p_entries) entry) order by b.id for no key update;
  v_clock := sluice.limit_clock_us();
  for e in
    select * from json_to_recordset(p_entries) as entry (
      id bigint, "refundSlots" bigint[], refunds float8[], charge float8, "blockMs" float8, reason text, epochs int[],
      oks int[], refusals int[], failures int[], releases int, "heldMs" float8, remaining float8, "resetMs" float8, max float8, "ageMs" float8)
     order by id
  loop
    select * into r from sluice.limit_bucket b where b.id = e.id;
    continue when not found;
    r := sluice.limit_advance(r, v_clock, v_generation);
    for k in 1 .. coalesce(cardinality(e.refunds), 0) loop
      if r.max is not null and e."refundSlots"[k] >= r.tail then
        v_index := (e."refundSlots"[k] % r.slots)::int + 1;
        v_amount := least(e.refunds[k], r.ring[v_index]);
        r.ring[v_index] := r.ring[v_index] - v_amount;
        r.used := r.used - v_amount;
      end if;
      if r.rate is not null then
        r.tokens := least(r.burst, r.tokens + e.refunds[k]);
        r.probe_lease_us := 0;
      end if;
    end loop;
    if e.charge > 0 then
      if r.max is not null then
        v_index := (sluice.limit_slot(r, r.last_us) % r.slots)::int + 1;
        r.ring[v_index] := r.ring[v_index] + e.charge;
        r.used := r.used + e.charge;
      end if;
      r.tokens := r.tokens - e.charge;
      v_loses := true;
    end if;
    if e.releases > 0 then
      r.hold_us := (r.hold_us * 0.8 + 200 * e."heldMs" / e.releases)::bigint;
    end if;
    r := sluice.limit_correct(r, e.remaining, (e."resetMs" * 1000)::bigint, e.max, (coalesce(e."ageMs", 0) * 1000)::bigint);

    if r.kind = 'none' and e.max > 1 and e."resetMs" > 0 then
      -- What its answers tell of a limit that nobody declared. Its window is at least as long as it takes until all of it is
      -- there again.
      r.seen_max := e.max;
      r.win_us := greatest(r.win_us, (e."resetMs" * 1000)::bigint);
    end if;

    -- One decrease per burst: refusals of permits from before the last one only count.
    v_current := false;
    v_refused := false;
    for k in 1 .. coalesce(cardinality(e.epochs), 0) loop
      r.ev_ok := r.ev_ok + e.oks[k];
      r.ev_failed := r.ev_failed + e.failures[k];
      v_refused := v_refused or e.refusals[k] > 0;
      if e.epochs[k] = r.epoch then
        r.probe_lease_us := 0;
        r.ev_fresh := r.ev_fresh + e.oks[k];
        r.ev_refused := r.ev_refused + e.refusals[k];
        v_current := v_current or e.refusals[k] > 0;
      else
        r.ev_stale := r.ev_stale + e.refusals[k];
      end if;
    end loop;
    if r.kind <> 'learned' then
      if v_current then
        -- It believed to have room. What that means is said by the law of refusals in a moment; until then nobody calls.
        r.epoch := r.epoch + 1;
        r.ev_counted := r.ev_counted or (e.remaining is not null and (r.kind <> 'none' or e.remaining <= 0));
        if e."blockMs" is null then
          r.blocked_us := greatest(r.blocked_us, r.last_us + 60000);
          r.blocked_at := clock_timestamp();
          r.blocked_reason := coalesce(e.reason, 'refused');
        end if;
      end if;
      -- Of answers the law wants to hear once.
      if v_current or (r.ev_fresh > 0 and (r.law ->> 'isAnswered') = 'false') then
        v_due := v_due || r.id;
        -- Should this worker die now, the next acquire sees to it.
        r.law_due_us := r.last_us + 50000;
      end if;
    end if;
    if e."blockMs" > 0 then
      if r.last_us + e."blockMs" * 1000 > r.blocked_us then
        if not v_refused then
          insert into sluice.limit_event (bucket_id, type, detail)
            select r.id, 'blocked', jsonb_build_object('blockedMs', e."blockMs", 'reason', e.reason) where r.blocked_us <= r.last_us;
        end if;
        r.blocked_us := r.last_us + (e."blockMs" * 1000)::bigint;
        r.blocked_at := clock_timestamp();
        r.blocked_reason := e.reason;
      end if;
      r.ev_retry_ms := greatest(r.ev_retry_ms, e."blockMs");
      v_loses := true;
    end if;
    if r.kind = 'learned' and (r.ev_refused > 0 or r.law is null or r.law_stepped_us < r.last_us - 200000) then
      v_due := v_due || r.id;
      r.law_due_us := r.last_us + 50000;
    end if;
    update sluice.limit_bucket b set
      tail = r.tail, used = r.used, ring = r.ring, filling = r.filling, foreign_used = r.foreign_used, foreign_slot = r.foreign_slot,
      freed = r.freed, freed_us = r.freed_us,
      higher_seen = r.higher_seen, seen_max = r.seen_max, max = r.max, win_us = r.win_us, rate = r.rate, burst = r.burst, hold_us = r.hold_us, tokens = r.tokens,
      paced_us = r.paced_us, probe_us = r.probe_us, probe_lease_us = r.probe_lease_us, epoch = r.epoch,
      law_due_us = r.law_due_us, ev_ok = r.ev_ok, ev_fresh = r.ev_fresh, ev_refused = r.ev_refused,
      ev_waited_us = r.ev_waited_us, ev_failed = r.ev_failed, ev_stale = r.ev_stale, ev_retry_ms = r.ev_retry_ms, blocked_us = r.blocked_us,
      blocked_at = r.blocked_at, blocked_reason = r.blocked_reason, ev_counted = r.ev_counted,
      last_us = r.last_us, generation = r.generation, granted = r.granted
      where b.id = r.id;
  end loop;
  if not v_loses then
    -- Refunds and successes may be lost in a crash: that only makes the limiter more careful.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return v_due;
end $$;
