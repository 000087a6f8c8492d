/**
 * Secrets at rest: AES-256-GCM with a random nonce for each write, bound to its account by the additional data, so that
 * a row copied to another account does not open. Several keys may be known: the first encrypts, all decrypt.
 * Sources: NIST SP 800-38D (GCM; a random 96-bit nonce is good for 2^32 writes with one key).
 * Next stop: `stores/account/credential-store.ts`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealed {
  readonly keyId: string;
  /** Nonce, ciphertext, tag. */
  readonly blob: Buffer;
}

export interface Keyring {
  /** Id of the key that encrypts. */
  readonly currentKeyId: string;
  /** @param boundTo whose secret it is; the same text is needed to open it. */
  seal(text: string, boundTo: string): Sealed;
  /** @throws EncryptionKeyError when the key is not known or does not open it. */
  open(sealed: Sealed, boundTo: string): string;
}

/** The operator's keys are missing, malformed, or others than those that encrypted. Never holds key material. */
export class EncryptionKeyError extends Error {
  override readonly name = 'EncryptionKeyError';
}

/** What to do when there are no keys at all. */
export const NO_ENCRYPTION_KEYS =
  'There is no key to encrypt credentials with. Set SLUICE_ENCRYPTION_KEYS to `id:key`, the key being 32 random bytes ' +
  'in base64, in the app and in every worker: echo "k1:$(openssl rand -base64 32)". `npx sluice dev` makes one for ' +
  'development by itself.';

/**
 * Reads `id:base64key,id2:base64key`: the first key encrypts, all decrypt.
 * @throws EncryptionKeyError that lists every entry that is wrong, by its place and id.
 */
export function createKeyring(text: string): Keyring {
  const keys = parseKeys(text);
  const [currentKeyId, currentKey] = [...keys][0] as [string, Buffer];
  return {
    currentKeyId,
    seal: (secret, boundTo) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, currentKey, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(boundTo, 'utf8'));
      const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return { keyId: currentKeyId, blob: sealed };
    },
    open: ({ keyId, blob }, boundTo) => {
      const key = keys.get(keyId);
      if (!key) {
        throw new EncryptionKeyError(
          `The credentials of ${boundTo} are encrypted with key "${keyId}", and SLUICE_ENCRYPTION_KEYS has ` +
            `${[...keys.keys()].map((id) => `"${id}"`).join(', ')}. Add that key behind the first one; after ` +
            '`npx sluice accounts rotate-keys` it is not needed any more.',
        );
      }
      try {
        const decipher = createDecipheriv(ALGORITHM, key, blob.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(boundTo, 'utf8'));
        decipher.setAuthTag(blob.subarray(blob.length - TAG_BYTES));
        const body = blob.subarray(NONCE_BYTES, blob.length - TAG_BYTES);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch {
        // The library's error says no more than this, and carries nothing that helps.
        throw new EncryptionKeyError(
          `Key "${keyId}" does not open the credentials of ${boundTo}: another key had this id when they were stored, ` +
            'or the row was changed by hand. Give every new key an id of its own in SLUICE_ENCRYPTION_KEYS.',
        );
      }
    },
  };
}

function parseKeys(text: string): Map<string, Buffer> {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0) throw new EncryptionKeyError(NO_ENCRYPTION_KEYS);
  const keys = new Map<string, Buffer>();
  const mistakes: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const [id = '', encoded = ''] = entry.split(/:(.*)/s);
    // An entry without a colon may be a bare key: it is named by its place, not by its text.
    const at = entry.includes(':') ? `entry ${index + 1} ("${id}")` : `entry ${index + 1}`;
    const key = Buffer.from(encoded, 'base64');
    if (!entry.includes(':')) mistakes.push(`${at}: expected \`id:key\``);
    else if (!/^[A-Za-z0-9._-]{1,40}$/.test(id))
      mistakes.push(`entry ${index + 1}: use up to 40 letters, digits, "." "_" "-" as id`);
    else if (keys.has(id)) mistakes.push(`${at}: two keys have this id`);
    else if (key.length !== KEY_BYTES)
      mistakes.push(`${at}: the key has ${key.length} bytes after base64; it must have ${KEY_BYTES}`);
    else keys.set(id, key);
  }
  if (mistakes.length > 0)
    throw new EncryptionKeyError(
      `SLUICE_ENCRYPTION_KEYS is wrong:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`,
    );
  return keys;
}
