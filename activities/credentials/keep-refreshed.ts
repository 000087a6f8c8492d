/**
 * Stores what a refresh has brought, and does not let go of it while the database takes it not. A new refresh token
 * that is lost is an account lost. Used by: `refresh-credentials.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import type { AccountRef } from '../../db/stores/account/account-store.ts';
import {
  loadCredentials,
  renewLease,
  storeRefreshed,
  type StoredCredentials,
} from '../../db/stores/account/credential-store.ts';
import type { Keyring } from '../../db/encryption.ts';
import type { Pool } from '../../db/pool.ts';
import type { Log } from '../deps.ts';

/** New tokens are kept in memory and offered again for this long. */
const PATIENCE_MS = 600_000;
/** Shorter than another worker waits that finds the lease left over. */
const LONGEST_PAUSE_MS = 1_000;

/**
 * @param lease is renewed meanwhile, where the database takes that: nobody else sends the old refresh token.
 * @returns undefined when the secrets were replaced meanwhile, or are not to be had.
 * @throws whatever the database said last, after ten minutes.
 */
export async function keepRefreshed(
  deps: { readonly pool: Pool; readonly keyring: Keyring; readonly log: Log },
  of: AccountRef,
  { generation, version }: StoredCredentials,
  lease: { readonly owner: string; readonly leaseMs: number },
  brought: { readonly credentials: Credentials; readonly lifeMs: number | null },
): Promise<StoredCredentials | undefined> {
  const { credentials } = brought;
  let { lifeMs } = brought;
  for (let attempt = 1, startedAt = performance.now(); ; attempt++) {
    try {
      const newVersion = await storeRefreshed(deps.pool, deps.keyring, of, {
        generation,
        version,
        credentials,
        lifeMs,
      });
      if (newVersion === undefined) return undefined;
      break;
    } catch (error) {
      // Whatever it is that the database can't take, the tokens are worth more than what is known of them.
      if (isRefusedValue(error)) lifeMs = null;
      if (performance.now() - startedAt > PATIENCE_MS) {
        deps.log.error({ ...of, error: redact(String(error)) }, 'new tokens could not be stored and are lost');
        throw error;
      }
      // When it fails, it fails as the store does, and is tried with it again.
      await renewLease(deps.pool, of, lease).catch(() => false);
      await delay(Math.min(LONGEST_PAUSE_MS, 50 * 2 ** attempt));
    }
  }
  // They are safe now; whoever needs them can read them.
  const held = await loadCredentials(deps.pool, deps.keyring, of, 'refresh').catch(() => undefined);
  return held === undefined || held.version === null || held.status !== 'connected' ? undefined : held;
}

/** SQLSTATE classes 22 (data exception) and 54 (limit exceeded). */
function isRefusedValue(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(22|54)/.test(code);
}
