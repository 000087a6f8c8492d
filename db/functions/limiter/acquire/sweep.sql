-- Housekeeping, by one worker at a time. It removes tickets of calls that never came back, overrides that have ended, accounts
-- and events of the past. It also removes buckets that nobody used for a month and that know nothing. Skips what is locked.
-- Returns what was removed.
create or replace function sluice.limit_sweep(p_ticket_us bigint, p_account_us bigint, p_events interval)
returns table (tickets int, accounts int, events int, buckets int, oldest_transaction_s float8) language plpgsql volatile set search_path = pg_catalog as $$
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
  perform sluice.limit_override(b.key, null, null, null) from (
    select ended.key from sluice.limit_bucket ended where ended.override_until < clock_timestamp()
     order by ended.id limit 1000 for no key update skip locked) b;
  with gone as (
    delete from sluice.limit_account a where (a.bucket_id, a.account, a.class) in (
      select old.bucket_id, old.account, old.class from sluice.limit_account old
       where old.seen_us < v_now - p_account_us for update skip locked limit 10000) returning 1)
  select count(*) into accounts from gone;
  with gone as (
    delete from sluice.limit_event e where e.id in (
      select old.id from sluice.limit_event old where old.at < clock_timestamp() - p_events order by old.at limit 10000) returning 1)
  select count(*) into events from gone;
  -- Nobody tells again after a week what it has told before.
  delete from sluice.told t where t.teller in (
    select old.teller from sluice.told old where old.at < clock_timestamp() - interval '7 days' for update skip locked limit 10000);
  with gone as (
    delete from sluice.limit_bucket b where b.id in (
      select old.id from sluice.limit_bucket old
       where old.kind in ('window', 'calendar', 'bucket', 'inflight', 'none') and old.last_us < v_now - 2592000000000 - old.win_us - old.guard_us
         and old.queue_len = 0 and old.paused_at is null and old.override_max is null and old.override_rate is null
         and old.blocked_us < v_now for update skip locked limit 1000) returning 1)
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
