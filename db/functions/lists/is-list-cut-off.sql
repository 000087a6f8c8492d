-- Whether a list is below a row that is marked as deleted, or that is cut off so itself: nobody asks for it any more, and what it had last
-- says nothing. It is looked at as it was in `in_run`, which has brought a row of it, and as it was read last; both must be so. Lists of
-- roots, those that several rows may share, and those whose runs have been removed are taken for being asked for.
-- Reads the list, units, nodes and records, each by its key.
create or replace function sluice.is_list_cut_off(of_account text, of_resource text, of_parent text, in_run uuid) returns boolean
language plpgsql stable set search_path = pg_catalog as $$
declare
  is_found boolean := false;
  u record;
  above sluice.record;
begin
  for u in
    select x.parent_record, p.resource as above_resource
    from sluice.node n
    join sluice.unit x on x.run_id = n.run_id and x.node = n.name and x.parent_key = of_parent and x.part = '' and x.lane = 0
    left join sluice.node p on p.run_id = n.run_id and p.name = n.parent
    where n.resource = of_resource and n.run_id in (in_run, (select k.run_id from sluice.list k
      where k.account = of_account and k.resource = of_resource and k.parent_key = of_parent))
  loop
    if u.parent_record is distinct from of_parent then
      return false;
    end if;
    select * into above from sluice.record t
      where t.account = of_account and t.resource = u.above_resource and t.key = u.parent_record;
    if above.key is null
       or (above.deleted_at is null and not sluice.is_cut_off(of_account, u.above_resource, above.key, above.unit_id)) then
      return false;
    end if;
    is_found := true;
  end loop;
  return is_found;
end $$;
