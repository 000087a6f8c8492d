-- Does this workflow hold the entity's lock? Asking is also being told.
create or replace function sluice.holds_lock(for_entity text, for_workflow text) returns boolean language plpgsql set search_path = pg_catalog as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('sluice.entity/' || for_entity, 0));
  update sluice.entity_lock l set acquired_at = coalesce(l.acquired_at, clock_timestamp()), is_told = true
    where l.entity = for_entity and l.workflow_id = for_workflow
      and l.ticket = (select min(x.ticket) from sluice.entity_lock x where x.entity = for_entity);
  return found;
end $$;
