-- Whether a row hangs below one that is marked as deleted. The one list that has it is then below such a row, or below one that
-- is cut off so itself.
-- Nobody asks for that list any more, so that the row's own mark stays. Rows of nodes that do not look for deletions are taken
-- for being there. So are rows that several lists have, and those whose runs have been removed.
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
       and m.key = of_key and m.parent_key <> u.parent_key) then
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
