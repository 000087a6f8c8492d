-- Connects an account, for the first time or again; with `new_secret` null the app keeps the secrets itself.
-- Whatever refresh is under way with older tokens can't be stored any more: the version has moved on.
create or replace function sluice.connect_account(
  for_provider text, for_account text, for_tenant text, new_secret bytea, new_key text, new_life_ms bigint
) returns void language plpgsql set search_path = pg_catalog as $$
begin
  insert into sluice.account as a (provider, account, tenant) values (for_provider, for_account, for_tenant)
  on conflict (provider, account) do update set
    tenant = coalesce(excluded.tenant, a.tenant), status = 'connected', reason = null, since = clock_timestamp();
  if new_secret is not null then
    insert into sluice.credential as c (provider, account, secret, key_id, life_ms, expires_at)
    values (for_provider, for_account, new_secret, new_key, new_life_ms,
      clock_timestamp() + new_life_ms * interval '1 millisecond')
    on conflict (provider, account) do update set
      secret = excluded.secret, key_id = excluded.key_id, version = c.version + 1, issued_at = clock_timestamp(),
      is_refreshed = false, life_ms = excluded.life_ms, expires_at = excluded.expires_at,
      lease_owner = null, lease_until = null, failures = 0, retry_at = null;
  end if;
end $$;
