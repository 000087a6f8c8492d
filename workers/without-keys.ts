/**
 * Credentials for a worker that has no encryption keys: none, for who is not in the store. Who is in it can't be called for,
 * which is said, because to go on without would look like a refusal of the third party.
 */
import type { CredentialSource } from '../activities/index.ts';
import { EncryptionKeyError, type Pool } from '../db/index.ts';
import { keepLatest } from '../contracts/values/keep-latest.ts';

/** An account that is connected meanwhile is noticed after this long. */
const REMEMBERED_MS = 10_000;
/** Accounts remembered at most; all are asked for again then. */
const MOST_REMEMBERED = 10_000;

const KEY_OF = {
  name: 'key_of_account',
  text: 'select key_id as key from sluice.credential where provider = $1 and account = $2',
};

export function withoutKeys(pool: Pool): CredentialSource {
  const askedAt = new Map<string, number>();
  return {
    async get(provider, account) {
      const name = `${provider}/${account}`;
      if (performance.now() - (askedAt.get(name) ?? -Infinity) < REMEMBERED_MS) return undefined;
      const { rows } = await pool.query<{ key: string }>({ ...KEY_OF, values: [provider, account] });
      const stored = rows[0];
      if (stored)
        throw new EncryptionKeyError(
          `The credentials of ${name} are encrypted with key "${stored.key}", and this worker has no keys: ` +
            'set SLUICE_ENCRYPTION_KEYS to what the app has that connected the account.',
        );
      keepLatest(askedAt, name, performance.now(), MOST_REMEMBERED);
      return undefined;
    },
  };
}
