-- The number of the current life of the database; a new one after every crash.
create or replace function sluice.limit_generation() returns bigint language plpgsql volatile set search_path = pg_catalog as $$
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
