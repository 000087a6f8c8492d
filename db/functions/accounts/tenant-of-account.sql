-- Whose an account is: the tenant that it is connected for, which may be none (null). Of one that is not connected, whose what it has left
-- is: the newest of its runs and of the reports of its actions. Returns no row where nothing is known of it. Asked at each start,
-- so nothing here grows with what there is. Of runs the newest of each sync is read (run_by_account; a sync has one provider). Of
-- reports it is the newest of an action (report_of_action).
create or replace function sluice.tenant_of_account(for_provider text, for_account text) returns setof text
language plpgsql stable set search_path = pg_catalog as $$
begin
  return query select a.tenant from sluice.account a where a.provider = for_provider and a.account = for_account;
  if found then
    return;
  end if;
  return query
    with recursive newest as (
      (select r.sync, r.provider, r.tenant, r.started_at from sluice.run r
        where r.account = for_account order by r.sync, r.started_at desc limit 1)
      union all
      select r.* from newest cross join lateral (
        select r.sync, r.provider, r.tenant, r.started_at from sluice.run r
        where r.account = for_account and r.sync > newest.sync order by r.sync, r.started_at desc limit 1) r
    )
    select known.tenant from (
      select coalesce(n.tenant, for_account) as tenant, n.started_at from newest n where n.provider = for_provider
      union all (
        select p.tenant, p.started_at from sluice.report p
        where p.account = for_account and p.kind = 'action' and starts_with(p.name, for_provider || '/')
        order by p.seq desc limit 1)
    ) known order by known.started_at desc limit 1;
end $$;
