/**
 * What a source of credentials may answer instead of credentials. Next stop: `credentials.ts` acts on it.
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

  constructor(reason: string, retryAfterMs: number) {
    super(reason);
    this.retryAfterMs = Math.max(0, retryAfterMs);
  }
}
