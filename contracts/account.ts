/**
 * Accounts as the app and its operators see them: whether the third party still lets us in, and since when. No secrets.
 * Next stop: `db/stores/account/account-store.ts` keeps them, `client/accounts.ts` shows them.
 */

/** `needs_reconnect`: the third party refused the credentials and their refresh; only the account's user can mend it. */
export type AccountStatus = 'connected' | 'needs_reconnect';

/** What functions of a provider may know of the account that they work for. */
export interface AccountFacts<Settings = unknown> {
  readonly account: string;
  readonly tenant: string;
  /** What the provider's schema of settings makes of those that the account was connected with; undefined without a schema. */
  readonly settings: Settings;
}

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
  /** Its settings as they were given; null when there are none. They are no secrets. */
  readonly settings: unknown;
}

/** The settings of an account do not fit the schema of its provider: nothing is called until they do. */
export class SettingsMistake extends TypeError {
  override readonly name = 'SettingsMistake';
}

/** One line of the audit: what one process did with the secrets of one account in one hour. */
export interface SecretUse {
  readonly provider: string;
  readonly account: string;
  /**
   * `connected`, `refreshed`, `disconnected`, `revoked`, `revocation-failed`; or what they were decrypted for: `call`, `refresh`,
   * `revoke`, `rotate`.
   */
  readonly what: string;
  /** Database role, name of the application, and its address as the database sees it. */
  readonly who: string;
  readonly times: number;
  /** ISO times of the first and the last one in that hour. Reads are written up to ten seconds later. */
  readonly firstAt: string;
  readonly lastAt: string;
}
