-- Creates a run, its nodes and the units of its roots, unless they are there. Returns what enter_run returns;
-- null while a fleet has a run of the account that was asked for something else.
-- What is known of a root's list says nothing of another one, which another input asks for: `root_keys` has the name of each; '' for none.
create or replace function sluice.open_run(
  for_run uuid, its_workflow text, its_provider text, its_sync text, its_account text, its_tenant text, its_input jsonb, its_plan jsonb, its_mode text,
  root_keys jsonb default '{}', its_report uuid default null
) returns jsonb language plpgsql set search_path = pg_catalog as $$
begin
  if not sluice.take_from_fleet(for_run, its_sync, its_account, its_input, its_mode, its_report) then
    return null;
  end if;
  insert into sluice.run (id, workflow_id, provider, sync, account, tenant, input, plan, mode)
    values (for_run, its_workflow, its_provider, its_sync, its_account, its_tenant, its_input, its_plan, its_mode)
    on conflict (id) do nothing;
  if found then
    insert into sluice.node (run_id, name, ordinal, parent, resource, waiting)
      select for_run, n->>'name', o, n->>'parent', n->>'resource', case when n->>'parent' is null then 1 else 0 end
      from jsonb_array_elements(its_plan->'nodes') with ordinality x(n, o);
    insert into sluice.unit (run_id, node, parent_key)
      select for_run, n->>'name', coalesce(root_keys->>(n->>'name'), '')
      from jsonb_array_elements(its_plan->'nodes') n where n->>'parent' is null;
  end if;
  return sluice.enter_run(for_run);
end $$;
