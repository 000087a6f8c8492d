-- Connects an account, for the first time or again; with `new_secret` null the app keeps the secrets itself.
-- Whatever refresh is under way with older tokens can't be stored any more: the version has moved on.
--   for_settings        null leaves those that it has
--   may_change_tenant   an account may be given to another tenant, also one that had none, and one that was disconnected and has rows
--   for_generation, for_version   what the ciphertext is bound to: those of the secrets that follow on the ones that are there
-- Returns `done`; or, with nothing changed, `newer` when other secrets were stored meanwhile (seal them anew), `other-tenant` when it
-- belongs to another tenant than the one that is given. Locks: account, credential.
create or replace function sluice.connect_account(
  for_provider text, for_account text, for_tenant text, new_secret bytea, new_key text, new_life_ms bigint,
  for_generation bigint, for_version bigint, for_settings jsonb, may_change_tenant boolean, brings_token boolean
) returns text language plpgsql set search_path = pg_catalog as $$
declare
  c sluice.credential;
  known_tenant text;
begin
  -- Before it is there: of one that was disconnected its runs and rows say whose it is.
  select t into known_tenant from sluice.tenant_of_account(for_provider, for_account) t;
  if found and known_tenant is distinct from for_tenant and for_tenant is not null and not may_change_tenant then
    return 'other-tenant';
  end if;
  insert into sluice.account (provider, account, tenant) values (for_provider, for_account, for_tenant)
    on conflict (provider, account) do nothing;
  select tenant into known_tenant from sluice.account where provider = for_provider and account = for_account for no key update;
  if known_tenant is distinct from for_tenant and for_tenant is not null and not may_change_tenant then
    return 'other-tenant';
  end if;
  if new_secret is not null then
    select * into c from sluice.credential where provider = for_provider and account = for_account for no key update;
    if c.version is null and for_version <> 1 or c.version is not null and (c.generation, c.version + 1) <> (for_generation, for_version)
    then
      return 'newer';
    end if;
    insert into sluice.credential (provider, account, secret, key_id, generation, version, has_token, life_ms, expires_at)
    values (for_provider, for_account, new_secret, new_key, for_generation, for_version, brings_token, new_life_ms,
      clock_timestamp() + new_life_ms * interval '1 millisecond')
    on conflict (provider, account) do update set
      secret = excluded.secret, key_id = excluded.key_id, version = excluded.version, issued_at = clock_timestamp(),
      is_refreshed = false, has_token = excluded.has_token, life_ms = excluded.life_ms, expires_at = excluded.expires_at,
      lease_owner = null, lease_until = null, failures = 0, failure = null, is_misconfigured = false, retry_at = null;
    perform sluice.note_secret_use(for_provider, for_account, 'connected', 1);
  end if;
  update sluice.account set tenant = coalesce(for_tenant, tenant), settings = coalesce(for_settings, settings), status = 'connected', reason = null, since = clock_timestamp()
    where provider = for_provider and account = for_account;
  return 'done';
end $$;
