-- Takes permits for a batch of calls: each call gets all that it asks for, or nothing and a place in the queue.
--
-- Most rows of a batch are where the last permit left them: the same slot, room enough, an empty queue. One statement takes
-- those and changes a few numbers without going through the ring. Only the others are looked at one by one. What such rows grant
-- is kept in `filling`. It moves to slot `filling_slot` of the ring with the next limit_advance(), with which every other
-- function begins.
--
-- Locks: the bucket rows by id, in a statement of their own before the clock is read.
--
--   p_ids       the buckets, ascending, without repeats; locked in this order, so no two calls can deadlock
--   p_demand    what the whole batch asks of each
--   p_gates     rows that are only read: a gate that is paused, or held because what is behind it fails, denies
--   p_requests  [{k: call key, a: account, w: weight, c: class 0-2, g: gate positions, f: goes first, b: bucket positions,
--               q: costs}], read only when not everything can simply be granted; null = they were not sent
--   p_renewals  null, or permits that were not sent in time, [{n: request, g: gate positions, b: bucket positions, s: slots,
--               q: costs}]: they are counted now instead of then, which takes no room. Not part of p_demand and p_requests.
--   p_late_us   how late this worker may send: its grants are counted that much later (`slots_ahead` slots at most)
-- Result:
--   missing     ids without a row; then nothing was done
--   slots       aligned with p_ids, as are epochs. Null where not everything can simply be granted and p_requests is null: then
--               nothing was done either
--   denied      [[request, cause, bucket position, wait µs, ahead, until µs]] for those not granted. Causes are full, blocked,
--               paused, queue, probing (of the bucket) and gate (then the position is a gate's)
--   law_due     buckets whose control law wants to hear that time passed
create or replace function sluice.limit_acquire(
  p_ids bigint[], p_demand float8[], p_gates bigint[], p_requests json, p_renewals json, p_late_us bigint,
  out missing bigint[], out lock_wait_us bigint, out slots bigint[], out epochs int[], out denied json, out law_due bigint[]
) language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan set search_path = pg_catalog as $$
declare
  v_entry bigint := sluice.limit_clock_us();
  v_clock bigint;
  v_generation bigint := coalesce((select a.generation from sluice.limit_alive a), sluice.limit_generation());
  v_count int := coalesce(array_length(p_ids, 1), 0);
  v_found int;
  v_look sluice.limit_bucket[];        -- rows that need a closer look, and their positions
  v_positions int[];
  v_rows sluice.limit_bucket[] := '{}';
  r sluice.limit_bucket;
  v_index int;
  v_waits boolean := false;
  -- By bucket position.
  v_left float8[];
  v_tight boolean[] := array_fill(false, array[v_count]);
  v_cause text[] := '{}';              -- why nothing may be taken at all; null = by its numbers
  v_grant float8[] := p_demand;
  -- By gate position.
  v_gate_shut boolean[] := '{}';
  q record;
  v_renewable boolean;
  v_lost json[] := '{}';
  v_simple boolean;
  v_fast boolean[];                    -- taken without a closer look
  v_rolls boolean[];                   -- of those: what fills belongs to a slot that is over
  v_changed sluice.limit_bucket[] := '{}';
begin
  -- The locks: an own statement, in id order, before the clock is read.
  -- Whoever waits for another batch mostly waits for the first row, and has the rest as that batch left it if it looks only then.
  if v_count > 1 then
    perform from sluice.limit_bucket b where b.id = p_ids[1] for no key update;
  end if;
  perform from sluice.limit_bucket b where b.id = any (p_ids) order by b.id for no key update;
  get diagnostics v_found = row_count;
  v_clock := sluice.limit_clock_us();
  select coalesce(array_agg(b.paused_at is not null or b.hold or b.blocked_us > v_clock order by gate.position), '{}')
    into v_gate_shut
    from unnest(p_gates) with ordinality gate (id, position) join sluice.limit_bucket b on b.id = gate.id;
  if v_found <> v_count or cardinality(v_gate_shut) <> cardinality(p_gates) then
    missing := array(
      select asked.id from unnest(p_ids || p_gates) asked (id)
      where not exists (select from sluice.limit_bucket b where b.id = asked.id));
    return;
  end if;
  lock_wait_us := greatest(0, v_clock - v_entry);

  select array_agg(now.slot), array_agg(now.epoch), array_agg(now.fast), array_agg(now.fast and now.rolls),
         coalesce(bool_or(now.fast and now.beyond), false), array_agg(now.b) filter (where not now.fast), array_agg(now.position::int) filter (where not now.fast)
    into slots, epochs, v_fast, v_rolls, v_waits, v_look, v_positions
    from (
      select b, asked.position, b.epoch, at.slot, b.max is not null and b.granted + asked.units > b.reserved beyond,
             b.rate is null and not b.hold and b.queue_len = 0 and b.law_due_us is null and b.paused_at is null and b.blocked_us <= v_clock
               -- Without a ring there is nothing to count.
               and (b.max is null or (b.align is null and b.last_us <= v_clock and b.generation = v_generation
                                      and at.slot - b.tail < b.slots and b.used + asked.units <= b.max)) fast,
             b.filling <> 0 and b.filling_slot <> at.slot rolls
        from unnest(p_ids, p_demand) with ordinality asked (id, units, position)
        join sluice.limit_bucket b on b.id = asked.id
       cross join lateral (select least((v_clock + p_late_us) / nullif(b.slot_us, 0), v_clock / nullif(b.slot_us, 0) + b.slots_ahead)) at (slot)
       order by asked.position) now;

  for v_pass in 1 .. 2 loop
    for k in 1 .. coalesce(array_length(v_look, 1), 0) loop
      v_index := v_positions[k];
      r := sluice.limit_advance(v_look[k], v_clock, v_generation);
      v_rows[v_index] := r;
      slots[v_index] := case when r.align is not null then least(sluice.limit_slot(r, r.last_us + p_late_us), sluice.limit_slot(r, r.last_us) + r.slots_ahead)
                             when r.slot_us > 0 then least((r.last_us + p_late_us) / r.slot_us, r.last_us / r.slot_us + r.slots_ahead) else 0 end;
      if r.kind = 'bucket' and p_late_us > 0 then
        -- What is sent late arrives together with what is sent then: so much of the burst stays unused.
        r.tokens := least(r.tokens, greatest(1, r.burst - r.rate * p_late_us / 1000000.0));
        v_rows[v_index] := r;
      end if;
      v_cause[v_index] := case when r.paused_at is not null then 'paused' when r.blocked_us > r.last_us then 'blocked'
                               when r.hold and greatest(r.probe_us, r.probe_lease_us) > r.last_us then 'probing' end;
      -- least() passes over nulls: without a ring and without pacing there is no bound.
      v_left[v_index] := case when v_cause[v_index] is not null then 0
                              when r.hold then least(1, r.max - r.used)
                              else coalesce(least(r.max - r.used, case when r.rate is not null then r.tokens end), 'infinity') end;
      v_tight[v_index] := p_demand[v_index] > v_left[v_index] or (r.queue_len > 0 and r.queue_until_us > r.last_us);
      if r.law_due_us <= r.last_us then
        law_due := law_due || r.id;
      end if;
    end loop;
    v_simple := p_renewals is null and not true = any (v_tight) and not true = any (v_gate_shut);
    exit when v_simple or v_pass = 2;
    -- One has no room, so all are looked at.
    select array_agg(b), array_agg(f.position::int) into v_look, v_positions
      from unnest(p_ids, v_fast) with ordinality f (id, fast, position) join sluice.limit_bucket b on b.id = f.id where f.fast;
  end loop;
  if not v_simple and p_requests is null then
    slots := null;
    perform set_config('synchronous_commit', 'off', true);
    return;
  end if;
  if not v_simple then
    v_fast := array_fill(false, array[v_count]);
    v_waits := false;
  end if;

  if p_renewals is not null then
    for q in select * from json_to_recordset(p_renewals) as renewal (n int, g int[], b int[], s bigint[], q float8[]) loop
      v_renewable := not exists (select from unnest(q.g) gate (position) where v_gate_shut[gate.position]);
      for k in 1 .. cardinality(q.b) loop
        r := v_rows[q.b[k]];
        v_renewable := v_renewable and coalesce(v_cause[q.b[k]], 'probing') = 'probing' and (r.max is null or q.s[k] >= r.tail);
      end loop;
      if not v_renewable then
        v_lost := v_lost || json_build_array(q.n, 'queue', 1, 0, 0, null);
        continue;
      end if;
      for k in 1 .. cardinality(q.b) loop
        r := v_rows[q.b[k]];
        if r.max is not null then
          v_index := (q.s[k] % r.slots)::int + 1;
          r.ring[v_index] := r.ring[v_index] - q.q[k];
          v_index := (slots[q.b[k]] % r.slots)::int + 1;
          r.ring[v_index] := r.ring[v_index] + q.q[k];
          v_rows[q.b[k]] := r;
        elsif r.kind = 'bucket' then
          -- Given back and taken again: what flowed over meanwhile is lost.
          r.tokens := least(r.burst, r.tokens + q.q[k]) - q.q[k];
          v_rows[q.b[k]] := r;
        end if;
      end loop;
    end loop;
  end if;

  if true = any (v_tight) or true = any (v_gate_shut) then
    select d.p_rows, d.p_grants, d.denied into v_rows, v_grant, denied
      from sluice.limit_decide(v_rows, p_demand, p_ids, v_left, v_tight, v_cause, v_gate_shut, p_requests) d;
  end if;

  if cardinality(v_lost) > 0 then
    denied := (select json_agg(entry) from (
      select entry from json_array_elements(denied) entry union all select unnest(v_lost)) lost (entry));
  end if;

  for i in 1 .. v_count loop
    continue when v_fast[i] or (v_simple and p_demand[i] = 0);
    r := v_rows[i];
    if r.max is not null and v_grant[i] > 0 then
      v_index := (slots[i] % r.slots)::int + 1;
      r.ring[v_index] := r.ring[v_index] + v_grant[i];
      r.used := r.used + v_grant[i];
      r.granted := r.granted + v_grant[i];
      if r.granted > r.reserved then
        r.reserved := r.granted + r.reserve_step;
        v_waits := true;
      end if;
    end if;
    if r.hold and v_grant[i] > 0 then
      r.probe_lease_us := r.last_us + 30000000;
    end if;
    if r.rate is not null then
      r.tokens := r.tokens - v_grant[i];
    end if;
    if r.law_due_us <= r.last_us then
      r.law_due_us := r.last_us + 1000000;
    end if;
    r.ev_granted := r.ev_granted + v_grant[i];
    v_changed := v_changed || r;
  end loop;
  if true = any (v_fast) then
    if true = any (v_rolls) then
      update sluice.limit_bucket b set
        ring[(b.filling_slot % b.slots)::int + 1] = b.ring[(b.filling_slot % b.slots)::int + 1] + b.filling,
        used = b.used + f.units, filling = f.units, filling_slot = f.slot, granted = b.granted + f.units,
        reserved = case when b.granted + f.units > b.reserved then b.granted + f.units + b.reserve_step else b.reserved end,
        ev_granted = b.ev_granted + f.units, last_us = v_clock
        from unnest(p_ids, p_demand, v_rolls, limit_acquire.slots) f (id, units, rolls, slot)
        where b.id = f.id and f.rolls and f.units > 0 and b.max is not null;
    end if;
    update sluice.limit_bucket b set
      used = b.used + f.units, filling = b.filling + f.units, filling_slot = f.slot, granted = b.granted + f.units,
      reserved = case when b.granted + f.units > b.reserved then b.granted + f.units + b.reserve_step else b.reserved end,
      ev_granted = b.ev_granted + f.units, last_us = v_clock
      from unnest(p_ids, p_demand, v_fast, v_rolls, limit_acquire.slots) f (id, units, fast, rolls, slot)
      where b.id = f.id and f.fast and not f.rolls and f.units > 0 and b.max is not null;
  end if;
  update sluice.limit_bucket b set
    tail = n.tail, used = n.used, ring = n.ring, filling = n.filling, foreign_used = n.foreign_used,
    freed = n.freed, freed_us = n.freed_us, tokens = n.tokens, paced_us = n.paced_us,
    probe_us = n.probe_us, probe_lease_us = n.probe_lease_us, blocked_us = n.blocked_us,
    law_due_us = n.law_due_us, ev_granted = n.ev_granted, ev_waited_us = n.ev_waited_us,
    queue_len = n.queue_len, queue_cost = n.queue_cost, queue_until_us = n.queue_until_us, vtime = n.vtime,
    last_us = n.last_us, generation = n.generation, granted = n.granted, reserved = n.reserved
    from unnest(v_changed) n where b.id = n.id;
  if not v_waits then
    -- Commit without waiting for the disk; a function-level SET would be undone before the commit.
    perform set_config('synchronous_commit', 'off', true);
  end if;
end $$;
