-- Taking permits with one statement for all rows of a batch instead of one for each, and one look at the gates: a third less
-- for a batch of 22 rows. Otherwise as 0002_limiter.sql, where the parameters are explained.
create or replace function sluice.limit_acquire(
  p_ids bigint[], p_demand float8[], p_gates bigint[], p_requests json, p_renewals json, p_late_us bigint,
  out missing bigint[], out lock_wait_us bigint, out slots bigint[], out epochs int[], out denied json, out law_due bigint[]
) language plpgsql volatile set enable_seqscan = off as $$
declare
  v_entry bigint := sluice.limit_clock_us();
  v_clock bigint;
  v_generation bigint := sluice.limit_generation();
  v_count int := coalesce(array_length(p_ids, 1), 0);
  v_rows sluice.limit_bucket[];
  r sluice.limit_bucket;
  v_index int;
  v_waits boolean := false;
  -- By bucket position.
  v_left float8[];
  v_tight boolean[] := '{}';
  v_cause int[] := '{}';
  v_grant float8[] := p_demand;
  -- By gate position.
  v_gate_closed boolean[] := '{}';
  q record;
  v_renewable boolean;
  v_lost json[] := '{}';
  v_simple boolean := true;
begin
  -- The locks: an own statement, in id order, before the clock is read.
  if v_count > 0 then
    select array_agg(locked.b) into v_rows from (
      select b from sluice.limit_bucket b where b.id = any (p_ids) order by b.id for no key update of b) locked;
  end if;
  v_clock := sluice.limit_clock_us();
  select coalesce(array_agg(b.paused_at is not null or b.hold or b.closed_us > v_clock order by gate.position), '{}')
    into v_gate_closed
    from unnest(p_gates) with ordinality gate (id, position) join sluice.limit_bucket b on b.id = gate.id;
  if coalesce(array_length(v_rows, 1), 0) <> v_count or cardinality(v_gate_closed) <> cardinality(p_gates) then
    missing := array(
      select asked.id from unnest(p_ids || p_gates) asked (id)
      where not exists (select from sluice.limit_bucket b where b.id = asked.id));
    return;
  end if;
  lock_wait_us := greatest(0, v_clock - v_entry);

  for i in 1 .. v_count loop
    r := v_rows[i];
    if v_clock >= r.last_us and r.generation = v_generation and r.queue_len = 0 and r.rate is null
      and (r.max is null or (v_clock - r.win_us - r.guard_us) / r.slot_us = r.tail) then
      -- The same slot as last time: there is nothing to advance.
      r.last_us := v_clock;
    else
      r := sluice.limit_advance(r, v_clock, v_generation);
    end if;
    v_rows[i] := r;
    slots[i] := case when r.slot_us > 0 then least((r.last_us + p_late_us) / r.slot_us, r.last_us / r.slot_us + 30) else 0 end;
    epochs[i] := r.epoch;
    v_cause[i] := case when r.paused_at is not null then 3 when r.closed_us > r.last_us then 2
                       when r.hold and greatest(r.probe_us, r.probe_lease_us) > r.last_us then 5 else 0 end;
    -- least() passes over nulls: without a ring and without pacing there is no bound.
    v_left[i] := case when v_cause[i] > 0 then 0
                      when r.hold then least(1, r.max - r.used)
                      else coalesce(least(r.max - r.used, case when r.rate is not null then r.tokens end), 'infinity') end;
    v_tight[i] := p_demand[i] > v_left[i] or (r.queue_len > 0 and r.queue_until_us > r.last_us);
    if r.law_due_us <= r.last_us then
      law_due := law_due || r.id;
    end if;
  end loop;

  if p_renewals is not null then
    for q in select * from json_to_recordset(p_renewals) as renewal (n int, g int, b int[], s bigint[], q float8[]) loop
      v_renewable := not v_gate_closed[q.g];
      for k in 1 .. cardinality(q.b) loop
        r := v_rows[q.b[k]];
        v_renewable := v_renewable and v_cause[q.b[k]] in (0, 5) and (r.max is null or q.s[k] >= r.tail);
      end loop;
      if not v_renewable then
        v_lost := v_lost || json_build_array(q.n, 4, 1, 0, 0, null);
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
        end if;
      end loop;
    end loop;
    v_simple := false;
  end if;

  if true = any (v_tight) or true = any (v_gate_closed) then
    v_simple := false;
    select d.p_rows, d.p_grants, d.denied into v_rows, v_grant, denied
      from sluice.limit_decide(v_rows, p_demand, p_ids, v_left, v_tight, v_cause, v_gate_closed, p_requests) d;
  end if;

  if cardinality(v_lost) > 0 then
    denied := (select json_agg(entry) from (
      select entry from json_array_elements(denied) entry union all select unnest(v_lost)) lost (entry));
  end if;

  for i in 1 .. v_count loop
    r := v_rows[i];
    continue when v_simple and p_demand[i] = 0;
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
    v_rows[i] := r;
  end loop;
  update sluice.limit_bucket b set
    tail = n.tail, used = n.used, ring = n.ring, foreign_used = n.foreign_used,
    freed = n.freed, freed_us = n.freed_us, tokens = n.tokens, paced_us = n.paced_us,
    probe_us = n.probe_us, probe_lease_us = n.probe_lease_us, closed_us = n.closed_us, refused_us = n.refused_us,
    law_due_us = n.law_due_us, ev_granted = n.ev_granted, ev_waited_us = n.ev_waited_us,
    queue_len = n.queue_len, queue_cost = n.queue_cost, queue_until_us = n.queue_until_us, vtime = n.vtime,
    last_us = n.last_us, generation = n.generation, granted = n.granted, reserved = n.reserved
    from unnest(v_rows) n where b.id = n.id;
  if not v_waits then
    -- Commit without waiting for the disk; a function-level SET would be undone before the commit.
    perform set_config('synchronous_commit', 'off', true);
  end if;
end $$;
