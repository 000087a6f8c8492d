/**
 * Accounts as the app and its operators see them: whether the third party still lets us in, and since when. No secrets.
 * Next: `db/stores/account/account-store.ts` keeps them, `client/account/accounts.ts` shows them.
 */

import type { RunMode, RunState } from './run.ts';

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

/** An account as a list has it. */
export interface ListedAccount extends AccountInfo {
  /** Keep it, and pass it as `after` to continue behind this account. */
  readonly place: string;
}

/** The settings of an account do not fit the schema of its provider: nothing is called until they do. */
export class SettingsMistake extends TypeError {
  override readonly name = 'SettingsMistake';
}

/** One account at one provider, for the person who is asked why it has no news. */
export interface AccountDetails {
  readonly account: string;
  readonly provider: string;
  readonly tenant: string | null;
  /** `none`: it was never connected, or was disconnected; syncs of providers without credentials need no connection. */
  readonly status: AccountStatus | 'none';
  /** Why it must be connected again; else null. */
  readonly reason: string | null;
  /** ISO time of the last change of status; null with `none`. */
  readonly since: string | null;
  /** The access token that Sluice keeps; null when it keeps no credentials. */
  readonly token: TokenState | null;
  /** Keys of the limits that its calls wait for now, as `sluice limits` shows them. */
  readonly keys: readonly string[];
  /** What its runs, actions and sagas wait for, as `waits()` says it; each text begins with the name of its workflow. */
  readonly waits: readonly { readonly workflowId: string; readonly text: string }[];
  /** By name. */
  readonly syncs: readonly AccountSync[];
  /** Syncs that have not run for it yet, and the ISO time at which their schedule first starts one. */
  readonly scheduled: readonly { readonly sync: string; readonly nextRunAt: string }[];
}

/** The token that there is something to say of: one that is not taken any more is neither valid nor refreshed. */
export function liveToken({ status, token }: Pick<AccountDetails, 'status' | 'token'>): TokenState | null {
  return status === 'needs_reconnect' && token?.state !== 'refresh-fails' ? null : token;
}

/** Of `none`. */
export const NO_TOKEN = 'calls go by the other credentials, or get one by them';
/** Of an account that is connected without credentials. */
export const NO_CREDENTIALS =
  'no credentials were ever given, as is right where the provider needs none or the app keeps them itself';

export interface TokenState {
  /**
   * `none`: the credentials hold no access token; calls go by the others, or get one by them · `ended`: it is refreshed with the next
   * call · `refresh-fails`: no answer to the last refreshes, they are tried again.
   */
  readonly state: 'valid' | 'none' | 'ended' | 'refresh-fails';
  /** ISO time at which it ends; null when nobody said so. */
  readonly endsAt: string | null;
  /** ISO time at which it was issued. */
  readonly issuedAt: string;
  /** Refreshes in a row that failed without an answer to the question, and what the last one said. */
  readonly failures: number;
  readonly failure: string | null;
  /** ISO time before which no refresh is tried again; null: at once. */
  readonly retryAt: string | null;
}

/** The runs of one sync for one account. */
export interface AccountSync {
  readonly sync: string;
  readonly workflowId: string;
  /** The newest run. */
  readonly runId: string;
  readonly state: RunState;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** The last run that read every list to its end; null: there was none. */
  readonly lastGood: { readonly runId: string; readonly mode: RunMode; readonly endedAt: string } | null;
  /** Milliseconds since the end of the last good run, by the database's clock; null: there was none. */
  readonly ageMs: number | null;
  /**
   * ISO time of the next start. It follows the sync's own schedule, or a Temporal schedule that has the search
   * attributes of this sync and account. Null: none is known.
   */
  readonly nextRunAt: string | null;
  /** Lists of the newest run that did not end `complete`. */
  readonly flaws: number;
  /** Rows of this sync in quarantine. */
  readonly quarantined: number;
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
