/**
 * Accounts as the app and its operators see them: whether the third party still lets us in, and since when. No secrets.
 * Next stop: `db/stores/account/account-store.ts` keeps them, `client/accounts.ts` shows them.
 */

/** `needs_reconnect`: the third party refused the credentials and their refresh; only the account's user can mend it. */
export type AccountStatus = 'connected' | 'needs_reconnect';

export interface AccountInfo {
  readonly provider: string;
  readonly account: string;
  readonly tenant: string | null;
  readonly status: AccountStatus;
  /** Why it must be connected again; null while it is connected. */
  readonly reason: string | null;
  /** ISO time of the last change of status. */
  readonly since: string;
  /** ISO time at which the access token ends; null when it is not known or the app keeps the secrets itself. */
  readonly expiresAt: string | null;
}
