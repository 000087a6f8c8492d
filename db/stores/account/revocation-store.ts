/**
 * Secrets of disconnected accounts that the third party is still to be told of, encrypted as they were. Each is worked on by one worker
 * at a time, and deleted when the third party was told or that was given up.
 * Next: `activities/credentials/revoke-credentials.ts`.
 */
import type { Credentials } from '../../../contracts/secrets/credentials.ts';
import type { Keyring } from '../../encryption.ts';
import type { Queryable } from '../../pool.ts';

export interface Revocation {
  readonly id: number;
  readonly provider: string;
  readonly account: string;
  readonly tenant: string | null;
  /** As they were given; null when there are none. */
  readonly settings: unknown;
  readonly credentials: Credentials;
  /** Tries before this one. */
  readonly attempts: number;
  /** Since the account was disconnected, in milliseconds. */
  readonly ageMs: number;
}

// Whoever dies with one in hand has it for a minute.
const CLAIM = `
  update sluice.revocation r set next_at = clock_timestamp() + interval '1 minute'
  where r.id = (
    select x.id from sluice.revocation x where x.provider = any ($1) and x.next_at <= clock_timestamp()
    order by x.next_at limit 1 for update skip locked)
  returning r.id, r.provider, r.account, r.tenant, r.settings, r.secret, r.key_id, r.generation, r.version, r.attempts,
    extract(epoch from clock_timestamp() - r.asked_at)::float8 * 1000 as age_ms`;

interface Row {
  id: number;
  provider: string;
  account: string;
  tenant: string | null;
  settings: unknown;
  secret: Buffer;
  key_id: string;
  generation: number;
  version: number;
  attempts: number;
  age_ms: number;
}

/**
 * The next one that is due. Index: revocation_due.
 * @param providers that this worker has.
 * @throws EncryptionKeyError; it is due again a minute later.
 */
export async function claimRevocation(
  db: Queryable,
  keyring: Keyring,
  providers: readonly string[],
): Promise<Revocation | undefined> {
  const { rows } = await db.query<Row>(CLAIM, [providers]);
  const [row] = rows;
  if (!row) return undefined;
  const { id, provider, account, tenant, settings, generation, version, attempts } = row;
  const of = { provider, account, generation, version };
  const text = await keyring.open({ keyId: row.key_id, blob: row.secret }, of, 'revoke');
  const credentials = JSON.parse(text) as Credentials;
  return { id, provider, account, tenant, settings, credentials, attempts, ageMs: row.age_ms };
}

/** @param what became of it, for the audit. */
export async function endRevocation(
  db: Queryable,
  { id, provider, account }: Revocation,
  what: 'revoked' | 'revocation-failed',
): Promise<void> {
  await db.query(
    `with ended as (delete from sluice.revocation where id = $1 returning 1)
     select sluice.note_secret_use($2, $3, $4, 1) from ended`,
    [id, provider, account, what],
  );
}

export async function postponeRevocation(db: Queryable, id: number, delayMs: number, attempts: 0 | 1): Promise<void> {
  await db.query(
    `update sluice.revocation set attempts = attempts + $3, next_at = clock_timestamp() + $2::float8 * interval '1 millisecond'
     where id = $1`,
    [id, delayMs, attempts],
  );
}
