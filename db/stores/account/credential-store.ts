/**
 * Secrets of accounts, encrypted, and the lease under which one worker at a time refreshes them. Ages and remaining
 * lives are computed by the database's clock alone. Next stop: `activities/credentials/stored-credentials.ts`.
 */
import type { AccountStatus } from '../../../contracts/account.ts';
import type { Credentials } from '../../../contracts/credentials.ts';
import type { AccountRef } from './account-store.ts';
import type { Keyring } from '../../encryption.ts';
import { inTransaction, type Pool, type Queryable } from '../../pool.ts';

export interface StoredCredentials {
  readonly credentials: Credentials;
  /** Raised by every change of the secrets. */
  readonly version: number;
  readonly tenant: string | null;
  readonly status: AccountStatus;
  readonly reason: string | null;
  /** Since they were issued, in milliseconds. */
  readonly ageMs: number;
  /** Whole life of the access token in milliseconds; null when it is not known. */
  readonly lifeMs: number | null;
  /** What is left of it; negative when it is over. */
  readonly leftMs: number | null;
  /** They came from a refresh, not from a login. */
  readonly isRefreshed: boolean;
  /** How long somebody's refresh may still last, in milliseconds; 0 when nobody is at it. */
  readonly leaseMs: number;
  /** How long nobody should try again after a failed refresh; 0 when it may be tried. */
  readonly retryMs: number;
  /** Refreshes in a row that failed without an answer to the question. */
  readonly failures: number;
}

/** The app keeps them itself, or they were never given. */
export interface AccountWithoutSecrets {
  readonly version: null;
  readonly status: AccountStatus;
  readonly reason: string | null;
}

const SECRET = `
  c.secret, c.key_id, c.version, c.failures, c.life_ms, c.is_refreshed,
  extract(epoch from clock_timestamp() - c.issued_at)::float8 * 1000 as age_ms,
  extract(epoch from c.expires_at - clock_timestamp())::float8 * 1000 as left_ms,
  greatest(0, extract(epoch from c.lease_until - clock_timestamp())::float8 * 1000) as lease_ms,
  greatest(0, extract(epoch from c.retry_at - clock_timestamp())::float8 * 1000) as retry_ms`;

const LOAD = {
  name: 'load_credential',
  text: `select a.tenant, a.status, a.reason, ${SECRET}
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
): Promise<StoredCredentials | AccountWithoutSecrets | undefined> {
  const { rows } = await db.query<SecretRow>({ ...LOAD, values: [of.provider, of.account] });
  const row = rows[0];
  if (!row) return undefined;
  if (row.secret === null) return { version: null, status: row.status, reason: row.reason };
  return toStored(row, keyring, of);
}

// One row by primary key: of several workers that want the lease at once, the row lock lets one in, and the others find
// it taken.
const TAKE_LEASE = `
  update sluice.credential c set lease_owner = $4, lease_until = clock_timestamp() + $5::float8 * interval '1 millisecond'
  from sluice.account a
  where c.provider = $1 and c.account = $2 and c.version = $3 and a.provider = c.provider and a.account = c.account
    and a.status = 'connected'
    and coalesce(greatest(c.lease_until, c.retry_at), '-infinity') <= clock_timestamp()
  returning a.tenant, a.status, a.reason, ${SECRET}`;

/**
 * Takes the right to refresh the secrets of this version.
 * @param leaseMs after this long, a worker that died is taken to have died.
 * @returns undefined when somebody else has it, a failed refresh was just now, or the version is not the current one.
 */
export async function takeRefreshLease(
  db: Queryable,
  keyring: Keyring,
  of: AccountRef,
  lease: { readonly version: number; readonly owner: string; readonly leaseMs: number },
): Promise<StoredCredentials | undefined> {
  const { rows } = await db.query<SecretRow>(TAKE_LEASE, [
    of.provider,
    of.account,
    lease.version,
    lease.owner,
    lease.leaseMs,
  ]);
  return rows[0] && toStored(rows[0], keyring, of);
}

/** Gives the lease back without new secrets. Nobody tries again for `retryAfterMs`. */
export async function giveBackLease(
  db: Queryable,
  of: AccountRef,
  lease: { readonly owner: string; readonly retryAfterMs: number; readonly hasFailed: boolean },
): Promise<void> {
  await db.query(
    `update sluice.credential set lease_owner = null, lease_until = null,
       retry_at = clock_timestamp() + $4::float8 * interval '1 millisecond', failures = failures + $5
     where provider = $1 and account = $2 and lease_owner = $3`,
    [of.provider, of.account, lease.owner, lease.retryAfterMs, lease.hasFailed ? 1 : 0],
  );
}

/** Connects an account, for the first time or again. Without credentials the app keeps them itself. */
export async function connectAccount(
  db: Queryable,
  keyring: Keyring | undefined,
  of: AccountRef & { readonly tenant?: string },
  credentials: Credentials | undefined,
): Promise<void> {
  const sealed = credentials && keyring ? seal(keyring, of, credentials) : undefined;
  await db.query('select sluice.connect_account($1, $2, $3, $4, $5, $6)', [
    of.provider,
    of.account,
    of.tenant ?? null,
    sealed?.blob ?? null,
    sealed?.keyId ?? null,
    credentials ? lifeFromNow(credentials) : null,
  ]);
}

/**
 * Stores what a refresh of `version` brought.
 * @param lifeMs of the new access token from now on; null when it is not known.
 * @returns the new version; undefined when the secrets were replaced meanwhile, and nothing was stored.
 */
export async function storeRefreshed(
  db: Queryable,
  keyring: Keyring,
  of: AccountRef,
  refreshed: { readonly version: number; readonly credentials: Credentials; readonly lifeMs: number | null },
): Promise<number | undefined> {
  const { keyId, blob } = seal(keyring, of, refreshed.credentials);
  const { rows } = await db.query<{ version: number | null }>(
    'select sluice.store_refreshed($1, $2, $3, $4, $5, $6) as version',
    [of.provider, of.account, refreshed.version, blob, keyId, refreshed.lifeMs],
  );
  return rows[0]?.version ?? undefined;
}

const ROTATION_BATCH = 100;

/**
 * Encrypts every secret anew that is not encrypted with the first key. Refreshes and calls go on meanwhile; doing it
 * twice is harmless. Index: credential_by_key.
 * @returns how many were encrypted anew.
 * @throws EncryptionKeyError when a key that is still in use is not known; what was done before stays done.
 */
export async function rotateEncryption(pool: Pool, keyring: Keyring): Promise<number> {
  for (let total = 0; ;) {
    const count = await inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<{ provider: string; account: string; secret: Buffer; key_id: string }>(
        `select provider, account, secret, key_id from sluice.credential where key_id <> $1
         order by provider, account limit $2 for update`,
        [keyring.currentKeyId, ROTATION_BATCH],
      );
      for (const { provider, account, secret, key_id } of rows) {
        const boundTo = bindingOf({ provider, account });
        const sealed = keyring.seal(keyring.open({ keyId: key_id, blob: secret }, boundTo), boundTo);
        await tx.query('update sluice.credential set secret = $3, key_id = $4 where provider = $1 and account = $2', [
          provider,
          account,
          sealed.blob,
          sealed.keyId,
        ]);
      }
      return rows.length;
    });
    total += count;
    if (count < ROTATION_BATCH) return total;
  }
}

interface SecretRow {
  tenant: string | null;
  status: AccountStatus;
  reason: string | null;
  secret: Buffer | null;
  key_id: string;
  version: number;
  failures: number;
  life_ms: number | null;
  age_ms: number;
  left_ms: number | null;
  is_refreshed: boolean;
  lease_ms: number | null;
  retry_ms: number | null;
}

function toStored(row: SecretRow, keyring: Keyring, of: AccountRef): StoredCredentials {
  const text = keyring.open({ keyId: row.key_id, blob: row.secret as Buffer }, bindingOf(of));
  return {
    credentials: JSON.parse(text) as Credentials,
    version: row.version,
    tenant: row.tenant,
    status: row.status,
    reason: row.reason,
    ageMs: row.age_ms,
    lifeMs: row.life_ms,
    leftMs: row.left_ms,
    isRefreshed: row.is_refreshed,
    leaseMs: row.lease_ms ?? 0,
    retryMs: row.retry_ms ?? 0,
    failures: row.failures,
  };
}

function seal(keyring: Keyring, of: AccountRef, credentials: Credentials) {
  return keyring.seal(JSON.stringify(credentials), bindingOf(of));
}

function bindingOf({ provider, account }: AccountRef): string {
  return `${provider}/${account}`;
}

/** The issuer's time is taken relative to this process; from here on only the database's clock counts. */
function lifeFromNow({ expiresAt }: Credentials): number | null {
  if (expiresAt === undefined) return null;
  const until = Date.parse(expiresAt);
  if (Number.isNaN(until))
    throw new TypeError(`\`expiresAt\` is ${JSON.stringify(expiresAt)}; it must be an ISO time.`);
  return Math.max(0, until - Date.now());
}
