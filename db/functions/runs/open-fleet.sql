-- Creates the runs of a fleet: one list each, for accounts of one sync that are due together. `of`: [{ id, account, tenant, input, key,
-- what }]; `key` names the list of the root. Each has a report, of the same id. An account that has an open run, or whose last one took
-- more than `most_calls` calls, is left out. It gets a workflow of its own. Done twice it changes nothing, and answers the same.
-- Locks: the sync, against take_from_fleet: whoever opens a run of its own comes before this, or finds the fleet's.
-- Returns the ids of the runs that the fleet has.
create or replace function sluice.open_fleet(its_fleet text, its_plan jsonb, its_mode text, most_calls int, of jsonb) returns setof uuid
language plpgsql set search_path = pg_catalog as $$
declare
  root jsonb := its_plan->'nodes'->0;
  its_sync text := its_plan->>'sync';
  opened uuid[];
begin
  perform pg_advisory_xact_lock(hashtextextended('sluice.runs ' || its_sync, 0));
  with asked as (
    select x.* from jsonb_to_recordset(of) as x (id uuid, account text, tenant text, input jsonb)
    where not exists (select 1 from sluice.run r
        where r.provider = its_plan->>'provider' and r.sync = its_sync and r.account = x.account and r.state in ('running', 'paused'))
      and coalesce((select sum(n.calls) from sluice.node n where n.run_id = (
        select r.id from sluice.run r where r.account = x.account and r.sync = its_sync order by r.started_at desc limit 1)), 0) <= most_calls
  ), created as (
    insert into sluice.run (id, workflow_id, provider, sync, account, tenant, input, plan, mode, fleet)
    select id, format('sync/%s/%s', its_sync, account), its_plan->>'provider', its_sync, account, tenant, input, its_plan, its_mode, its_fleet from asked
    on conflict (id) do nothing returning id
  ) select coalesce(array_agg(id), '{}') into opened from created;
  insert into sluice.node (run_id, name, ordinal, resource, waiting) select id, root->>'name', 1, root->>'resource', 1 from unnest(opened) id;
  insert into sluice.unit (run_id, node, parent_key)
    select x.id, root->>'name', x.key from jsonb_to_recordset(of) as x (id uuid, key text) where x.id = any (opened);
  insert into sluice.report (id, kind, name, account, tenant, started_by, workflow_id, root_workflow_id, what)
    select x.id, 'sync', its_sync, x.account, coalesce(x.tenant, x.account), 'system', w.id, w.id, x.what
    from jsonb_to_recordset(of) as x (id uuid, account text, tenant text, what text) cross join lateral format('sync/%s/%s', its_sync, x.account) as w (id)
    where x.id = any (opened) on conflict do nothing;
  return query select r.id from sluice.run r where r.fleet = its_fleet
    and r.id in (select (x->>'id')::uuid from jsonb_array_elements(of) x);
end $$;
