/**
 * Where the keys are kept that encrypt secrets, when that is not the environment: a key management service, an HSM. It sees data keys
 * only, never a secret: each process draws data keys, has them wrapped here, and encrypts by itself (envelope encryption).
 * Next: `db/encryption.ts`; `db/local-key-service.ts` is the one for `SLUICE_ENCRYPTION_KEYS`.
 */
export interface KeyService {
  /**
   * Id of the key that wraps now, at most 200 characters. It is stored beside what it has wrapped; `accounts.rotateKeys()` wraps anew
   * what another one has wrapped.
   */
  readonly currentKeyId: string;
  /** Encrypts a data key of 32 bytes with the current key. Asked about once an hour by a process that stores secrets. */
  wrap(dataKey: Uint8Array): Promise<Uint8Array>;
  /**
   * Decrypts a data key. What it gives is kept in memory for ten minutes.
   * @throws Error when that key is not known, or refuses: the calls of the account wait, and its message says why.
   */
  unwrap(wrapped: Uint8Array, keyId: string): Promise<Uint8Array>;
}
