/**
 * Secrets at rest: AES-256-GCM under a data key that a key service has wrapped. It is bound to the account and to the
 * one version of its secrets. So a row that was copied to another account, or put back from an earlier time, does not
 * open. Sources: NIST SP 800-38D (GCM; a random 96-bit nonce is good for 2^32 writes with one key).
 * Next: `local-key-service.ts`, `stores/account/credential-store.ts`.
 */
import { randomBytes } from 'node:crypto';
import type { KeyService } from '../contracts/secrets/key-service.ts';
import { redact } from '../contracts/secrets/redact.ts';
import { keepLatest } from '../contracts/values/keep-latest.ts';
import { EncryptionKeyError } from './encryption-key-error.ts';
import { createLocalKeyService, decrypt, encrypt } from './local-key-service.ts';

export interface Sealed {
  readonly keyId: string;
  /** Format, the wrapped data key with its length, nonce, ciphertext, tag. */
  readonly blob: Buffer;
}

/** Whose secret it is, and which of all that this account ever had. */
export interface SecretBinding {
  readonly provider: string;
  readonly account: string;
  /** Another one whenever the account is connected after it was disconnected. */
  readonly generation: number;
  /** Raised by every change of the secrets. */
  readonly version: number;
}

/** What a secret is decrypted for. */
export type SecretPurpose = 'call' | 'refresh' | 'revoke' | 'rotate';

export interface Keyring {
  /** Id of the key that wraps new data keys. */
  readonly currentKeyId: string;
  /** Draws a data key when there is none: after this, sealing needs no key service. @throws EncryptionKeyError */
  ready(): Promise<void>;
  /** @throws EncryptionKeyError when there is no data key and the key service gives none. */
  seal(text: string, of: SecretBinding): Promise<Sealed>;
  /** Unwraps the data key of a secret, and nothing of the secret itself. @throws Error when the key is not known, or is another one. */
  unwrap(sealed: Sealed): Promise<void>;
  /** @throws EncryptionKeyError when the key is not known or does not open it. */
  open(sealed: Sealed, of: SecretBinding, purpose: SecretPurpose): Promise<string>;
}

export interface KeyringOptions {
  /** Told of every secret that was decrypted, for the audit. */
  readonly onOpen?: (of: SecretBinding, purpose: SecretPurpose) => void;
}

const FORMAT = 1;
const HEADER_BYTES = 3;
const DATA_KEY_BYTES = 32;
const DATA_KEY_LIFE_MS = 3_600_000;
/** An old data key does where the key service is away. */
const DATA_KEY_MOST_MS = 24 * DATA_KEY_LIFE_MS;
const REMEMBERED_MS = 600_000;
const MOST_REMEMBERED = 1_000;

/** Where the wrapped data key ends. */
const endOfKey = (blob: Buffer): number => HEADER_BYTES + (blob.length < HEADER_BYTES ? 0 : blob.readUInt16BE(1));

/** @param keys `id:base64key,…` as in `SLUICE_ENCRYPTION_KEYS`, or a service that has them. @throws EncryptionKeyError */
export function createKeyring(keys: string | KeyService, { onOpen }: KeyringOptions = {}): Keyring {
  const service = typeof keys === 'string' ? createLocalKeyService(keys) : keys;
  let current:
    { readonly key: Buffer; readonly wrapped: Buffer; readonly keyId: string; readonly at: number } | undefined;
  const remembered = new Map<string, { readonly key: Buffer; readonly until: number }>();

  const remember = (name: string, key: Buffer): Buffer => {
    keepLatest(remembered, name, { key, until: performance.now() + REMEMBERED_MS }, MOST_REMEMBERED);
    return key;
  };
  const dataKey = async () => {
    const ageMs = current === undefined ? Infinity : performance.now() - current.at;
    if (current !== undefined && ageMs < DATA_KEY_LIFE_MS && current.keyId === service.currentKeyId) return current;
    try {
      const key = randomBytes(DATA_KEY_BYTES);
      const keyId = service.currentKeyId;
      const wrapped = Buffer.from(await service.wrap(key));
      remember(nameOf(keyId, wrapped), key);
      return (current = { key, wrapped, keyId, at: performance.now() });
    } catch (error) {
      if (current !== undefined && ageMs < DATA_KEY_MOST_MS) return current;
      throw new EncryptionKeyError(`The key service could not wrap a data key: ${messageOf(error)}`);
    }
  };
  const unwrapped = async (wrapped: Buffer, keyId: string): Promise<Buffer> => {
    const name = nameOf(keyId, wrapped);
    const known = remembered.get(name);
    if (known && known.until > performance.now()) return known.key;
    return remember(name, Buffer.from(await service.unwrap(wrapped, keyId)));
  };

  return {
    get currentKeyId() {
      return service.currentKeyId;
    },
    ready: async () => void (await dataKey()),
    seal: async (text, of) => {
      const { key, wrapped, keyId } = await dataKey();
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt8(FORMAT, 0);
      header.writeUInt16BE(wrapped.length, 1);
      return { keyId, blob: Buffer.concat([header, wrapped, encrypt(key, Buffer.from(text, 'utf8'), textOf(of))]) };
    },
    unwrap: async ({ keyId, blob }) => void (await unwrapped(blob.subarray(HEADER_BYTES, endOfKey(blob)), keyId)),
    open: async ({ keyId, blob }, of, purpose) => {
      const end = endOfKey(blob);
      const key = await unwrapped(blob.subarray(HEADER_BYTES, end), keyId).catch((error: unknown) => {
        throw new EncryptionKeyError(
          `The credentials of ${of.provider}/${of.account} can't be decrypted: ${messageOf(error)}`,
        );
      });
      const text = decrypt(key, blob.subarray(end), textOf(of))?.toString('utf8');
      if (text === undefined)
        throw new EncryptionKeyError(
          `The stored credentials of ${of.provider}/${of.account} are not those that were stored for it last. The row was changed by ` +
            'hand, copied from another account, or put back from an earlier time. Connect the account again.',
        );
      onOpen?.(of, purpose);
      return text;
    },
  };
}

function textOf({ provider, account, generation, version }: SecretBinding): string {
  return JSON.stringify([provider, account, generation, version]);
}

function nameOf(keyId: string, wrapped: Buffer): string {
  return `${keyId}/${wrapped.toString('base64')}`;
}

function messageOf(error: unknown): string {
  return redact(error instanceof Error ? error.message : String(error)).slice(0, 500);
}
