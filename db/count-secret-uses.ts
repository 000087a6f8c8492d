/**
 * Counts the secrets that this process decrypts, for the audit: a call a millisecond must not be a row a millisecond.
 * Next: `stores/account/secret-use-store.ts` writes them down.
 */
import type { KeyringOptions } from './encryption.ts';
import type { CountedUse } from './stores/account/secret-use-store.ts';
import { createTellOnce, type Telling } from './told-once.ts';

export interface SecretUseCounter {
  readonly onOpen: NonNullable<KeyringOptions['onOpen']>;
  /** What was counted since the last time. @param write is told of it; when it fails, it is told the same again. */
  flush(write: (uses: readonly CountedUse[], telling: Telling) => Promise<void>): Promise<void>;
}

export function createSecretUseCounter(): SecretUseCounter {
  let counted = new Map<string, CountedUse>();
  const take = (): CountedUse[] | undefined => {
    if (counted.size === 0) return undefined;
    const uses = [...counted.values()];
    counted = new Map();
    return uses;
  };
  return {
    onOpen: ({ provider, account }, purpose) => {
      const key = JSON.stringify([provider, account, purpose]);
      counted.set(key, { provider, account, what: purpose, times: 1 + (counted.get(key)?.times ?? 0) });
    },
    flush: createTellOnce(take),
  };
}
