-- Up to `room` changes of a feed behind a cursor, oldest first, and the number of this reading. The number is committed before
-- anyone has seen the changes. So whoever knows a number has read nothing that a database with that number lacks.
-- A reader knows of every deletion before its cursor, and of those before it began, whose rows it never saw. One that has missed a
-- deletion which was removed since must begin again.
-- Only rows of transactions that are older than every one still running are shown. So a row that commits late can never appear
-- behind a reader. Index: record_feed; conditions on account and resource by themselves would let the primary key be used, and
-- all rows be read and sorted.
--   after_era, after_reading   null: from the beginning
--   after_begun                where the feed stood when its reader began
-- Raises SL001 for a cursor of another history, SL002 for one that a deletion was removed behind. Locks: the count of readings.
create or replace function sluice.read_feed(
  of_account text, of_resource text, after_era text, after_reading bigint, after_begun bigint, after_tx bigint, after_seq bigint, room int
) returns table (cursor_era text, cursor_reading bigint, cursor_begun bigint, tx bigint, seq bigint, key text, data jsonb, first_seen_at timestamptz,
  last_seen_at timestamptz, changed_at timestamptz, deleted_at timestamptz)
language plpgsql set search_path = pg_catalog as $$
#variable_conflict use_column
declare
  era_now int;
  -- Transactions before this one have ended.
  open_from bigint;
  found_rows sluice.record[];
begin
  if pg_is_in_recovery() then
    raise exception 'The change feed is read from the primary: that a cursor was handed out must be written down. This is a replica.';
  end if;
  era_now := sluice.current_era();
  if after_era is not null and not exists (
    select 1 from sluice.feed_era e join sluice.feed_reading r on r.era = e.era
    where e.name = after_era and r.account = of_account and r.resource = of_resource and r.readings >= after_reading)
  then
    raise exception using errcode = 'SL001', message = 'unknown cursor';
  end if;
  open_from := (era_now::bigint << 40) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  select array_agg(f) into found_rows from (
    select * from sluice.record o
    where (o.account || '/' || o.resource) = of_account || '/' || of_resource
      and (o.tx, o.seq) > (after_tx, after_seq)
      and o.tx < open_from
    order by (o.account || '/' || o.resource), o.tx, o.seq limit room
  ) f;
  -- After the rows: what is removed meanwhile is missed by this reading already.
  if after_era is not null and exists (
    select 1 from sluice.feed_trim t where t.account = of_account and t.resource = of_resource
      and (t.tx, t.seq) > (after_tx, after_seq) and t.tx >= after_begun)
  then
    raise exception using errcode = 'SL002', message = 'deletions behind this cursor were removed';
  end if;
  if found_rows is null then
    return;
  end if;
  insert into sluice.feed_reading as r (account, resource, era, readings) values (of_account, of_resource, era_now, 1)
    on conflict (account, resource, era) do update set readings = r.readings + 1
    returning r.readings into cursor_reading;
  select e.name into cursor_era from sluice.feed_era e where e.era = era_now;
  return query
    select cursor_era, cursor_reading, case when after_era is null then open_from else after_begun end, f.tx, f.seq, f.key, f.data, f.first_seen_at, f.last_seen_at, f.changed_at, f.deleted_at
    from unnest(found_rows) with ordinality f order by f.ordinality;
end $$;
