/**
 * The key service of an app that has none: its keys stand in `SLUICE_ENCRYPTION_KEYS`, and wrap by AES-256-GCM in this process.
 * Next: `encryption.ts`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyService } from '../contracts/secrets/key-service.ts';
import { EncryptionKeyError, NO_ENCRYPTION_KEYS } from './encryption-key-error.ts';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Reads `id:base64key,id2:base64key`: the first key encrypts, all decrypt.
 * @throws EncryptionKeyError that lists every entry that is wrong, by its place and id.
 */
export function createLocalKeyService(text: string): KeyService {
  const keys = parseKeys(text);
  const [currentKeyId, currentKey] = [...keys][0] as [string, Buffer];
  return {
    currentKeyId,
    wrap: (dataKey) => Promise.resolve(encrypt(currentKey, Buffer.from(dataKey), '')),
    unwrap: (wrapped, keyId) => {
      const key = keys.get(keyId);
      if (!key) {
        throw new EncryptionKeyError(
          `they are encrypted with key "${keyId}", and SLUICE_ENCRYPTION_KEYS has ` +
            `${[...keys.keys()].map((id) => `"${id}"`).join(', ')}. Add that key behind the first one; after ` +
            '`npx sluice accounts rotate-keys` it is not needed any more.',
        );
      }
      const dataKey = decrypt(key, Buffer.from(wrapped), '');
      if (!dataKey)
        throw new EncryptionKeyError(
          `key "${keyId}" of SLUICE_ENCRYPTION_KEYS is another one than had this id when they were stored. Give every new key ` +
            'an id of its own.',
        );
      return Promise.resolve(dataKey);
    },
  };
}

/** @returns nonce, ciphertext, tag. @param boundTo the same text is needed to decrypt. */
export function encrypt(key: Buffer, plain: Buffer, boundTo: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(boundTo, 'utf8'));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined when the key is another one, or anything was changed. */
export function decrypt(key: Buffer, blob: Buffer, boundTo: string): Buffer | undefined {
  try {
    const decipher = createDecipheriv(ALGORITHM, key, blob.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(boundTo, 'utf8'));
    decipher.setAuthTag(blob.subarray(blob.length - TAG_BYTES));
    return Buffer.concat([decipher.update(blob.subarray(NONCE_BYTES, blob.length - TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined; // the library's error says no more than this
  }
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
