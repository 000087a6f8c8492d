/**
 * What somebody must know: a row that is fired once and cleared once. Found by `client/alerts/look-for-alerts.ts`, told by
 * `workers/alerts/deliver-alerts.ts`; docs/operate/alerts.md has a section for each kind.
 */

/**
 * `stale`: the last good run of an account is older than `freshFor` of its sync · `needs-reconnect`: an account must be connected
 * again · `blocked`: a limit is blocked or paused for long · `provider-fails`: the breaker of a third party is open · `flaws`: too many
 * lists of a sync are not read to their end · `unserved`: no worker serves a task queue · `drift`: the schedules in force are not those of
 * the workers' code.
 */
export type AlertKind = 'stale' | 'needs-reconnect' | 'blocked' | 'provider-fails' | 'flaws' | 'unserved' | 'drift';

export const ALERT_KINDS: readonly AlertKind[] = [
  'stale',
  'needs-reconnect',
  'blocked',
  'provider-fails',
  'flaws',
  'unserved',
  'drift',
];

export interface Alert {
  readonly id: string;
  readonly kind: AlertKind;
  /** What it is about; of a kind and a subject one is open at a time. Several at once have one alert together: `network/*`. */
  readonly subject: string;
  /** Of the account that it is about; null: of none, or of several. */
  readonly tenant: string | null;
  /** What was found, and what to do; changes with what is found while it is open. */
  readonly text: string;
  /** The same in parts, for programs. */
  readonly details: Readonly<Record<string, string | number | null>>;
  /** ISO time. */
  readonly firedAt: string;
  /** ISO time; null while it is open. */
  readonly clearedAt: string | null;
}

/** What `onAlert` and the webhook are told: at least once each, those of one alert in order. */
export interface AlertEvent {
  readonly type: 'alert.fired' | 'alert.cleared';
  /** The same for every try of the same event, and the `webhook-id`. */
  readonly id: string;
  /** ISO time at which it was fired or cleared. */
  readonly timestamp: string;
  readonly alert: Alert;
}

/** When something is an alert. */
export interface AlertRules {
  /** A limit is blocked, or paused by an operator, for longer than this, in milliseconds. Default an hour. */
  readonly blockedAfterMs?: number;
  /** A breaker is open for longer than this, in milliseconds. Default 5 minutes. */
  readonly failingAfterMs?: number;
  /** More than this share of the lists of a sync's last runs are not read to their end, 0 … 1. Default 0.2. */
  readonly flawShare?: number;
  /** No canary has passed through a task queue for so long, in milliseconds, ≥ 5,000. Default 3 minutes. */
  readonly unservedAfterMs?: number;
  /** Schedules in force have differed from the workers' code for longer than this, in milliseconds: a roll-out is none. Default 10 minutes. */
  readonly driftAfterMs?: number;
}

export const ALERT_DEFAULTS = {
  blockedAfterMs: 3_600_000,
  failingAfterMs: 300_000,
  flawShare: 0.2,
  unservedAfterMs: 180_000,
  driftAfterMs: 600_000,
} satisfies AlertRules;

/** Something that is so now. */
export interface Condition {
  /** It is one of many that have an alert together: an open one stays, and no new one is fired. Default false. */
  readonly isOneOfMany?: boolean;
  readonly subject: string;
  readonly tenant: string | null;
  readonly text: string;
  readonly details: Alert['details'];
}

/** How old the rows of a sync are, account by account. */
export interface Freshness {
  readonly sync: string;
  readonly provider: string;
  readonly freshForMs: number;
  /** Connected accounts that the sync is scheduled for, or has run for. */
  readonly accounts: number;
  /** Of these, with an older last good run, or with none for so long since they were connected. */
  readonly stale: number;
  /** Of all, in milliseconds; null without accounts. */
  readonly oldestMs: number | null;
  /** A schedule of the sync that is paused; null: none is. */
  readonly paused: string | null;
  /** The stalest first. */
  readonly stalest: readonly StaleAccount[];
}

export interface StaleAccount {
  readonly account: string;
  readonly tenant: string | null;
  /** Since the last good run, else since it was connected. */
  readonly ageMs: number;
  /** ISO time of the end of the last run that read every list to its end; null: there was none. */
  readonly lastGoodAt: string | null;
  /** Of the newest run; null: there was none. */
  readonly state: 'running' | 'paused' | 'done' | 'incomplete' | 'failed' | 'cancelled' | null;
}
