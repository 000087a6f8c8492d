/** How everything stands, in numbers: for metrics, and for a page. Read by `db/stores/operate/overview-store.ts`. */

import type { AlertKind } from '../alerts/alert.ts';

/** Upper ends of the classes of ages, in seconds: 5 and 15 minutes, 1, 2, 6 and 12 hours, 1, 2 and 7 days. What is older is one more. */
export const AGE_BOUNDS_SECONDS: readonly number[] = [300, 900, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800];

export interface Overview {
  /** Accounts by state. */
  readonly accounts: Readonly<Record<'connected' | 'needs_reconnect', number>>;
  /** Runs that have not ended; `needs_reconnect` are those that are paused for their account. */
  readonly runs: Readonly<Record<'running' | 'paused' | 'needs_reconnect', number>>;
  /** For each sync and each class of ages: accounts whose last good run ended so long ago. Without a good run: since its first start. */
  readonly ages: readonly {
    readonly sync: string;
    readonly accounts: number;
    /** Of these, in milliseconds. */
    readonly averageMs: number;
  }[];
  /** For each limit of a provider, over all of its keys. */
  readonly limits: readonly {
    /** `provider/limit`. */
    readonly keyClass: string;
    readonly keys: number;
    readonly waiting: number;
    readonly blocked: number;
    readonly paused: number;
    /** Calls a second that a key of it gives out on average; null where calls are counted in windows. */
    readonly ratePerSecond: number | null;
  }[];
  /** Open alerts by kind. */
  readonly alerts: Readonly<Record<AlertKind, number>>;
  /** Alerts that `onAlert` or the webhook did not take so far. */
  readonly alertsUntold: number;
  /** Failures that the app was told of in vain so far: its `onFailure` threw. */
  readonly untold: number;
}
