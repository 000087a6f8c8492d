-- A function of its own, so that tests can move the clock.
create or replace function sluice.limit_clock_us() returns bigint language sql volatile set search_path = pg_catalog as
  $$ select (extract(epoch from clock_timestamp()) * 1000000)::bigint $$;
