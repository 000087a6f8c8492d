-- Accounts and their secrets. A secret is ciphertext only (db/encryption.ts), bound to its account, `generation` and `version`.
-- `version` is the fence of refreshes: a new pair of tokens is stored only over the version that it was made from. Written by
-- db/stores/account and db/functions/accounts. Locks, always in this order: account, credential, runs by id.

create table sluice.account (
  provider text not null,
  account text not null,
  tenant text,
  status text not null default 'connected' check (status in ('connected', 'needs_reconnect')),
  reason text,
  since timestamptz not null default clock_timestamp(),
  -- What the provider needs to know of it and is no secret, as the app gave it: a domain, a region, a plan.
  settings jsonb,
  primary key (provider, account)
);
create index account_by_status on sluice.account (status, since, provider, account);
create index account_by_provider on sluice.account (provider, status, since, account);
create index account_by_name on sluice.account (account);

-- Drawn when an account gets secrets that has none: together with `version` no two ciphertexts of an account are bound alike.
create sequence sluice.credential_generation;

create table sluice.credential (
  provider text not null,
  account text not null,
  secret bytea not null,
  key_id text not null,
  generation bigint not null,
  version bigint not null default 1,
  issued_at timestamptz not null default clock_timestamp(),
  is_refreshed boolean not null default false,
  -- An access token is among the secrets: else calls go by a password or a key, or a first token is got by them.
  has_token boolean not null default true,
  life_ms bigint,
  -- When the access token ends, as its issuer said; or when it was refused, which says the same.
  expires_at timestamptz,
  lease_owner uuid,
  lease_until timestamptz,
  -- Refreshes in a row that failed without an answer to the question, and what the last one said. They are for people, and say
  -- whether the app's own set-up is to blame.
  failures int not null default 0,
  failure text,
  is_misconfigured boolean not null default false,
  retry_at timestamptz,
  primary key (provider, account),
  foreign key (provider, account) references sluice.account on delete cascade
) with (fillfactor = 70);
create index credential_by_key on sluice.credential (key_id);

-- Secrets of disconnected accounts that the third party is to be told of. Deleted when it was, or when that was given up.
create table sluice.revocation (
  id bigint generated always as identity primary key,
  provider text not null,
  account text not null,
  secret bytea not null,
  key_id text not null,
  generation bigint not null,
  version bigint not null,
  tenant text,
  settings jsonb,
  asked_at timestamptz not null default clock_timestamp(),
  attempts int not null default 0,
  next_at timestamptz not null default clock_timestamp()
);
create index revocation_due on sluice.revocation (next_at);

-- The audit: who used the secrets of an account, for what, in which hour, how often. Reads are written some seconds later.
create table sluice.secret_use (
  provider text not null,
  account text not null,
  hour timestamptz not null,
  what text not null,
  -- Database role, name of the application, address.
  who text not null,
  times bigint not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (provider, account, hour, what, who)
) with (fillfactor = 70);
create index secret_use_by_hour on sluice.secret_use (hour);

-- Logins at third parties that are under way in a browser: what the callback needs. The state and what the browser proves itself by are
-- kept as hashes, and the code verifier nowhere (connecting/login-secrets.ts). Those that are over are deleted by the logins that follow.
create table sluice.login (
  state bytea primary key,
  session bytea not null,
  provider text not null,
  account text not null,
  tenant text,
  -- Null: those that the account has when the callback comes.
  settings jsonb,
  return_to text not null,
  expires_at timestamptz not null,
  taken_at timestamptz
);
create index login_by_end on sluice.login (expires_at);
create index login_by_account on sluice.login (provider, account);
