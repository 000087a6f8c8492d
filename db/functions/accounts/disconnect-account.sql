-- Removes an account and its secrets; with `revokes` they are kept aside until the third party was told (`sluice.revocation`). Runs and
-- records stay. Returns false when there was none. Locks: account, credential.
create or replace function sluice.disconnect_account(for_provider text, for_account text, revokes boolean)
returns boolean language plpgsql set search_path = pg_catalog as $$
begin
  perform 1 from sluice.account where provider = for_provider and account = for_account for update;
  if not found then
    return false;
  end if;
  if revokes then
    insert into sluice.revocation (provider, account, tenant, settings, secret, key_id, generation, version)
    select c.provider, c.account, a.tenant, a.settings, c.secret, c.key_id, c.generation, c.version
      from sluice.credential c join sluice.account a using (provider, account)
      where c.provider = for_provider and c.account = for_account for update of c;
  end if;
  delete from sluice.account where provider = for_provider and account = for_account;
  perform sluice.note_secret_use(for_provider, for_account, 'disconnected', 1);
  return true;
end $$;
