-- Who of a batch is served when not everything can be granted. Part of limit_acquire, under its locks.
-- Calls are looked at in order of class, tag, age and name. A batch of many accounts has tickets of one tag and one moment: were
-- each of them behind the others, none would ever go. A call is served if every bucket has room beyond the claims of the tickets
-- before it. Those that count are live and due, or will be within the horizon. Who is not served gets a ticket on each bucket
-- that had no room, and an estimate from everything that waits before it.
create or replace function sluice.limit_decide(
  inout p_rows sluice.limit_bucket[], inout p_grants float8[], p_ids bigint[], p_left float8[], p_tight boolean[],
  p_cause text[], p_gate_shut boolean[], p_requests json, out denied json
) language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_count int := coalesce(array_length(p_ids, 1), 0);
  v_loaded int := 300; -- tickets looked at one by one; what is behind them is counted, some times a batch
  v_counts int := 0;
  -- A paced bucket keeps hardly any token for later, so a token kept for a call that does not come is lost. By the time a
  -- call is due its token has flowed in, so only calls that are due now claim one, and not for long.
  v_soon_us constant bigint := 10000;
  v_overdue_us constant bigint := 300000;
  v_keys text[] := array(select entry ->> 'k' from json_array_elements(p_requests) entry);
  r sluice.limit_bucket;
  -- By bucket and class, flattened: virtual time, the last tag served now, the first tag that still waits.
  v_vtime float8[] := '{}';
  v_served float8[] := array_fill(0::float8, array[3 * v_count]);
  v_waits float8[] := array_fill('infinity'::float8, array[3 * v_count]);
  -- Tickets of the queues, bucket after bucket in order; v_at walks from v_at to v_end.
  t_class int[] := '{}';
  t_tag float8[] := '{}';
  t_created bigint[] := '{}';
  t_key text[] := '{}';
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
  d_cause text[] := '{}';
  d_gate int[] := '{}';                -- the first of its gates that is shut
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
      select array_agg(class) classes, array_agg(tag) tags, array_agg(created_us) created, array_agg(call_key) keys, array_agg(cost) costs, array_agg(claims) claims,
             count(*) tickets, sum(cost) total into l
        from (select class, tag, created_us, call_key, cost, case when r.rate is null or r.max is not null
                                              then eta_us <= r.last_us + greatest(100000, least(5000000, coalesce(r.win_us, 0) / 4))
                                              else eta_us between r.last_us - v_overdue_us and r.last_us + v_soon_us end claims
                from sluice.limit_ticket t
               where t.bucket_id = r.id and t.lapse_us > r.last_us and not t.call_key = any (v_keys)
               order by class, tag, created_us, call_key collate "C" limit v_loaded) ticket;
      if l.tickets > 0 then
        t_class := t_class || l.classes;
        t_tag := t_tag || l.tags;
        t_created := t_created || l.created;
        t_key := t_key || l.keys;
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
      select ask.ord, ask.k, ask.a, greatest(ask.w, 0.001) w, ask.c, first.gate, ask.f, ask.b, ask.q, part.pos, part.cost
        from rows from (json_to_recordset(p_requests) as (k text, a text, w float8, c int, g int[], f boolean, b int[], q float8[]))
             with ordinality ask (k, a, w, c, g, f, b, q, ord)
       cross join lateral (select min(n) gate from unnest(ask.g) shut (n) where p_gate_shut[n]) first
       cross join lateral unnest(ask.b, ask.q) part (pos, cost)
       where p_tight[part.pos] or first.gate is not null
    ), tagged as (
      select charge.*, t.tag is not null old, coalesce(t.created_us, 9223372036854775807) created_us,
             coalesce(t.tag, case when f then 0 end, greatest(v_vtime[3 * pos - 2 + c], account.finish_tag)
               + coalesce(sum(case when t.tag is null then greatest(charge.cost, 0.001) / w else 0 end)
                   over (partition by pos, a, c order by ord rows between unbounded preceding and 1 preceding), 0)) tag
        from charge
        left join sluice.limit_ticket t on t.bucket_id = p_ids[pos] and t.call_key = k
        left join sluice.limit_account account on account.bucket_id = p_ids[pos] and account.account = a and account.class = c
    )
    select *, max(tag) over (partition by ord) request_tag, min(created_us) over (partition by ord) request_created,
           case when bool_or(old) over (partition by ord) then k end collate "C" old_key, count(*) over (partition by ord) parts from tagged
     order by c, request_tag, request_created, old_key, ord, pos
  loop
    v_pos := q.pos;
    while v_at[v_pos] <= v_end[v_pos]
      and (t_class[v_at[v_pos]] < q.c or (t_class[v_at[v_pos]] = q.c
        and (t_tag[v_at[v_pos]], t_created[v_at[v_pos]], t_key[v_at[v_pos]] collate "C") < (q.tag, q.created_us, q.k))) loop
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
    v_fails := v_fails || (p_cause[v_pos] is not null or (v_open[v_pos] < least(q.cost, v_most[v_pos]) and q.cost > 0));
    continue when cardinality(c_pos) < q.parts;

    v_denied := true = any (v_fails) or q.gate is not null;
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
        -- A gate has no queue; the first bucket keeps the place.
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
          d_gate := d_gate || q.gate;
          d_cause := d_cause || case when q.gate is not null then 'gate'
                                     else coalesce(p_cause[v_pos], case when v_room[v_pos] >= c_cost[i] then 'queue' else 'full' end) end;
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
        -- After a block nobody comes back in the same instant as everybody else.
        case when d_cause[j] = 'blocked' then r.blocked_us - r.last_us + 500 * d_ahead[j]::bigint
             when d_cause[j] in ('paused', 'gate') then 10000000 + 20000 * d_ahead[j]::bigint else 0 end);
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
    select json_agg(json_build_array(d.request, d.cause, coalesce(d.gate, d.pos), d.wait, d.ahead,
             case d.cause when 'blocked' then (p_rows[d.pos]).blocked_us - (p_rows[d.pos]).last_us end))
      into denied
      from (select distinct on (d.request) * from unnest(d_request, d_cause, d_pos, d_gate, d_wait, d_ahead)
              d (request, cause, pos, gate, wait, ahead) order by d.request, d.wait desc) d;
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
    -- Virtual time is the tag of the last one served, but never passes one that still waits. Else a call that was served early,
    -- because room was free, would put all later ones behind what its account has waiting.
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
