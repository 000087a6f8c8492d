-- Creates a run, its nodes and the units of its roots, unless they are there. Returns what enter_run returns.
-- The list of a root is another one for each input of the run: what is known of one says nothing of another. `root_keys` has those of
-- roots that say by themselves which list it is.
create or replace function sluice.open_run(
  for_run uuid, its_workflow text, its_provider text, its_sync text, its_account text, its_tenant text, its_input jsonb, its_plan jsonb, its_mode text,
  root_keys jsonb default '{}'
) returns jsonb language plpgsql set search_path = pg_catalog as $$
declare
  asked text := case when its_input in ('null', '{}') then '' else its_input::text end;
begin
  insert into sluice.run (id, workflow_id, provider, sync, account, tenant, input, plan, mode)
    values (for_run, its_workflow, its_provider, its_sync, its_account, its_tenant, its_input, its_plan, its_mode)
    on conflict (id) do nothing;
  if found then
    insert into sluice.node (run_id, name, ordinal, parent, resource, waiting)
      select for_run, n->>'name', o, n->>'parent', n->>'resource', case when n->>'parent' is null then 1 else 0 end
      from jsonb_array_elements(its_plan->'nodes') with ordinality x(n, o);
    insert into sluice.unit (run_id, node, parent_key)
      select for_run, n->>'name', coalesce(root_keys->>(n->>'name'),
        case when length(asked) > 200 then left(asked, 100) || ' … ' || md5(asked) else asked end)
      from jsonb_array_elements(its_plan->'nodes') n where n->>'parent' is null;
  end if;
  return sluice.enter_run(for_run);
end $$;
