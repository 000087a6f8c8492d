/**
 * What a source of credentials may answer instead of credentials. Next: `credentials.ts` acts on it.
 */

/**
 * Only the account's user can mend it, by connecting the account again: the refresh was refused, or there is none.
 * Never retried; the syncs of the account pause until `accounts.reconnected()`.
 */
export class NeedsReconnect extends Error {
  override readonly name = 'NeedsReconnect';
}

/** Somebody is refreshing them, or a refresh has just failed. Not an attempt: the call comes back later. */
export class CredentialsBusy extends Error {
  override readonly name = 'CredentialsBusy';
  /** Milliseconds, ≥ 0. */
  readonly retryAfterMs: number;
  /** What was refused was new. That costs attempts, so that a third party that refuses every token ends a list and not in a loop. */
  readonly wasNew: boolean;

  constructor(reason: string, retryAfterMs: number, { wasNew = false }: { readonly wasNew?: boolean } = {}) {
    super(reason);
    this.retryAfterMs = Math.max(0, retryAfterMs);
    this.wasNew = wasNew;
  }
}

/**
 * No retry mends it, and no user. A setting is missing, the code of the provider's auth throws, or the third party
 * refuses the app itself. What needs the credentials ends as failed, kind `config`, with this message; the account
 * stays connected.
 */
export class CredentialsMistake extends Error {
  override readonly name = 'CredentialsMistake';
}
