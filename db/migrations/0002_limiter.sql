-- The limiter's tables, and taking permits. Read by limiter/acquire.ts; what answers teach is in 0010_limiter_reports.sql.
-- All times are microseconds of the database's clock, read after the row locks are held. Costs are float8 on a grid of
-- 1/1024, so that sums and differences are exact.

-- One row per limit and scope value. A row may have a ring (a known window, or calls in flight), pacing (a learned rate),
-- or neither (a gate: it can only be paused). Hot: updated by every permit, hence the fill factor and eager vacuum.
create table sluice.limit_bucket (
  id bigint primary key,                          -- 53 bits of the key's SHA-256, made by the client
  key text not null unique,                       -- provider/limit/scope value
  kind text not null check (kind in ('window', 'inflight', 'learned', 'gate')),
  spec jsonb not null,                            -- as declared; a changed declaration is noticed by comparing it
  -- Ring: units granted in slot s are at ring[s % slots + 1] until slot s's end + win + guard. Live slots: tail … now + 30.
  -- A worker that is slow to send has its grants counted up to thirty slots later than now.
  declared_max float8,
  override_max float8,
  seen_max float8,                                -- what the third party says its limit is
  max float8,                                     -- the one in force; null = no ring
  win_us bigint not null default 0,
  guard_us bigint not null default 0,
  slot_us bigint not null default 0,
  slots int not null default 0,
  tail bigint not null default 0,
  used float8 not null default 0,
  ring float8[],
  foreign_used float8 not null default 0,         -- part of used that others took, as their headers told us
  foreign_slot bigint not null default 0,
  freed float8 not null default 0,                -- what slots gave back in the last seconds, since freed_us: an answer
  freed_us bigint not null default 0,             -- that was on its way meanwhile may still count it
  higher_seen int not null default 0,             -- answers in a row that promised more than we believe
  -- Commits do not wait for the disk, but what is granted never exceeds what a commit that did wait has reserved. After a
  -- crash everything reserved counts as granted.
  granted float8 not null default 0,
  reserved float8 not null default 0,
  reserve_step float8 not null default 1,
  hold_us bigint not null default 500000,         -- calls in flight: smoothed time from permit to release
  -- Pacing: tokens flow in at rate per second up to burst. In hold one call is let through at probe_us.
  rate float8,
  override_rate float8,
  burst float8 not null default 1,
  tokens float8 not null default 0,
  paced_us bigint not null default 0,
  hold boolean not null default false,
  probe_us bigint not null default 0,
  probe_lease_us bigint not null default 0,       -- a probe is on its way; given up when nothing is heard of it
  epoch int not null default 0,
  law jsonb,
  law_version int not null default 0,
  law_stepped_us bigint not null default 0,
  law_due_us bigint,                              -- null = time alone changes nothing
  -- What happened since the law's last step.
  ev_ok int not null default 0,
  ev_fresh int not null default 0,                -- of ev_ok: permits of the current epoch
  ev_refused int not null default 0,
  ev_failed int not null default 0,
  ev_stale int not null default 0,
  ev_retry_ms float8,
  ev_granted float8 not null default 0,
  ev_waited_us bigint not null default 0,         -- time in which somebody waited
  -- Closed by an answer, or paused by an operator.
  closed_us bigint not null default 0,
  closed_at timestamptz,
  closed_reason text,
  refusals int not null default 0,                -- in a row, for the backoff of limits that do not learn
  refused_us bigint not null default 0,
  paused_at timestamptz,
  paused_reason text,
  -- Queue: tickets with a claim, in order of (class, tag).
  queue_len int not null default 0,
  queue_cost float8 not null default 0,
  queue_until_us bigint not null default 0,       -- when the last ticket lapses
  vtime float8[] not null default '{1,1,1}',      -- virtual time of each class: tag of the last one served
  last_us bigint not null default 0,              -- time never runs backwards for a row, whatever the clock does
  generation bigint not null default 0            -- of limit_alive, when last written
) with (fillfactor = 50, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
alter table sluice.limit_bucket alter column ring set storage main;

-- A call's place in the queue of a bucket that had no room for it. A place, not a time: eta_us is only an estimate.
create table sluice.limit_ticket (
  bucket_id bigint not null,
  call_key text not null,
  account text not null,
  class smallint not null,
  tag float8 not null,                            -- start tag of start-time fair queueing; order is (class, tag)
  cost float8 not null,
  created_us bigint not null,
  eta_us bigint not null,
  lapse_us bigint not null,                       -- later it holds nobody up, but keeps its tag
  bounces int not null default 0,
  primary key (bucket_id, call_key)
) with (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05);
create index limit_ticket_order on sluice.limit_ticket (bucket_id, class, tag);
create index limit_ticket_call on sluice.limit_ticket (call_key);

-- Where each account stands on a shared bucket: its next ticket's tag is never before finish_tag.
create table sluice.limit_account (
  bucket_id bigint not null,
  account text not null,
  class smallint not null,
  finish_tag float8 not null,
  seen_us bigint not null,
  primary key (bucket_id, account, class)
) with (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05);

-- What an operator wants to look back at: decreases, closings, drift, pauses. Kept for some days.
create table sluice.limit_event (
  id bigint generated always as identity primary key,
  bucket_id bigint not null,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  detail jsonb not null default '{}'
);
create index limit_event_bucket on sluice.limit_event (bucket_id, id desc);
create index limit_event_at on sluice.limit_event (at);

-- Unlogged, so it is empty after a crash (or on a promoted standby): the sign that commits which did not wait for the
-- disk may be lost. A clean restart keeps it, and loses nothing.
create unlogged table sluice.limit_alive (
  one boolean primary key default true check (one),
  generation bigint not null
);

-- A function of its own, so that tests can move the clock.
create function sluice.limit_clock_us() returns bigint language sql volatile as
  $$ select (extract(epoch from clock_timestamp()) * 1000000)::bigint $$;

-- The number of the current life of the database; a new one after every crash.
create function sluice.limit_generation() returns bigint language plpgsql volatile as $$
declare
  v_generation bigint;
begin
  select generation into v_generation from sluice.limit_alive;
  if v_generation is null then
    insert into sluice.limit_alive (generation) values (sluice.limit_clock_us()) on conflict do nothing;
    select generation into v_generation from sluice.limit_alive;
  end if;
  return v_generation;
end $$;

-- The row as it stands at the clock's time: old slots freed, tokens flowed in. Pure arithmetic on a locked row.
create function sluice.limit_advance(r sluice.limit_bucket, p_clock_us bigint, p_generation bigint)
returns sluice.limit_bucket language plpgsql volatile as $$
declare
  v_now bigint := greatest(p_clock_us, r.last_us);
  v_tail bigint;
  v_gap bigint;
  v_index int;
  v_ring float8[];
  v_used float8 := r.used;
begin
  -- The clock was set back by more than the window: waiting for it would stand still for too long. Everything that was
  -- granted counts as granted now, which is never too little.
  if r.last_us - p_clock_us > greatest(r.win_us + r.guard_us, 1000000) then
    v_now := p_clock_us;
    r.closed_us := case when r.closed_us > r.last_us then v_now + r.closed_us - r.last_us else 0 end;
    r.probe_us := case when r.probe_us > r.last_us then v_now + r.probe_us - r.last_us else 0 end;
    r.paced_us := v_now;
    r.tokens := least(r.tokens, 0);
    r.refused_us := 0;
    if r.max is not null then
      r.tail := (v_now - r.win_us - r.guard_us) / r.slot_us;
      r.ring := array_fill(0::float8, array[r.slots]);
      r.ring[((v_now / r.slot_us) % r.slots)::int + 1] := r.used;
    end if;
  end if;
  if r.max is not null then
    v_tail := (v_now - r.win_us - r.guard_us) / r.slot_us;
    v_gap := v_tail - r.tail;
    if r.used = 0 then
      r.tail := greatest(v_tail, r.tail);
    elsif v_gap >= r.slots then
      r.used := 0;
      r.foreign_used := 0;
      r.ring := array_fill(0::float8, array[r.slots]);
      r.tail := v_tail;
    elsif v_gap > 0 then
      v_ring := r.ring;
      -- Offsets, not slot numbers: a loop variable is an int4 and slot numbers are not.
      for k in 0 .. v_gap::int - 1 loop
        v_index := ((r.tail + k) % r.slots)::int + 1;
        r.used := r.used - v_ring[v_index];
        v_ring[v_index] := 0;
      end loop;
      r.ring := v_ring;
      r.tail := v_tail;
      if r.foreign_slot < v_tail then
        r.foreign_used := 0;
      end if;
    end if;
    if r.used < v_used then
      r.freed := case when r.freed_us < v_now - 4000000 then 0 else r.freed end + v_used - r.used;
      r.freed_us := case when r.freed_us < v_now - 4000000 then v_now else r.freed_us end;
    end if;
    if r.generation <> p_generation and r.generation <> 0 and r.reserved > r.granted then
      v_index := ((v_now / r.slot_us) % r.slots)::int + 1;
      v_used := greatest(0, least(r.reserved - r.granted, r.max - r.used));
      r.ring[v_index] := r.ring[v_index] + v_used;
      r.used := r.used + v_used;
      r.granted := r.reserved;
      insert into sluice.limit_event (bucket_id, type, detail) values (r.id, 'restarted', jsonb_build_object('charged', v_used));
    end if;
  end if;
  if r.rate is not null then
    r.tokens := least(r.burst, r.tokens + r.rate * greatest(v_now - r.paced_us, 0) / 1000000.0);
    r.paced_us := v_now;
    if r.generation <> p_generation and r.generation <> 0 then
      r.tokens := least(r.tokens, 0);
    end if;
  end if;
  if r.queue_len > 0 then
    r.ev_waited_us := r.ev_waited_us + greatest(0, least(v_now, r.queue_until_us) - r.last_us);
  end if;
  r.generation := p_generation;
  r.last_us := v_now;
  return r;
end $$;

-- Microseconds until a bucket that advanced to its last_us can serve, one after the other, each amount of p_needs
-- (ascending: everything to be admitted from now on up to and including the one who asks).
create function sluice.limit_etas(r sluice.limit_bucket, p_needs float8[]) returns bigint[] language plpgsql immutable as $$
declare
  v_etas bigint[] := '{}';
  v_ring float8[] := r.ring;
  v_need float8;
  v_cycles bigint;
  v_freed float8 := case when r.max is null then 0 else r.max - r.used end;
  v_offset int := -1;
  v_last_cycles bigint := 0;
  v_eta bigint;
  v_rest float8;
begin
  foreach v_need in array p_needs loop
    v_eta := 0;
    if r.max is not null and r.kind = 'inflight' and r.max > 0 then
      if v_need > r.max - r.used then
        v_eta := greatest(20000, (r.hold_us * (v_need - (r.max - r.used)) / r.max)::bigint);
      end if;
    elsif r.max is not null and r.max > 0 then
      -- What is admitted when a slot is freed is freed again one period later: whole windows first, then the ring.
      v_cycles := ceil(v_need / r.max)::bigint - 1;
      v_rest := v_need - v_cycles * r.max;
      if v_cycles <> v_last_cycles then
        v_freed := r.max - r.used;
        v_offset := -1;
        v_last_cycles := v_cycles;
      end if;
      while v_freed < v_rest and v_offset < r.slots - 1 loop
        v_offset := v_offset + 1;
        v_freed := v_freed + v_ring[((r.tail + v_offset) % r.slots)::int + 1];
      end loop;
      v_eta := v_cycles * r.slot_us * (r.slots - 31);
      if v_offset >= 0 then
        v_eta := v_eta + greatest(0, (r.tail + v_offset + 1) * r.slot_us + r.win_us + r.guard_us - r.last_us);
      end if;
    elsif r.max is not null then
      v_eta := greatest(r.win_us, 1000000);
    end if;
    if r.rate is not null then
      if r.hold then
        -- While a probe is on its way, look again when its answer should be known.
        v_eta := greatest(v_eta, greatest(r.probe_us - r.last_us, least(r.probe_lease_us - r.last_us, 1000000)) + ((v_need - 1) * 1000000 / greatest(r.rate, 0.0001))::bigint);
      elsif v_need > r.tokens then
        v_eta := greatest(v_eta, ((v_need - r.tokens) * 1000000 / greatest(r.rate, 0.000001))::bigint);
      end if;
    end if;
    v_etas := v_etas || v_eta;
  end loop;
  return v_etas;
end $$;

-- Who of a batch is served when not everything can be granted. Part of limit_acquire, under its locks.
-- In order of class and tag, each call is served if every bucket has room beyond the claims of the tickets before it
-- (live ones that are due, or will be within the horizon). Who is not served gets a ticket on each bucket that had no
-- room, and an estimate from everything that waits before it.
create function sluice.limit_decide(
  inout p_rows sluice.limit_bucket[], inout p_grants float8[], p_ids bigint[], p_left float8[], p_tight boolean[],
  p_cause int[], p_gate_closed boolean[], p_requests json, out denied json
) language plpgsql volatile as $$
declare
  v_count int := coalesce(array_length(p_ids, 1), 0);
  v_loaded int := 300; -- tickets looked at one by one; what is behind them is counted, some times a batch
  v_counts int := 0;
  v_keys text[] := array(select entry ->> 'k' from json_array_elements(p_requests) entry);
  r sluice.limit_bucket;
  -- By bucket and class, flattened: virtual time, the last tag served now, the first tag that still waits.
  v_vtime float8[] := '{}';
  v_served float8[] := array_fill(0::float8, array[3 * v_count]);
  v_waits float8[] := array_fill('infinity'::float8, array[3 * v_count]);
  -- Tickets of the queues, bucket after bucket in order; v_at walks from v_at to v_end.
  t_class int[] := '{}';
  t_tag float8[] := '{}';
  t_cost float8[] := '{}';
  t_claims boolean[] := '{}';
  v_at int[] := '{}';
  v_end int[] := '{}';
  v_more boolean[] := '{}';            -- there are more tickets than were loaded
  v_counted_class int[] := '{}';
  v_counted_tag float8[] := '{}';
  v_denied_cost float8[] := array_fill(0::float8, array[v_count]);
  v_denied_calls int[] := array_fill(0, array[v_count]);
  -- By bucket: room after grants, room after grants and claims, cost and number of what waits before the one looked at.
  v_most float8[] := '{}';             -- a cost above it is served when the bucket is full, and leaves a debt
  v_gone int[] := array_fill(0, array[v_count]);
  v_gone_cost float8[] := array_fill(0::float8, array[v_count]);
  v_room float8[] := p_left;
  v_open float8[] := p_left;
  v_ahead float8[] := array_fill(0::float8, array[v_count]);
  v_ahead_count int[] := array_fill(0, array[v_count]);
  q record;
  l record;
  -- The parts of the request looked at.
  c_pos int[] := '{}';
  c_cost float8[] := '{}';
  c_tag float8[] := '{}';
  c_old boolean[] := '{}';
  v_fails boolean[] := '{}';
  v_denied boolean;
  v_pos int;
  -- Denied parts, and what follows from the decisions.
  d_request int[] := '{}';
  d_pos int[] := '{}';
  d_key text[] := '{}';
  d_account text[] := '{}';
  d_class int[] := '{}';
  d_tag float8[] := '{}';
  d_cost float8[] := '{}';
  d_need float8[] := '{}';
  d_ahead int[] := '{}';
  d_cause int[] := '{}';
  d_old boolean[] := '{}';
  d_fails boolean[] := '{}';
  d_wait bigint[];
  v_served_ids bigint[] := '{}';
  v_served_keys text[] := '{}';
  a_pos int[] := '{}';
  a_account text[] := '{}';
  a_class int[] := '{}';
  a_finish float8[] := '{}';
  v_etas bigint[];
begin
  for i in 1 .. v_count loop
    r := p_rows[i];
    v_vtime := v_vtime || r.vtime;
    v_most[i] := case when r.max is not null or r.rate is null then 'infinity' when r.hold then 1 else r.burst end;
    v_at[i] := coalesce(array_length(t_tag, 1), 0) + 1;
    v_more[i] := false;
    v_counted_class[i] := -1;
    v_counted_tag[i] := 0;
    if p_tight[i] and r.queue_len > 0 then
      select array_agg(class) classes, array_agg(tag) tags, array_agg(cost) costs, array_agg(claims) claims,
             count(*) tickets, sum(cost) total into l
        from (select class, tag, cost, eta_us <= r.last_us + greatest(100000, least(5000000, coalesce(r.win_us, 0) / 4)) claims
                from sluice.limit_ticket t
               where t.bucket_id = r.id and t.lapse_us > r.last_us and not t.call_key = any (v_keys)
               order by class, tag limit v_loaded) ticket;
      if l.tickets > 0 then
        t_class := t_class || l.classes;
        t_tag := t_tag || l.tags;
        t_cost := t_cost || l.costs;
        t_claims := t_claims || l.claims;
        for k in 1 .. l.tickets loop
          v_waits[3 * i - 2 + l.classes[k]] := least(v_waits[3 * i - 2 + l.classes[k]], l.tags[k]);
        end loop;
      end if;
      v_more[i] := l.tickets = v_loaded;
    end if;
    v_end[i] := coalesce(array_length(t_tag, 1), 0);
  end loop;

  for q in
    with charge as (
      select ask.ord, ask.k, ask.a, greatest(ask.w, 0.001) w, ask.c, ask.g, ask.f, ask.b, ask.q, part.pos, part.cost
        from rows from (json_to_recordset(p_requests) as (k text, a text, w float8, c int, g int, f boolean, b int[], q float8[]))
             with ordinality ask (k, a, w, c, g, f, b, q, ord)
       cross join lateral unnest(ask.b, ask.q) part (pos, cost)
       where p_tight[part.pos] or p_gate_closed[ask.g]
    ), tagged as (
      select charge.*, t.tag is not null old,
             coalesce(t.tag, case when f then 0 end, greatest(v_vtime[3 * pos - 2 + c], account.finish_tag)
               + coalesce(sum(case when t.tag is null then greatest(charge.cost, 0.001) / w else 0 end)
                   over (partition by pos, a, c order by ord rows between unbounded preceding and 1 preceding), 0)) tag
        from charge
        left join sluice.limit_ticket t on t.bucket_id = p_ids[pos] and t.call_key = k
        left join sluice.limit_account account on account.bucket_id = p_ids[pos] and account.account = a and account.class = c
    )
    select *, max(tag) over (partition by ord) request_tag, count(*) over (partition by ord) parts from tagged
     order by c, request_tag, ord, pos
  loop
    v_pos := q.pos;
    while v_at[v_pos] <= v_end[v_pos]
      and (t_class[v_at[v_pos]] < q.c or (t_class[v_at[v_pos]] = q.c and t_tag[v_at[v_pos]] <= q.tag)) loop
      v_ahead[v_pos] := v_ahead[v_pos] + t_cost[v_at[v_pos]];
      v_ahead_count[v_pos] := v_ahead_count[v_pos] + 1;
      if t_claims[v_at[v_pos]] then
        v_open[v_pos] := v_open[v_pos] - t_cost[v_at[v_pos]];
      end if;
      v_at[v_pos] := v_at[v_pos] + 1;
    end loop;
    if v_more[v_pos] and v_at[v_pos] > v_end[v_pos] and v_counts < 8
      and (q.c <> v_counted_class[v_pos] or q.tag > v_counted_tag[v_pos] + 2) then
      select coalesce(sum(t.cost), 0) cost, count(*)::int tickets into l from sluice.limit_ticket t
       where t.bucket_id = p_ids[v_pos] and (t.class, t.tag) <= (q.c, q.tag) and t.lapse_us > (p_rows[v_pos]).last_us
         and not t.call_key = any (v_keys);
      v_ahead[v_pos] := l.cost + v_denied_cost[v_pos];
      v_ahead_count[v_pos] := l.tickets + v_denied_calls[v_pos];
      v_counted_class[v_pos] := q.c;
      v_counted_tag[v_pos] := q.tag;
      v_counts := v_counts + 1;
    end if;
    c_pos := c_pos || v_pos;
    c_cost := c_cost || q.cost;
    c_tag := c_tag || q.tag;
    c_old := c_old || q.old;
    v_fails := v_fails || (p_cause[v_pos] > 0 or (v_open[v_pos] < least(q.cost, v_most[v_pos]) and q.cost > 0));
    continue when cardinality(c_pos) < q.parts;

    v_denied := true = any (v_fails) or coalesce(p_gate_closed[q.g], false);
    for i in 1 .. q.parts loop
      v_pos := c_pos[i];
      if not v_denied then
        v_room[v_pos] := v_room[v_pos] - c_cost[i];
        v_open[v_pos] := v_open[v_pos] - c_cost[i];
        v_served[3 * v_pos - 2 + q.c] := greatest(v_served[3 * v_pos - 2 + q.c], c_tag[i]);
        if c_old[i] then
          v_served_ids := v_served_ids || p_ids[v_pos];
          v_served_keys := v_served_keys || q.k;
          v_gone[v_pos] := v_gone[v_pos] + 1;
          v_gone_cost[v_pos] := v_gone_cost[v_pos] + c_cost[i];
        end if;
      else
        -- A paused gate has no queue; the first bucket keeps the place.
        if not true = any (v_fails) and i = 1 then
          v_fails[1] := true;
        end if;
        if v_fails[i] or c_old[i] then
          d_request := d_request || q.ord::int;
          d_pos := d_pos || v_pos;
          d_key := d_key || q.k;
          d_account := d_account || q.a;
          d_class := d_class || q.c;
          d_tag := d_tag || c_tag[i];
          d_cost := d_cost || c_cost[i];
          d_need := d_need || (v_ahead[v_pos] + c_cost[i]);
          d_ahead := d_ahead || v_ahead_count[v_pos];
          d_cause := d_cause || case when coalesce(p_gate_closed[q.g], false) then 6 when p_cause[v_pos] > 0 then p_cause[v_pos]
                                     when v_room[v_pos] >= c_cost[i] then 4 else 1 end;
          d_old := d_old || c_old[i];
          d_fails := d_fails || v_fails[i];
        end if;
        if v_fails[i] then
          v_waits[3 * v_pos - 2 + q.c] := least(v_waits[3 * v_pos - 2 + q.c], c_tag[i]);
          v_open[v_pos] := v_open[v_pos] - c_cost[i];
          v_ahead[v_pos] := v_ahead[v_pos] + c_cost[i];
          v_ahead_count[v_pos] := v_ahead_count[v_pos] + 1;
          v_denied_cost[v_pos] := v_denied_cost[v_pos] + c_cost[i];
          v_denied_calls[v_pos] := v_denied_calls[v_pos] + 1;
        end if;
      end if;
      if not c_old[i] and c_tag[i] > 0 and (v_fails[i] or not v_denied) then
        a_pos := a_pos || v_pos;
        a_account := a_account || q.a;
        a_class := a_class || q.c;
        a_finish := a_finish || (c_tag[i] + greatest(c_cost[i], 0.001) / q.w);
      end if;
    end loop;
    if v_denied then
      for i in 1 .. cardinality(q.b) loop
        p_grants[q.b[i]] := p_grants[q.b[i]] - q.q[i];
      end loop;
    end if;
    c_pos := '{}';
    c_cost := '{}';
    c_tag := '{}';
    c_old := '{}';
    v_fails := '{}';
  end loop;

  -- Estimates, bucket by bucket, with what this batch took already taken.
  d_wait := array_fill(0::bigint, array[cardinality(d_pos)]);
  for i in 1 .. v_count loop
    continue when not i = any (d_pos);
    r := p_rows[i];
    r.used := r.used + p_grants[i];
    r.tokens := r.tokens - p_grants[i];
    if r.hold and p_grants[i] > 0 then
      r.probe_lease_us := r.last_us + 1000000;
    end if;
    v_etas := sluice.limit_etas(r, array(select d.need from unnest(d_pos, d_need) with ordinality d (pos, need, n) where d.pos = i order by n));
    v_pos := 0;
    for j in 1 .. cardinality(d_pos) loop
      continue when d_pos[j] <> i;
      v_pos := v_pos + 1;
      continue when not d_fails[j];
      d_wait[j] := greatest(5000, v_etas[v_pos],
        -- After a closing nobody comes back in the same instant as everybody else.
        case when d_cause[j] = 2 then r.closed_us - r.last_us + 500 * d_ahead[j]::bigint
             when d_cause[j] in (3, 6) then 10000000 + 20000 * d_ahead[j]::bigint else 0 end);
    end loop;
  end loop;

  if cardinality(v_served_ids) > 0 then
    delete from sluice.limit_ticket t using unnest(v_served_ids, v_served_keys) served (id, key)
     where t.bucket_id = served.id and t.call_key = served.key;
  end if;
  if cardinality(d_pos) > 0 then
    -- All tickets of one call carry the same estimate: the latest of its buckets.
    insert into sluice.limit_ticket as t (bucket_id, call_key, account, class, tag, cost, created_us, eta_us, lapse_us)
    select p_ids[d.pos], d.key, d.account, d.class, d.tag, d.cost, now_us, now_us + wait, now_us + wait + least(5000000, 2000000 + wait / 10)
      from (select *, max(d.part_wait) over (partition by d.request) wait, (p_rows[d.pos]).last_us now_us
              from unnest(d_request, d_pos, d_key, d_account, d_class, d_tag, d_cost, d_wait)
                   d (request, pos, key, account, class, tag, cost, part_wait)) d
    on conflict (bucket_id, call_key) do update
      set eta_us = excluded.eta_us, lapse_us = excluded.lapse_us, bounces = t.bounces + 1;
    for l in
      select d.pos, count(*) filter (where not d.old) added, coalesce(sum(d.cost) filter (where not d.old), 0) cost, max(d.wait) wait
        from (select d.*, max(d.part_wait) over (partition by d.request) wait
                from unnest(d_request, d_pos, d_cost, d_old, d_wait) d (request, pos, cost, old, part_wait)) d
       group by d.pos
    loop
      r := p_rows[l.pos];
      r.queue_len := r.queue_len + l.added;
      r.queue_cost := r.queue_cost + l.cost;
      r.queue_until_us := greatest(r.queue_until_us, r.last_us + l.wait + 5000000);
      p_rows[l.pos] := r;
    end loop;
    select json_agg(json_build_array(d.request, d.cause, d.pos, d.wait, d.ahead,
             case d.cause when 2 then (p_rows[d.pos]).closed_us - (p_rows[d.pos]).last_us end))
      into denied
      from (select distinct on (d.request) * from unnest(d_request, d_cause, d_pos, d_wait, d_ahead)
              d (request, cause, pos, wait, ahead) order by d.request, d.wait desc) d;
  end if;
  if cardinality(a_pos) > 0 then
    insert into sluice.limit_account as a (bucket_id, account, class, finish_tag, seen_us)
    select p_ids[n.pos], n.account, n.class, max(n.finish), (p_rows[n.pos]).last_us
      from unnest(a_pos, a_account, a_class, a_finish) n (pos, account, class, finish) group by n.pos, n.account, n.class
    on conflict (bucket_id, account, class) do update
      set finish_tag = greatest(a.finish_tag, excluded.finish_tag), seen_us = excluded.seen_us;
  end if;
  for i in 1 .. v_count loop
    r := p_rows[i];
    -- Virtual time is the tag of the last one served, but never passes one that still waits: else a call that was served
    -- early, because room was free, would put everybody who comes after it behind all that its account has waiting.
    for k in 3 * i - 2 .. 3 * i loop
      v_vtime[k] := greatest(v_vtime[k], least(v_served[k], v_waits[k]));
    end loop;
    r.vtime := v_vtime[3 * i - 2 : 3 * i];
    if v_gone[i] > 0 then
      r.queue_len := greatest(0, r.queue_len - v_gone[i]);
      r.queue_cost := case when r.queue_len = 0 then 0 else greatest(0, r.queue_cost - v_gone_cost[i]) end;
    end if;
    p_rows[i] := r;
  end loop;
end $$;

-- Takes permits for a batch of calls: each call gets all that it asks, or nothing and a place in the queue.
--   p_ids       the buckets, ascending, without repeats; locked in this order, so no two calls can deadlock
--   p_demand    what the whole batch asks of each
--   p_gates     rows that are only read: a gate that is paused, or held because its provider fails, denies
--   p_requests  [{k: call key, a: account, w: weight, c: class 0-2, g: gate position, f: goes first, b: bucket positions,
--               q: costs}], read only when not everything can simply be granted
--   p_renewals  null, or permits that were not sent in time, [{n: request, g: gate position, b: bucket positions, s: slots,
--               q: costs}]: they are counted now instead of then, which takes no room. Not part of p_demand and p_requests.
--   p_late_us   how late this worker may send: its grants are counted that much later (thirty slots at most; the client knows)
-- Result: missing = ids without a row (then nothing was done); slots and epochs aligned with p_ids; denied =
-- [[request, cause, bucket position (0 = gate), wait µs, ahead, until µs]] for those not granted; law_due = buckets
-- whose control law wants to hear that time passed.
create function sluice.limit_acquire(
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
  if coalesce(array_length(v_rows, 1), 0) <> v_count or exists (
    select from unnest(p_gates) gate (id) where not exists (select from sluice.limit_bucket b where b.id = gate.id)
  ) then
    missing := array(
      select asked.id from unnest(p_ids || p_gates) asked (id)
      where not exists (select from sluice.limit_bucket b where b.id = asked.id));
    return;
  end if;
  v_clock := sluice.limit_clock_us();
  lock_wait_us := greatest(0, v_clock - v_entry);

  select coalesce(array_agg(b.paused_at is not null or b.hold or b.closed_us > v_clock order by gate.position), '{}')
    into v_gate_closed
    from unnest(p_gates) with ordinality gate (id, position) join sluice.limit_bucket b on b.id = gate.id;

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
    update sluice.limit_bucket b set
      tail = r.tail, used = r.used, ring = r.ring, foreign_used = r.foreign_used,
      freed = r.freed, freed_us = r.freed_us, tokens = case when r.rate is null then r.tokens else r.tokens - v_grant[i] end, paced_us = r.paced_us,
      probe_us = r.probe_us, probe_lease_us = r.probe_lease_us, closed_us = r.closed_us, refused_us = r.refused_us,
      law_due_us = case when r.law_due_us <= r.last_us then r.last_us + 1000000 else r.law_due_us end,
      ev_granted = r.ev_granted + v_grant[i], ev_waited_us = r.ev_waited_us,
      queue_len = r.queue_len, queue_cost = r.queue_cost, queue_until_us = r.queue_until_us, vtime = r.vtime,
      last_us = r.last_us, generation = r.generation, granted = r.granted, reserved = r.reserved
      where b.id = r.id;
  end loop;
  if not v_waits then
    -- Commit without waiting for the disk; a function-level SET would be undone before the commit.
    perform set_config('synchronous_commit', 'off', true);
  end if;
end $$;

-- Gives an advanced row a ring of another geometry, or none (p_slots = 0). What was granted stays counted: each old slot
-- goes to the new slot in which it ends.
create function sluice.limit_reslot(
  r sluice.limit_bucket, p_win_us bigint, p_guard_us bigint, p_slot_us bigint, p_slots int
) returns sluice.limit_bucket language plpgsql immutable as $$
declare
  v_ring float8[];
  v_used float8 := 0;
  v_slot bigint;
  v_tail bigint := 0;
  v_amount float8;
begin
  if p_slots > 0 then
    v_ring := array_fill(0::float8, array[p_slots]);
    v_tail := (r.last_us - p_win_us - p_guard_us) / p_slot_us;
    for k in 0 .. r.slots - 1 loop
      v_slot := least(r.last_us / p_slot_us + 30, ((r.tail + k + 1) * r.slot_us - 1) / p_slot_us);
      v_amount := r.ring[((r.tail + k) % r.slots)::int + 1];
      if v_slot >= v_tail and v_amount > 0 then
        v_ring[(v_slot % p_slots)::int + 1] := v_ring[(v_slot % p_slots)::int + 1] + v_amount;
        v_used := v_used + v_amount;
      end if;
    end loop;
  end if;
  r.ring := v_ring;
  r.used := v_used;
  r.tail := v_tail;
  r.win_us := p_win_us;
  r.guard_us := p_guard_us;
  r.slot_us := p_slot_us;
  r.slots := p_slots;
  r.foreign_used := 0;
  return r;
end $$;

-- Makes a bucket's row, or brings it up to a changed declaration.
create function sluice.limit_configure(
  p_id bigint, p_key text, p_kind text, p_spec jsonb, p_max float8, p_win_us bigint, p_guard_us bigint, p_slot_us bigint,
  p_slots int, p_reserve_step float8, p_rate float8
) returns void language plpgsql volatile as $$
declare
  r sluice.limit_bucket;
begin
  insert into sluice.limit_bucket (id, key, kind, spec, declared_max, max, win_us, guard_us, slot_us, slots, ring, reserve_step,
    rate, law_due_us, paused_at, paused_reason)
  select p_id, p_key, p_kind, p_spec, p_max, p_max, p_win_us, p_guard_us, p_slot_us, p_slots,
    case when p_slots > 0 then array_fill(0::float8, array[p_slots]) end, p_reserve_step,
    p_rate, case when p_rate is not null then 0 end, pause.paused_at, pause.paused_reason
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
    r := sluice.limit_reslot(r, p_win_us, p_guard_us, p_slot_us, p_slots);
    r.max := coalesce(r.override_max, p_max);
    r.rate := coalesce(r.override_rate, p_rate);
    r.hold := false;
    r.law := null;
  end if;
  update sluice.limit_bucket b set kind = p_kind, spec = p_spec, declared_max = p_max, seen_max = null, max = r.max,
    win_us = r.win_us, guard_us = r.guard_us, slot_us = r.slot_us, slots = r.slots, ring = r.ring, used = r.used,
    tail = r.tail, foreign_used = r.foreign_used, reserve_step = p_reserve_step, granted = r.granted, rate = r.rate, hold = r.hold, law = r.law,
    law_version = b.law_version + 1, law_due_us = case when p_kind = 'learned' then 0 end, last_us = r.last_us,
    generation = r.generation
    where b.id = p_id;
end $$;

-- Gives a call's places up.
create function sluice.limit_abandon(p_keys text[]) returns void language plpgsql volatile as $$
begin
  perform from sluice.limit_bucket b
    where b.id in (select t.bucket_id from sluice.limit_ticket t where t.call_key = any (p_keys)) order by b.id for no key update;
  with gone as (
    delete from sluice.limit_ticket t where t.call_key = any (p_keys) returning t.bucket_id, t.cost
  ), summed as (
    select bucket_id, count(*) tickets, sum(cost) cost from gone group by bucket_id
  )
  update sluice.limit_bucket b set queue_len = greatest(0, b.queue_len - summed.tickets),
    queue_cost = case when b.queue_len <= summed.tickets then 0 else greatest(0, b.queue_cost - summed.cost) end
    from summed where b.id = summed.bucket_id;
end $$;
