/** What is said when secrets can't be encrypted or decrypted. Used by: `encryption.ts`, `local-key-service.ts`. */

/** The operator's keys are missing, malformed, or others than those that encrypted. Never holds key material. */
export class EncryptionKeyError extends Error {
  override readonly name = 'EncryptionKeyError';
}

/** What to do when there are no keys at all. */
export const NO_ENCRYPTION_KEYS =
  'There is no key to encrypt credentials with. Set SLUICE_ENCRYPTION_KEYS to `id:key`, the key being 32 random bytes ' +
  'in base64, in the app and in every worker: echo "k1:$(openssl rand -base64 32)". `npx sluice dev` makes one for ' +
  'development by itself.';
