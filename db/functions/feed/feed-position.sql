-- Where the changes of this transaction stand in the feed: behind all earlier eras, and by the number of the transaction in this one.
-- An era has room for 2^40 transactions, and a bigint for eight million eras.
create or replace function sluice.feed_position() returns bigint language sql volatile set search_path = pg_catalog as $$
  select (sluice.current_era()::bigint << 40) + pg_current_xact_id()::text::bigint
$$;
