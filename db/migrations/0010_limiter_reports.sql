-- What the answers of a third party teach the limiter. Called by limiter/report.ts with one entry per bucket and batch.

-- Corrects a ring by what the third party's own count says. Pure arithmetic on an advanced row.
--   p_remaining units left by its count (null = not said), p_reset_us until its quota is whole again (null = not said),
--   p_max its limit (null = not said, or not surely this limit's), p_age_us since the call was granted
create function sluice.limit_correct(r sluice.limit_bucket, p_remaining float8, p_reset_us bigint, p_max float8, p_age_us bigint)
returns sluice.limit_bucket language plpgsql volatile as $$
declare
  v_slot bigint;
  v_index int;
  v_amount float8;
  v_reserved float8;
begin
  if r.max is null or r.kind <> 'window' then
    return r;
  end if;
  if p_max is not null and r.override_max is null then
    -- The share left to others stays the same share of whatever the limit is.
    v_reserved := floor(p_max * coalesce(r.declared_max / nullif((r.spec ->> 'max')::float8, 0), 1));
    if v_reserved >= 1 and v_reserved < r.max then
      insert into sluice.limit_event (bucket_id, type, detail)
        values (r.id, 'drift', jsonb_build_object('max', p_max, 'declared', (r.spec ->> 'max')::float8, 'adopted', true));
      r.seen_max := v_reserved;
      r.max := v_reserved;
      r.higher_seen := 0;
    elsif v_reserved > r.max then
      -- Lower is believed at once, higher after ten answers in a row.
      r.higher_seen := r.higher_seen + 1;
      if r.higher_seen >= 10 then
        insert into sluice.limit_event (bucket_id, type, detail)
          values (r.id, 'drift', jsonb_build_object('max', p_max, 'declared', (r.spec ->> 'max')::float8, 'adopted', true));
        r.seen_max := v_reserved;
        r.max := v_reserved;
        r.higher_seen := 0;
      end if;
    else
      r.higher_seen := 0;
    end if;
  end if;
  -- An answer that was so long on its way that a new window may have begun says nothing.
  if p_remaining is null or p_reset_us <= 0 or (p_reset_us is null and p_age_us > 4000000) then
    return r;
  end if;
  -- Only what is surely used by others: what we granted since the answer, or freed while it was on its way, is not.
  v_amount := (r.max - r.used) - p_remaining - case when r.freed_us >= r.last_us - 4000000 - p_age_us then r.freed else 0 end;
  if v_amount > 0 then
    -- Others used it. It is counted in the slot that is freed when the third party's quota is whole again.
    v_slot := r.last_us / r.slot_us;
    if p_reset_us is not null then
      v_slot := greatest(r.tail, least(v_slot, (r.last_us + p_reset_us - r.win_us - r.guard_us) / r.slot_us));
    end if;
    v_index := (v_slot % r.slots)::int + 1;
    r.ring[v_index] := r.ring[v_index] + v_amount;
    r.used := r.used + v_amount;
    r.foreign_used := case when r.foreign_slot = v_slot then r.foreign_used else 0 end + v_amount;
    r.foreign_slot := v_slot;
  end if;
  return r;
end $$;

-- Takes in what the answers of one worker say. Locks the rows in id order. Returns the learned buckets whose control law
-- should be stepped now.
--   p_entries [{id, refundSlots, refunds, charge, closeMs, reason, epochs, refusals, ok, failed, releases, heldMs,
--              remaining, resetMs, max, ageMs}]; refunds are aligned with refundSlots, refusals with epochs
create function sluice.limit_report(p_entries json) returns bigint[] language plpgsql volatile set enable_seqscan = off as $$
declare
  v_generation bigint := sluice.limit_generation();
  v_due bigint[] := '{}';
  r sluice.limit_bucket;
  e record;
  v_clock bigint;
  v_index int;
  v_amount float8;
  v_backoff_us bigint;
  v_current boolean;
  v_loses boolean := false;
begin
  perform from sluice.limit_bucket b
    where b.id in (select (entry ->> 'id')::bigint from json_array_elements(p_entries) entry) order by b.id for no key update;
  v_clock := sluice.limit_clock_us();
  for e in
    select * from json_to_recordset(p_entries) as entry (
      id bigint, "refundSlots" bigint[], refunds float8[], charge float8, "closeMs" float8, reason text, epochs int[],
      refusals int[], ok int, failed int, releases int, "heldMs" float8, remaining float8, "resetMs" float8, max float8, "ageMs" float8)
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
        if r.hold then
          r.probe_us := least(r.probe_us, r.last_us);
        end if;
      end if;
    end loop;
    if e.charge > 0 then
      if r.max is not null then
        v_index := ((r.last_us / r.slot_us) % r.slots)::int + 1;
        r.ring[v_index] := r.ring[v_index] + e.charge;
        r.used := r.used + e.charge;
      end if;
      r.tokens := r.tokens - e.charge;
      v_loses := v_loses or r.durable;
    end if;
    if e.releases > 0 then
      r.hold_us := (r.hold_us * 0.8 + 200 * e."heldMs" / e.releases)::bigint;
    end if;
    r.ev_ok := r.ev_ok + coalesce(e.ok, 0);
    r.ev_failed := r.ev_failed + coalesce(e.failed, 0);
    r := sluice.limit_correct(r, e.remaining, (e."resetMs" * 1000)::bigint, e.max, (coalesce(e."ageMs", 0) * 1000)::bigint);

    -- One decrease per burst: refusals of permits from before the last one only count.
    v_current := false;
    for k in 1 .. coalesce(cardinality(e.refusals), 0) loop
      if e.epochs[k] = r.epoch then
        v_current := true;
        r.ev_refused := r.ev_refused + e.refusals[k];
      else
        r.ev_stale := r.ev_stale + e.refusals[k];
      end if;
    end loop;
    if cardinality(e.refusals) > 0 and r.kind <> 'learned' then
      r.ev_refused := 0;
      r.ev_stale := 0;
      if v_current then
        -- It believed to have room: others use the same quota, or the declaration is wrong.
        if r.refused_us < r.last_us - 2 * r.win_us - 60000000 then
          r.refusals := 0;
        end if;
        r.refusals := least(r.refusals + 1, 20);
        r.refused_us := r.last_us;
        r.epoch := r.epoch + 1;
        v_backoff_us := least(1000000 * 2 ^ (r.refusals - 1), greatest(r.win_us, 1000000))::bigint;
        insert into sluice.limit_event (bucket_id, type, detail) values (r.id, 'refused', jsonb_build_object(
          'used', r.used, 'max', r.max, 'reason', e.reason, 'closedMs', coalesce(e."closeMs", v_backoff_us / 1000)));
        if e."closeMs" is null and r.kind <> 'gate' then
          r.closed_us := greatest(r.closed_us, r.last_us + v_backoff_us);
          r.closed_at := clock_timestamp();
          r.closed_reason := coalesce(e.reason, 'refused');
        end if;
      end if;
    end if;
    if e."closeMs" > 0 then
      if r.last_us + e."closeMs" * 1000 > r.closed_us then
        if r.kind = 'learned' or cardinality(e.refusals) is null then
          insert into sluice.limit_event (bucket_id, type, detail)
            select r.id, 'closed', jsonb_build_object('closedMs', e."closeMs", 'reason', e.reason) where r.closed_us <= r.last_us;
        end if;
        r.closed_us := r.last_us + (e."closeMs" * 1000)::bigint;
        r.closed_at := clock_timestamp();
        r.closed_reason := e.reason;
      end if;
      r.ev_retry_ms := greatest(r.ev_retry_ms, e."closeMs");
      v_loses := true;
    end if;
    if r.kind = 'learned' and (r.ev_refused > 0 or r.law is null or r.law_stepped_us < r.last_us - 200000) then
      v_due := v_due || r.id;
    end if;
    update sluice.limit_bucket b set
      tail = r.tail, used = r.used, ring = r.ring, foreign_used = r.foreign_used, foreign_slot = r.foreign_slot,
      freed = r.freed, freed_us = r.freed_us,
      higher_seen = r.higher_seen, seen_max = r.seen_max, max = r.max, hold_us = r.hold_us, tokens = r.tokens,
      paced_us = r.paced_us, probe_us = r.probe_us, epoch = r.epoch, ev_ok = r.ev_ok, ev_refused = r.ev_refused,
      ev_failed = r.ev_failed, ev_stale = r.ev_stale, ev_retry_ms = r.ev_retry_ms, closed_us = r.closed_us,
      closed_at = r.closed_at, closed_reason = r.closed_reason, refusals = r.refusals, refused_us = r.refused_us,
      last_us = r.last_us, generation = r.generation
      where b.id = r.id;
  end loop;
  if not v_loses then
    -- Refunds and successes may be lost in a crash: that only makes the limiter more careful.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return v_due;
end $$;
