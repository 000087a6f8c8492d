-- Whether a row hangs below one that is marked as deleted. All lists that have it are then below such rows, or below ones that
-- are cut off so themselves. Nobody asks for those lists any more, so that the row's own mark stays. Rows of nodes that do not
-- look for deletions are taken for being there. So are those whose runs have been removed.
-- Reads members, units, nodes and records, each by its key.
create or replace function sluice.is_cut_off(of_account text, of_resource text, of_key text, of_unit bigint) returns boolean
language plpgsql stable set search_path = pg_catalog as $$
declare
  u sluice.unit;
  above_resource text;
  above sluice.record;
begin
  select * into u from sluice.unit x where x.id = of_unit;
  if u.parent_record is null
     or not exists (select 1 from sluice.member m where m.account = of_account and m.resource = of_resource
       and m.parent_key = u.parent_key and m.key = of_key)
     or exists (select 1 from sluice.member m where m.account = of_account and m.resource = of_resource
       and m.key = of_key and m.parent_key <> u.parent_key
       and not sluice.is_list_cut_off(of_account, of_resource, m.parent_key, m.run_id)) then
    return false;
  end if;
  select p.resource into above_resource from sluice.node n join sluice.node p on p.run_id = n.run_id and p.name = n.parent
    where n.run_id = u.run_id and n.name = u.node;
  select * into above from sluice.record t
    where t.account = of_account and t.resource = above_resource and t.key = u.parent_record;
  if above.key is null then
    return false;
  end if;
  return above.deleted_at is not null or sluice.is_cut_off(of_account, above_resource, above.key, above.unit_id);
end $$;
