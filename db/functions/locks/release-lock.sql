-- Gives a place back and hands the lock to the next one. Returns the workflow that holds it now and does not know yet.
create or replace function sluice.release_lock(for_entity text, for_workflow text) returns text language plpgsql set search_path = pg_catalog as $$
declare
  next_one sluice.entity_lock;
begin
  perform pg_advisory_xact_lock(hashtextextended('sluice.entity/' || for_entity, 0));
  delete from sluice.entity_lock l where l.entity = for_entity and l.workflow_id = for_workflow;
  select * into next_one from sluice.entity_lock l where l.entity = for_entity order by l.ticket limit 1;
  if next_one.ticket is null or next_one.is_told then
    return null;
  end if;
  update sluice.entity_lock set acquired_at = coalesce(acquired_at, clock_timestamp()) where ticket = next_one.ticket;
  return next_one.workflow_id;
end $$;
