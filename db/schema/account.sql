-- Accounts and their secrets. A secret is ciphertext only (db/encryption.ts); `version` is the fence of refreshes: a new
-- pair of tokens is stored only over the version that it was made from. Written by db/stores/account/account-store.ts and
-- credential-store.ts. Locks, always in this order: account, credential, runs by id.

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
