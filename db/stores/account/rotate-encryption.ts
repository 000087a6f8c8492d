/**
 * Encrypts secrets anew with the current key. Calls and refreshes go on meanwhile: no row is locked while a key service is asked.
 * Next: `client/account/accounts.ts`.
 */
import type { Keyring } from '../../encryption.ts';
import type { Pool } from '../../pool.ts';

interface OldSecret {
  readonly provider: string;
  readonly account: string;
  readonly generation: number;
  readonly version: number;
  readonly key_id: string;
  readonly secret: Buffer;
}

const BATCH = 100;
/** In order, so that one that was changed meanwhile does not come again. Index: credential_by_key. */
const OLD = `
  select provider, account, generation, version, key_id, secret from sluice.credential
  where key_id <> $1 and (provider, account) > ($2, $3) order by provider, account limit $4`;
const STORE = `
  update sluice.credential set secret = $4, key_id = $5
  where provider = $1 and account = $2 and generation = $6 and version = $3 and key_id = $7`;

/**
 * Doing it twice is harmless.
 * @returns how many were encrypted anew.
 * @throws EncryptionKeyError when a key that is still in use is not known; what was done before stays done.
 */
export async function rotateEncryption(pool: Pool, keyring: Keyring): Promise<number> {
  let count = 0;
  for (let last = ['', '']; ;) {
    const { rows } = await pool.query<OldSecret>(OLD, [keyring.currentKeyId, ...last, BATCH]);
    for (const { provider, account, generation, version, key_id, secret } of rows) {
      const of = { provider, account, generation, version };
      const sealed = await keyring.seal(await keyring.open({ keyId: key_id, blob: secret }, of, 'rotate'), of);
      const values = [provider, account, version, sealed.blob, sealed.keyId, generation, key_id];
      // What a refresh has replaced meanwhile is encrypted with the current key by itself.
      count += (await pool.query(STORE, values)).rowCount ?? 0;
    }
    const end = rows.at(-1);
    if (!end || rows.length < BATCH) return count;
    last = [end.provider, end.account];
  }
}
