/**
 * Counts the secrets that this process decrypts, for the audit: a call a millisecond must not be a row a millisecond.
 * Next: `stores/account/secret-use-store.ts` writes them down.
 */
import type { KeyringOptions } from './encryption.ts';
import type { CountedUse } from './stores/account/secret-use-store.ts';

export interface SecretUseCounter {
  readonly onOpen: NonNullable<KeyringOptions['onOpen']>;
  /** What was counted since the last time. @param write is told of it; when it fails, it is counted again. */
  flush(write: (uses: readonly CountedUse[]) => Promise<void>): Promise<void>;
}

export function createSecretUseCounter(): SecretUseCounter {
  let counted = new Map<string, CountedUse>();
  const add = ({ provider, account, what, times }: CountedUse): void => {
    const key = JSON.stringify([provider, account, what]);
    counted.set(key, { provider, account, what, times: times + (counted.get(key)?.times ?? 0) });
  };
  return {
    onOpen: ({ provider, account }, purpose) => add({ provider, account, what: purpose, times: 1 }),
    flush: async (write) => {
      if (counted.size === 0) return;
      const uses = [...counted.values()];
      counted = new Map();
      try {
        await write(uses);
      } catch (error) {
        uses.forEach(add);
        throw error;
      }
    },
  };
}
