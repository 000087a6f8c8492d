-- Called before a workflow of its own opens a run. A fleet may have an open run of the same sync and account. If that was asked
-- for the same, it is this run from here on; else it comes first. A call of the fleet's that is under way finds its list gone,
-- and is made again.
-- Locks: the sync, shared; the run. Returns false when the fleet's run must end first.
create or replace function sluice.take_from_fleet(for_run uuid, its_sync text, its_account text, its_input jsonb, its_mode text, its_report uuid)
returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  r sluice.run;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('sluice.runs ' || its_sync, 0));
  select x.* into r from sluice.run x where x.account = its_account and x.sync = its_sync and x.state in ('running', 'paused')
    and x.fleet is not null and x.id <> for_run for no key update;
  if not found or exists (select 1 from sluice.run x where x.id = for_run) then
    return true;
  end if;
  if r.input is distinct from its_input or r.mode not in (its_mode, 'full') then
    return false;
  end if;
  -- Its list, and what stands below, go with it.
  update sluice.run x set id = for_run, fleet = null, fleet_id = r.id where x.id = r.id;
  -- The start that takes it over has a report of its own.
  if its_report is distinct from r.id then
    delete from sluice.report p where p.id = r.id and p.status = 'pending';
  end if;
  return true;
end $$;
