-- Looking at limits, and the operator's hand: called by limiter/explain.ts, operate.ts and sweep.ts.

-- Buckets as they stand now. Reads only.
create function sluice.limit_look(p_ids bigint[])
returns table (id bigint, key text, kind text, spec jsonb, used float8, max float8, declared_max float8, win_us bigint,
  rate float8, hold boolean, probe_in_us bigint, epoch int, override_max float8, override_rate float8, seen_max float8,
  foreign_used float8, closed_in_us bigint, closed_at timestamptz, closed_reason text, paused_at timestamptz,
  paused_reason text, waiting int, accounts_waiting int, first_free_us bigint)
language sql volatile as $$
  select now_row.id, now_row.key, now_row.kind, now_row.spec, now_row.used, now_row.max, now_row.declared_max, now_row.win_us,
    now_row.rate, now_row.hold, greatest(0, greatest(now_row.probe_us, now_row.probe_lease_us) - now_row.last_us),
    now_row.epoch, now_row.override_max, now_row.override_rate, now_row.seen_max, now_row.foreign_used,
    greatest(0, now_row.closed_us - now_row.last_us), now_row.closed_at, now_row.closed_reason, now_row.paused_at,
    now_row.paused_reason, queue.tickets::int, queue.accounts::int, (sluice.limit_etas(now_row, array[1::float8]))[1]
    from sluice.limit_bucket b
    cross join lateral sluice.limit_advance(b, sluice.limit_clock_us(), b.generation) now_row
    cross join lateral (
      select count(*) tickets, count(distinct account) accounts from sluice.limit_ticket t
       where t.bucket_id = b.id and t.lapse_us > now_row.last_us) queue
   where b.id = any (p_ids)
   order by b.key
$$;

-- When a call that came now would be served by each bucket, and who goes before it. Reads only.
create function sluice.limit_explain(p_ids bigint[], p_costs float8[], p_account text)
returns table (id bigint, eta_us bigint, ahead int, accounts_ahead int) language sql volatile as $$
  select b.id,
    greatest((sluice.limit_etas(now_row, array[asked.cost + before.cost]))[1], b.closed_us - now_row.last_us, 0),
    before.tickets::int, before.accounts::int
    from unnest(p_ids, p_costs) asked (id, cost)
    join sluice.limit_bucket b on b.id = asked.id
    cross join lateral sluice.limit_advance(b, sluice.limit_clock_us(), b.generation) now_row
    left join sluice.limit_account account on account.bucket_id = b.id and account.account = p_account and account.class = 1
    cross join lateral (
      select count(*) tickets, count(distinct t.account) accounts, coalesce(sum(t.cost), 0) cost from sluice.limit_ticket t
       where t.bucket_id = b.id and t.lapse_us > now_row.last_us
         and (t.class, t.tag) <= (1, greatest(b.vtime[2], account.finish_tag))) before
$$;

-- Pauses one key, or with a pattern that ends in /* everything below it, also keys that turn up later. p_gate_id is the
-- id of the pattern's own row. Locks the rows in id order. Returns how many keys it holds for.
create function sluice.limit_pause(p_pattern text, p_gate_id bigint, p_reason text) returns int language plpgsql volatile as $$
declare
  v_ids bigint[];
begin
  if right(p_pattern, 2) = '/*' then
    insert into sluice.limit_bucket (id, key, kind, spec) values (p_gate_id, p_pattern, 'gate', '{}') on conflict do nothing;
  end if;
  v_ids := array(
    select b.id from sluice.limit_bucket b
     where b.key = p_pattern or (right(p_pattern, 2) = '/*' and starts_with(b.key, left(p_pattern, -1)))
     order by b.id for no key update);
  update sluice.limit_bucket b set paused_at = clock_timestamp(), paused_reason = p_reason
    where b.id = any (v_ids) and b.paused_at is null;
  insert into sluice.limit_event (bucket_id, type, detail)
    select b.id, 'paused', jsonb_build_object('reason', p_reason) from sluice.limit_bucket b
     where b.id = any (v_ids) and (b.kind = 'gate' or cardinality(v_ids) = 1);
  return cardinality(v_ids);
end $$;

create function sluice.limit_resume(p_pattern text) returns int language plpgsql volatile as $$
declare
  v_ids bigint[] := array(
    select b.id from sluice.limit_bucket b
     where (b.key = p_pattern or (right(p_pattern, 2) = '/*' and starts_with(b.key, left(p_pattern, -1))))
       and (b.paused_at is not null or b.closed_us > b.last_us)
     order by b.id for no key update);
begin
  update sluice.limit_bucket b set paused_at = null, paused_reason = null, closed_us = 0, refusals = 0 where b.id = any (v_ids);
  insert into sluice.limit_event (bucket_id, type) select unnest(v_ids), 'resumed';
  return cardinality(v_ids);
end $$;

-- Puts an operator's numbers in force until they are taken back (nulls).
create function sluice.limit_override(p_key text, p_max float8, p_rate float8) returns boolean language plpgsql volatile as $$
declare
  r sluice.limit_bucket;
begin
  select * into r from sluice.limit_bucket b where b.key = p_key for no key update;
  if not found then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  update sluice.limit_bucket b set
    override_max = p_max, override_rate = p_rate,
    max = case when r.slots = 0 then null else coalesce(p_max, r.seen_max, r.declared_max, r.max) end,
    rate = coalesce(p_rate, case when r.kind = 'learned' then coalesce((r.law ->> 'rate')::float8, r.rate) end),
    burst = case when p_rate is null then r.burst else greatest(1, p_rate / 20) end,
    tokens = 0, paced_us = r.last_us, hold = r.hold and p_rate is null,
    tail = r.tail, used = r.used, ring = r.ring, ev_waited_us = r.ev_waited_us, last_us = r.last_us, generation = r.generation,
    granted = r.granted
    where b.id = r.id;
  insert into sluice.limit_event (bucket_id, type, detail)
    values (r.id, 'overridden', jsonb_build_object('max', p_max, 'ratePerSecond', p_rate, 'before', r.max, 'rateBefore', r.rate));
  return true;
end $$;

-- Forgets a key: what it used, what it learned, who waits. The next call starts afresh.
create function sluice.limit_forget(p_key text) returns boolean language plpgsql volatile as $$
declare
  v_id bigint;
begin
  delete from sluice.limit_bucket b where b.key = p_key returning b.id into v_id;
  if v_id is null then
    return false;
  end if;
  delete from sluice.limit_ticket t where t.bucket_id = v_id;
  delete from sluice.limit_account a where a.bucket_id = v_id;
  insert into sluice.limit_event (bucket_id, type, detail) values (v_id, 'forgotten', jsonb_build_object('key', p_key));
  return true;
end $$;

-- Housekeeping, by one worker at a time: tickets of calls that never came back, accounts and events of the past, and
-- buckets that nobody used for a month and that know nothing. Skips what is locked. Returns what was removed.
create function sluice.limit_sweep(p_ticket_us bigint, p_account_us bigint, p_events interval)
returns table (tickets int, accounts int, events int, buckets int, oldest_transaction_s float8) language plpgsql volatile as $$
declare
  v_now bigint := sluice.limit_clock_us();
  v_id bigint;
  v_gone int;
begin
  tickets := 0;
  if not pg_try_advisory_xact_lock(728410559204) then
    return;
  end if;
  for v_id in
    select distinct t.bucket_id from sluice.limit_ticket t where t.lapse_us < v_now - p_ticket_us order by 1
  loop
    perform from sluice.limit_bucket b where b.id = v_id for no key update skip locked;
    continue when not found and exists (select from sluice.limit_bucket b where b.id = v_id);
    delete from sluice.limit_ticket t where t.bucket_id = v_id and t.lapse_us < v_now - p_ticket_us;
    get diagnostics v_gone = row_count;
    tickets := tickets + v_gone;
    update sluice.limit_bucket b set queue_len = rest.tickets, queue_cost = rest.cost
      from (select count(*)::int tickets, coalesce(sum(cost), 0) cost from sluice.limit_ticket t where t.bucket_id = v_id) rest
     where b.id = v_id;
  end loop;
  with gone as (
    delete from sluice.limit_account a where (a.bucket_id, a.account, a.class) in (
      select old.bucket_id, old.account, old.class from sluice.limit_account old
       where old.seen_us < v_now - p_account_us for update skip locked limit 10000) returning 1)
  select count(*) into accounts from gone;
  with gone as (
    delete from sluice.limit_event e where e.id in (
      select old.id from sluice.limit_event old where old.at < clock_timestamp() - p_events order by old.at limit 10000) returning 1)
  select count(*) into events from gone;
  with gone as (
    delete from sluice.limit_bucket b where b.id in (
      select old.id from sluice.limit_bucket old
       where old.kind in ('window', 'inflight') and old.last_us < v_now - 2592000000000 - old.win_us - old.guard_us
         and old.queue_len = 0 and old.paused_at is null and old.override_max is null and old.override_rate is null
         and old.closed_us < v_now for update skip locked limit 1000) returning 1)
  select count(*) into buckets from gone;
  -- A transaction that stays open keeps every old version of the hot rows alive.
  select extract(epoch from clock_timestamp() - min(a.xact_start)) into oldest_transaction_s
    from pg_stat_activity a where a.datname = current_database() and (a.backend_xmin is not null or a.backend_xid is not null);
  if oldest_transaction_s > 30 and not exists (
    select from sluice.limit_event e where e.bucket_id = 0 and e.type = 'long-transaction' and e.at > clock_timestamp() - interval '10 minutes'
  ) then
    insert into sluice.limit_event (bucket_id, type, detail)
      values (0, 'long-transaction', jsonb_build_object('seconds', oldest_transaction_s));
  end if;
  return next;
end $$;
