-- Whose an account is: the tenant that it is connected for, which may be none (null). Of one that is not connected, whose what it has left
-- is: the newest of its runs and of the reports of its actions. Returns no row where nothing is known of it.
create or replace function sluice.tenant_of_account(for_provider text, for_account text) returns setof text
language sql stable set search_path = pg_catalog as $$
  select known.tenant from (
    select a.tenant, null::timestamptz as at from sluice.account a where a.provider = for_provider and a.account = for_account
    union all (
      select coalesce(r.tenant, r.account), r.started_at from sluice.run r where r.provider = for_provider and r.account = for_account
        and not exists (select 1 from sluice.account a where a.provider = for_provider and a.account = for_account)
      order by r.started_at desc limit 1)
    union all (
      select p.tenant, p.started_at from sluice.report p
      where p.account = for_account and p.kind = 'action' and starts_with(p.name, for_provider || '/')
        and not exists (select 1 from sluice.account a where a.provider = for_provider and a.account = for_account)
      order by p.seq desc limit 1)
  ) known order by known.at desc nulls first limit 1
$$;
