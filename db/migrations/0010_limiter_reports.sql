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
--   p_entries [{id, refundSlots, refunds, charge, closeMs, reason, epochs, oks, refusals, failures, releases, heldMs,
--              remaining, resetMs, max, ageMs}]; refunds are aligned with refundSlots; oks, refusals and failures with
--              epochs, the epochs of the permits
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
  v_refused boolean;
  v_loses boolean := false;
begin
  perform from sluice.limit_bucket b
    where b.id in (select (entry ->> 'id')::bigint from json_array_elements(p_entries) entry) order by b.id for no key update;
  v_clock := sluice.limit_clock_us();
  for e in
    select * from json_to_recordset(p_entries) as entry (
      id bigint, "refundSlots" bigint[], refunds float8[], charge float8, "closeMs" float8, reason text, epochs int[],
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
        v_index := ((r.last_us / r.slot_us) % r.slots)::int + 1;
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
    if v_refused and r.kind <> 'learned' then
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
        if r.kind = 'learned' or not v_refused then
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
      -- Should this worker die now, the next acquire sees to it.
      r.law_due_us := r.last_us + 50000;
    end if;
    update sluice.limit_bucket b set
      tail = r.tail, used = r.used, ring = r.ring, foreign_used = r.foreign_used, foreign_slot = r.foreign_slot,
      freed = r.freed, freed_us = r.freed_us,
      higher_seen = r.higher_seen, seen_max = r.seen_max, max = r.max, hold_us = r.hold_us, tokens = r.tokens,
      paced_us = r.paced_us, probe_us = r.probe_us, probe_lease_us = r.probe_lease_us, epoch = r.epoch,
      law_due_us = r.law_due_us, ev_ok = r.ev_ok, ev_fresh = r.ev_fresh, ev_refused = r.ev_refused,
      ev_waited_us = r.ev_waited_us, ev_failed = r.ev_failed, ev_stale = r.ev_stale, ev_retry_ms = r.ev_retry_ms, closed_us = r.closed_us,
      closed_at = r.closed_at, closed_reason = r.closed_reason, refusals = r.refusals, refused_us = r.refused_us,
      last_us = r.last_us, generation = r.generation, granted = r.granted
      where b.id = r.id;
  end loop;
  if not v_loses then
    -- Refunds and successes may be lost in a crash: that only makes the limiter more careful.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return v_due;
end $$;

-- What the control law of learned buckets needs for its next step. Reads only.
create function sluice.limit_law_read(p_ids bigint[])
returns table (id bigint, spec jsonb, law jsonb, version int, at_ms float8, ok int, fresh int, refused int, failed int,
  stale int, retry_ms float8, waited_us bigint, granted float8, demand float8, sibling_rate float8)
language sql volatile as $$
  select b.id, b.spec, b.law, b.law_version, clock.us / 1000.0, b.ev_ok, b.ev_fresh, b.ev_refused, b.ev_failed, b.ev_stale,
    b.ev_retry_ms, waited.us, b.ev_granted,
    case when clock.us > b.law_stepped_us then least(1, waited.us::float8 / (clock.us - b.law_stepped_us)) else 1 end,
    case when b.law is null then (
      -- What the same limit turned out to be for others: provider/limit/…
      select percentile_cont(0.5) within group (order by s.rate)
        from (select sibling.rate from sluice.limit_bucket sibling
               where sibling.key like replace(replace(regexp_replace(b.key, '[^/]*$', ''), '_', '\_'), '%', '\%') || '%'
                 and sibling.id <> b.id and sibling.kind = 'learned' and sibling.epoch > 0 and sibling.law is not null
               order by sibling.law_stepped_us desc limit 50) s) end
    from sluice.limit_bucket b
    cross join lateral (select greatest(sluice.limit_clock_us(), b.last_us) us) clock
    cross join lateral (
      select b.ev_waited_us + case when b.queue_len > 0 then greatest(0, least(clock.us, b.queue_until_us) - b.last_us) else 0 end us
    ) waited
   where b.id = any (p_ids) and b.kind = 'learned'
$$;

-- Writes the law's answer, unless another worker stepped it first (then false, and nothing is changed). What was reported
-- since the law read stays for its next step; its refusals are of an epoch that has had its decrease.
create function sluice.limit_law_write(
  p_id bigint, p_version int, p_law jsonb, p_at_ms float8, p_rate float8, p_burst float8, p_hold boolean, p_probe_ms float8,
  p_epoch int, p_max float8, p_win_us bigint, p_guard_us bigint, p_slot_us bigint, p_slots int, p_ok int, p_fresh int,
  p_refused int, p_failed int, p_stale int, p_waited_us bigint, p_granted float8, p_event text
) returns boolean language plpgsql volatile as $$
declare
  r sluice.limit_bucket;
  v_decreased boolean;
begin
  select * into r from sluice.limit_bucket b where b.id = p_id for no key update;
  if not found or r.law_version <> p_version then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  if r.slots <> p_slots or r.win_us <> p_win_us then
    r := sluice.limit_reslot(r, p_win_us, p_guard_us, p_slot_us, p_slots);
  end if;
  v_decreased := p_epoch > r.epoch;
  update sluice.limit_bucket b set
    law = p_law, law_version = p_version + 1, law_stepped_us = greatest((p_at_ms * 1000)::bigint, 0), law_due_us = r.last_us + 500000,
    rate = coalesce(r.override_rate, p_rate), burst = p_burst, tokens = least(r.tokens, p_burst), paced_us = r.paced_us,
    hold = p_hold and r.override_rate is null, probe_us = coalesce((p_probe_ms * 1000)::bigint, 0),
    probe_lease_us = case when v_decreased then 0 else r.probe_lease_us end, epoch = p_epoch,
    max = case when p_slots > 0 then coalesce(r.override_max, p_max) end, win_us = r.win_us, guard_us = r.guard_us, slot_us = r.slot_us, slots = r.slots,
    ring = r.ring, used = r.used, tail = r.tail, foreign_used = r.foreign_used,
    ev_ok = r.ev_ok - p_ok, ev_fresh = case when v_decreased then 0 else r.ev_fresh - p_fresh end,
    ev_refused = case when v_decreased then 0 else r.ev_refused - p_refused end,
    ev_failed = r.ev_failed - p_failed,
    ev_stale = r.ev_stale - p_stale + case when v_decreased then r.ev_refused - p_refused else 0 end,
    ev_retry_ms = null, ev_waited_us = greatest(0, r.ev_waited_us - p_waited_us), ev_granted = r.ev_granted - p_granted,
    last_us = r.last_us, generation = r.generation, granted = r.granted
    where b.id = p_id;
  if p_event is not null then
    insert into sluice.limit_event (bucket_id, type, detail) values (p_id, 'learned', jsonb_build_object(
      'what', p_event, 'from', r.rate, 'to', p_rate, 'epoch', p_epoch, 'window', p_max));
  end if;
  return true;
end $$;

-- Writes the steps of several laws, in id order. Returns the ids of those that another worker stepped first.
create function sluice.limit_law_write_all(p_steps json) returns bigint[] language plpgsql volatile as $$
declare
  s record;
  v_lost bigint[] := '{}';
begin
  for s in
    select * from json_to_recordset(p_steps) as step (
      id bigint, version int, law jsonb, "atMs" float8, rate float8, burst float8, hold boolean, "probeMs" float8, epoch int,
      max float8, "winUs" bigint, "guardUs" bigint, "slotUs" bigint, slots int, ok int, fresh int, refused int, failed int,
      stale int, "waitedUs" bigint, granted float8, event text)
     order by id
  loop
    if not sluice.limit_law_write(s.id, s.version, s.law, s."atMs", s.rate, s.burst, s.hold, s."probeMs", s.epoch, s.max,
      s."winUs", s."guardUs", s."slotUs", s.slots, s.ok, s.fresh, s.refused, s.failed, s.stale, s."waitedUs", s.granted, s.event)
    then
      v_lost := v_lost || s.id;
    end if;
  end loop;
  -- A step that is lost in a crash is made again: the next refusal is of the same epoch.
  perform set_config('synchronous_commit', 'off', true);
  return v_lost;
end $$;
