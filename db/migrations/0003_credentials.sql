-- Accounts and their secrets. A secret is ciphertext only (db/encryption.ts); `version` is the fence of refreshes: a new
-- pair of tokens is stored only over the version that it was made from. Written by db/account-store.ts and
-- db/credential-store.ts. Locks, always in this order: account, credential, runs by id.

create table sluice.account (
  provider text not null,
  account text not null,
  tenant text,
  status text not null default 'connected' check (status in ('connected', 'needs_reconnect')),
  reason text,
  since timestamptz not null default clock_timestamp(),
  primary key (provider, account)
);
create index account_by_status on sluice.account (status, since);

create table sluice.credential (
  provider text not null,
  account text not null,
  secret bytea not null,
  key_id text not null,
  version bigint not null default 1,
  issued_at timestamptz not null default clock_timestamp(),
  is_refreshed boolean not null default false,
  life_ms bigint,
  expires_at timestamptz,
  lease_owner uuid,
  lease_until timestamptz,
  failures int not null default 0,
  retry_at timestamptz,
  primary key (provider, account),
  foreign key (provider, account) references sluice.account on delete cascade
) with (fillfactor = 70);
create index credential_by_key on sluice.credential (key_id);

-- Why a run is paused: by its operator, or because its account must be connected again.
alter table sluice.run
  add column paused_by text check (paused_by in ('operator', 'auth')),
  add column paused_reason text;
create index run_paused_for_auth on sluice.run (provider, account) where state = 'paused' and paused_by = 'auth';

-- Connects an account, for the first time or again; with `new_secret` null the app keeps the secrets itself.
-- Whatever refresh is under way with older tokens can't be stored any more: the version has moved on.
create function sluice.connect_account(
  for_provider text, for_account text, for_tenant text, new_secret bytea, new_key text, new_life_ms bigint
) returns void language plpgsql as $$
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

-- Stores what a refresh brought, over the version that it was made from and no other: returns the new version, or null
-- when the tokens were replaced meanwhile. It asks for no lease: the tokens of a refresher that was late are better
-- than none, also when the account has been given up in between.
create function sluice.store_refreshed(
  for_provider text, for_account text, from_version bigint, new_secret bytea, new_key text, new_life_ms bigint
) returns bigint language plpgsql as $$
declare
  stored bigint;
begin
  perform 1 from sluice.account where provider = for_provider and account = for_account for no key update;
  update sluice.credential set
    secret = new_secret, key_id = new_key, version = version + 1, issued_at = clock_timestamp(), is_refreshed = true,
    life_ms = new_life_ms, expires_at = clock_timestamp() + new_life_ms * interval '1 millisecond',
    lease_owner = null, lease_until = null, failures = 0, retry_at = null
    where provider = for_provider and account = for_account and version = from_version
    returning version into stored;
  if stored is not null then
    update sluice.account set status = 'connected', reason = null, since = clock_timestamp()
      where provider = for_provider and account = for_account and status <> 'connected';
  end if;
  return stored;
end $$;

-- Gives an account up until its user connects it again, and pauses its running syncs. Only while the version that was
-- refused is still the current one (null: there are no credentials, or the app keeps them), and nobody has connected the
-- account in the `asked_ms` since its credentials were asked for; returns whether it is so.
create function sluice.mark_needs_reconnect(
  for_provider text, for_account text, refused_version bigint, asked_ms float8, why text
) returns boolean language plpgsql as $$
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
  update sluice.credential set lease_owner = null, lease_until = null, failures = 0, retry_at = null
    where provider = for_provider and account = for_account and lease_owner is not null;
  update sluice.run set state = 'paused', paused_by = 'auth', paused_reason = why
    where id in (
      select id from sluice.run where provider = for_provider and account = for_account and state = 'running'
      order by id for no key update);
  return true;
end $$;

-- Pauses one run because of its account. The share lock orders it with a reconnection: either this is refused (returns
-- null), or the reconnection sees the paused run and resumes it. Returns the reason.
create function sluice.pause_for_account(for_run uuid) returns text language plpgsql as $$
declare
  why text;
begin
  select a.reason into why from sluice.run r join sluice.account a using (provider, account)
    where r.id = for_run and a.status = 'needs_reconnect' for share of a;
  if not found then
    return null;
  end if;
  update sluice.run set state = 'paused', paused_by = 'auth', paused_reason = why where id = for_run and state = 'running';
  return coalesce(why, '');
end $$;
