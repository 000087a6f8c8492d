/**
 * Secrets of accounts, encrypted, and the lease under which one worker at a time refreshes them. Ages and remaining
 * lives are computed by the database's clock alone. Next: `activities/credentials/stored-credentials.ts`;
 * `rotate-encryption.ts` encrypts them anew.
 */
import type { AccountStatus } from '../../../contracts/account.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import type { Credentials } from '../../../contracts/secrets/credentials.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import { boundedLifeMs } from '../../../contracts/secrets/token-life.ts';
import type { AccountRef } from './account-store.ts';
import type { Keyring, SecretPurpose } from '../../encryption.ts';
import type { Queryable } from '../../pool.ts';

export interface StoredCredentials {
  readonly credentials: Credentials;
  /** Another one whenever the account is connected after it was disconnected. */
  readonly generation: number;
  /** Raised by every change of the secrets. */
  readonly version: number;
  readonly tenant: string | null;
  /** Of the account, as they were given; null when there are none. */
  readonly settings: unknown;
  readonly status: AccountStatus;
  readonly reason: string | null;
  /** Since they were issued, in milliseconds. */
  readonly ageMs: number;
  /** Whole life of the access token in milliseconds; null when it is not known. */
  readonly lifeMs: number | null;
  /** What is left of it; negative when it is over, or was refused. */
  readonly leftMs: number | null;
  /** They came from a refresh, not from a login. */
  readonly isRefreshed: boolean;
  /** How long somebody's refresh may still last, in milliseconds; 0 when nobody is at it. */
  readonly leaseMs: number;
  /** How long nobody should try again after a failed refresh; 0 when it may be tried. */
  readonly retryMs: number;
  /** Refreshes in a row that failed without an answer to the question. */
  readonly failures: number;
  /** What the last one of these said. */
  readonly failure: string | null;
  /** It was the set-up of the app that was refused, not the account. */
  readonly isMisconfigured: boolean;
}

/** The app keeps them itself, or they were never given. */
export interface AccountWithoutSecrets {
  readonly version: null;
  readonly status: AccountStatus;
  readonly reason: string | null;
}

const SECRET = `
  c.secret, c.key_id, c.generation, c.version, c.failures, c.failure, c.is_misconfigured, c.life_ms, c.is_refreshed,
  extract(epoch from clock_timestamp() - c.issued_at)::float8 * 1000 as age_ms,
  extract(epoch from c.expires_at - clock_timestamp())::float8 * 1000 as left_ms,
  greatest(0, extract(epoch from c.lease_until - clock_timestamp())::float8 * 1000) as lease_ms,
  greatest(0, extract(epoch from c.retry_at - clock_timestamp())::float8 * 1000) as retry_ms`;

const LOAD = {
  name: 'load_credential',
  text: `select a.tenant, a.settings, a.status, a.reason, ${SECRET}
    from sluice.account a left join sluice.credential c using (provider, account)
    where a.provider = $1 and a.account = $2`,
};

/**
 * The account with its secrets, by primary key.
 * @returns undefined for an account that was never connected.
 * @throws EncryptionKeyError
 */
export async function loadCredentials(
  db: Queryable,
  keyring: Keyring,
  of: AccountRef,
  purpose: SecretPurpose = 'call',
): Promise<StoredCredentials | AccountWithoutSecrets | undefined> {
  const { rows } = await db.query<SecretRow>({ ...LOAD, values: [of.provider, of.account] });
  const row = rows[0];
  if (!row) return undefined;
  if (row.secret === null) return { version: null, status: row.status, reason: row.reason };
  return toStored(row, keyring, of, purpose);
}

// One row by primary key. Of several workers that want the lease at once, the row lock lets one in, and the others find
// it taken. A token that was refused is over, whatever was known of its end.
const TAKE_LEASE = `
  with o as (
    select x.provider, x.account, x.lease_owner is not null as is_left_over from sluice.credential x
    where x.provider = $1 and x.account = $2 and x.version = $3
      and coalesce(greatest(x.lease_until, case when not ($7 and x.is_misconfigured) then x.retry_at end), '-infinity') <= clock_timestamp()
    for no key update)
  update sluice.credential c set lease_owner = $4, lease_until = clock_timestamp() + $5::float8 * interval '1 millisecond',
    expires_at = case when $6 then least(c.expires_at, clock_timestamp()) else c.expires_at end
  from o, sluice.account a
  where c.provider = o.provider and c.account = o.account and a.provider = c.provider and a.account = c.account
    and a.status = 'connected'
  returning a.tenant, a.settings, a.status, a.reason, o.is_left_over, ${SECRET}`;

export interface RefreshLease extends StoredCredentials {
  /** Somebody had it before and never gave it back: dead, or it still tries to store what it got. */
  readonly isLeftOver: boolean;
}

/**
 * Takes the right to refresh the secrets of this version.
 * @param lease `leaseMs`: after this long, a worker that died is taken to have died. `isRefused`: the third party has refused
 *   the token, so nobody calls with it any more. `mayBeMended`: a pause that the app's set-up is the reason of does not count.
 * @returns undefined when somebody else has it, a failed refresh was just now, or the version is not the current one.
 */
export async function takeRefreshLease(
  db: Queryable,
  keyring: Keyring,
  of: AccountRef,
  lease: {
    readonly version: number;
    readonly owner: string;
    readonly leaseMs: number;
    readonly isRefused?: boolean;
    readonly mayBeMended?: boolean;
  },
): Promise<RefreshLease | undefined> {
  const { version, owner, leaseMs, isRefused = false, mayBeMended = false } = lease;
  const values = [of.provider, of.account, version, owner, leaseMs, isRefused, mayBeMended];
  const { rows } = await db.query<SecretRow & { is_left_over: boolean }>(TAKE_LEASE, values);
  const [row] = rows;
  return row && { ...(await toStored(row, keyring, of, 'refresh')), isLeftOver: row.is_left_over };
}

/** Keeps the lease for as long again. @returns false when it is another's by now. */
export async function renewLease(
  db: Queryable,
  of: AccountRef,
  lease: { readonly owner: string; readonly leaseMs: number },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sluice.credential set lease_until = clock_timestamp() + $4::float8 * interval '1 millisecond'
     where provider = $1 and account = $2 and lease_owner = $3`,
    [of.provider, of.account, lease.owner, lease.leaseMs],
  );
  return rowCount === 1;
}

export interface GivenBackLease {
  readonly owner: string;
  /** Nobody tries again for this long, in milliseconds. */
  readonly retryAfterMs: number;
  /** Left out when nothing was tried. */
  readonly failure?: { readonly reason: string; readonly isMisconfigured: boolean };
  /** Nobody calls with the token before it is renewed: what was called would only be called again. */
  readonly endsToken?: boolean;
}

/** Gives the lease back without new secrets. */
export async function giveBackLease(
  db: Queryable,
  of: AccountRef,
  { owner, retryAfterMs, failure, endsToken = false }: GivenBackLease,
): Promise<void> {
  await db.query(
    `update sluice.credential set lease_owner = null, lease_until = null,
       retry_at = clock_timestamp() + $4::float8 * interval '1 millisecond',
       failures = failures + case when $5::text is null then 0 else 1 end, failure = coalesce($5, failure),
       is_misconfigured = case when $5::text is null then is_misconfigured else $6 end,
       expires_at = case when $7 then least(expires_at, clock_timestamp()) else expires_at end
     where provider = $1 and account = $2 and lease_owner = $3`,
    [
      of.provider,
      of.account,
      owner,
      retryAfterMs,
      failure ? cleanText(redact(failure.reason), 500) : null,
      failure?.isMisconfigured ?? false,
      endsToken,
    ],
  );
}

/**
 * Stores what a refresh of `version` brought.
 * @param refreshed `lifeMs` of the new access token from now on; null when it is not known.
 * @returns the new version; undefined when the secrets were replaced meanwhile, and nothing was stored.
 */
export async function storeRefreshed(
  db: Queryable,
  keyring: Keyring,
  of: AccountRef,
  refreshed: {
    readonly generation: number;
    readonly version: number;
    readonly credentials: Credentials;
    readonly lifeMs: number | null;
  },
): Promise<number | undefined> {
  const { generation, version, credentials, lifeMs } = refreshed;
  const bound = { ...of, generation, version: version + 1 };
  const { keyId, blob } = await keyring.seal(JSON.stringify(credentials), bound);
  const { rows } = await db.query<{ version: number | null }>(
    'select sluice.store_refreshed($1, $2, $3, $4, $5, $6, $7) as version',
    [of.provider, of.account, generation, version, blob, keyId, boundedLifeMs(lifeMs) ?? null],
  );
  return rows[0]?.version ?? undefined;
}

interface SecretRow {
  tenant: string | null;
  settings: unknown;
  status: AccountStatus;
  reason: string | null;
  secret: Buffer | null;
  key_id: string;
  generation: number;
  version: number;
  failures: number;
  failure: string | null;
  is_misconfigured: boolean;
  life_ms: number | null;
  age_ms: number;
  left_ms: number | null;
  is_refreshed: boolean;
  lease_ms: number | null;
  retry_ms: number | null;
}

async function toStored(
  row: SecretRow,
  keyring: Keyring,
  of: AccountRef,
  purpose: SecretPurpose,
): Promise<StoredCredentials> {
  const { generation, version } = row;
  const sealed = { keyId: row.key_id, blob: row.secret as Buffer };
  const text = await keyring.open(sealed, { provider: of.provider, account: of.account, generation, version }, purpose);
  return {
    credentials: JSON.parse(text) as Credentials,
    generation,
    version,
    tenant: row.tenant,
    settings: row.settings,
    status: row.status,
    reason: row.reason,
    ageMs: row.age_ms,
    lifeMs: row.life_ms,
    leftMs: row.left_ms,
    isRefreshed: row.is_refreshed,
    leaseMs: row.lease_ms ?? 0,
    retryMs: row.retry_ms ?? 0,
    failures: row.failures,
    failure: row.failure,
    isMisconfigured: row.is_misconfigured,
  };
}
