-- Stores what a refresh brought, over the version that it was made from and no other. Returns the new version, or null when the
-- tokens were replaced meanwhile. It asks for no lease: the tokens of a late refresher are better than none. That also holds when
-- the account was given up in between. Locks: account, credential.
create or replace function sluice.store_refreshed(
  for_provider text, for_account text, for_generation bigint, from_version bigint, new_secret bytea, new_key text, new_life_ms bigint
) returns bigint language plpgsql set search_path = pg_catalog as $$
declare
  stored bigint;
begin
  perform 1 from sluice.account where provider = for_provider and account = for_account for no key update;
  update sluice.credential set
    secret = new_secret, key_id = new_key, version = version + 1, issued_at = clock_timestamp(), is_refreshed = true, has_token = true,
    life_ms = new_life_ms, expires_at = clock_timestamp() + new_life_ms * interval '1 millisecond',
    lease_owner = null, lease_until = null, failures = 0, failure = null, is_misconfigured = false, retry_at = null
    where provider = for_provider and account = for_account and generation = for_generation and version = from_version
    returning version into stored;
  if stored is not null then
    update sluice.account set status = 'connected', reason = null, since = clock_timestamp()
      where provider = for_provider and account = for_account and status <> 'connected';
    perform sluice.note_secret_use(for_provider, for_account, 'refreshed', 1);
  end if;
  return stored;
end $$;
