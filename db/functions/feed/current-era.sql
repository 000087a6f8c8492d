-- The era in which this server writes; begun by the first one who asks after a start. Locks: of those who begin one, each waits for the
-- one before it.
create or replace function sluice.current_era() returns int language plpgsql set search_path = pg_catalog as $$
declare
  e sluice.feed_era;
begin
  select * into e from sluice.feed_era x order by x.era desc limit 1;
  if e.server = pg_postmaster_start_time() then
    return e.era;
  end if;
  perform pg_advisory_xact_lock(728410559204);
  select * into e from sluice.feed_era x order by x.era desc limit 1;
  if e.server is distinct from pg_postmaster_start_time() then
    e.era := coalesce(e.era, 0) + 1;
    insert into sluice.feed_era (era, name, server) values (e.era, left(md5(gen_random_uuid()::text), 8), pg_postmaster_start_time());
  end if;
  return e.era;
end $$;
