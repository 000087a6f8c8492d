-- Whether a list that ends has less than a share of the rows that it had, and lacks so many of them at least.
--   u          the unit; its rows, and its list's members of this run, are stored
--   came       different rows that the list has brought
--   unless     { least, share, ofMembers }
-- A node that marks deletions has had the rows that are members of the list. Those that this run has not seen would be marked as deleted:
-- also where no run has read the list to its end, and where it has grown by runs that asked for what had changed. Any other node has had
-- as many as its last reading brought, or a run since then. Reads the list's members by their primary key; records only where it may be so.
create or replace function sluice.is_shrunken(
  u sluice.unit, of_account text, of_resource text, came bigint, unless jsonb
) returns boolean language plpgsql stable set search_path = pg_catalog as $$
declare
  least bigint := (unless->>'least')::bigint;
  share float8 := (unless->>'share')::float8;
  this sluice.run;
  had bigint;
  lost bigint;
begin
  if came = 0 then
    return false; -- settle_lists judges an empty one
  end if;
  select * into this from sluice.run x where x.id = u.run_id;
  if not (unless->>'ofMembers')::boolean then
    had := sluice.had_rows(this, u.node, of_resource, u.parent_key);
    return had - came >= least and came < share * had;
  end if;
  select count(*) into lost from sluice.member m
    where m.account = of_account and m.resource = of_resource and m.parent_key = u.parent_key
      and m.run_id <> this.id and m.run_id is distinct from this.fleet_id;
  if lost < least or came >= share * (lost + came) then
    return false;
  end if;
  -- Row by row: where statistics are old, a join is planned as a scan of all that the account has.
  select lost + count(*) into had from sluice.member m cross join lateral (
      select 1 from sluice.record t where t.account = m.account and t.resource = m.resource and t.key = m.key
        and t.first_seen_at < this.started_at limit 1
    ) t
    where m.account = of_account and m.resource = of_resource and m.parent_key = u.parent_key
      and (m.run_id = this.id or m.run_id = this.fleet_id);
  return came < share * had;
end $$;
