-- Gives an account up until its user connects it again, and pauses its running syncs. Only while the version that was refused is
-- still the current one (null: there are no credentials, or the app keeps them). Nor may anybody have connected the account in
-- the `asked_ms` since its credentials were asked for. Returns whether it is so.
create or replace function sluice.mark_needs_reconnect(
  for_provider text, for_account text, refused_version bigint, asked_ms float8, why text
) returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  current_version bigint;
begin
  insert into sluice.account (provider, account, status, reason) values (for_provider, for_account, 'needs_reconnect', why)
    on conflict (provider, account) do nothing;
  perform 1 from sluice.account
    where provider = for_provider and account = for_account for no key update;
  select version into current_version from sluice.credential where provider = for_provider and account = for_account
    for no key update;
  if current_version is distinct from refused_version
    or refused_version is null and exists (
      select 1 from sluice.account where provider = for_provider and account = for_account and status = 'connected'
        and since > clock_timestamp() - asked_ms * interval '1 millisecond')
  then
    return false;
  end if;
  update sluice.account set status = 'needs_reconnect', reason = why, since = clock_timestamp()
    where provider = for_provider and account = for_account and (status <> 'needs_reconnect' or reason is distinct from why);
  update sluice.credential
    set lease_owner = null, lease_until = null, failures = 0, failure = null, is_misconfigured = false, retry_at = null
    where provider = for_provider and account = for_account and lease_owner is not null;
  update sluice.run set state = 'paused', paused_by = 'auth', paused_reason = why
    where id in (
      select id from sluice.run where provider = for_provider and account = for_account and state = 'running'
      order by id for no key update);
  return true;
end $$;
