/**
 * Writes down which accounts' secrets this worker has decrypted: every few seconds, and when it ends. A worker that is killed takes what
 * it did since the last time with it.
 * Next: `db/stores/account/secret-use-store.ts`.
 */
import type { Log } from '../../activities/index.ts';
import { noteSecretUses, type Pool, type SecretUseCounter } from '../../db/index.ts';
import { every } from './interval.ts';

const INTERVAL_MS = 10_000;

/** @returns a function that ends it; it resolves when everything is written, or can't be. */
export function startAuditing(pool: Pool, counter: SecretUseCounter, log: Log): () => Promise<void> {
  const write = () => counter.flush((uses, telling) => noteSecretUses(pool, uses, telling));
  const stop = every(INTERVAL_MS, 'writing the audit of secrets', log, () => write().then(() => false));
  return async () => {
    await stop();
    await write().catch((error: unknown) =>
      log.error({ error: String(error) }, 'the audit of the last seconds could not be written'),
    );
  };
}
