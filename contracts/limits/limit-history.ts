/** How one limit was used over time, and what happened to it. Read by `db/stores/limit/limit-history-store.ts`. */

/** The last hour by the minute, the last day by the quarter of an hour, the last 90 days by six hours. */
export type HistorySpan = 'hour' | 'day' | 'quarter';

export interface LimitSlot {
  /** ISO time at which it begins. */
  readonly at: string;
  readonly calls: number;
  /** Of these, those that the third party refused because of this limit. */
  readonly refused: number;
  /** Calls that waited for it, at the most. */
  readonly waiting: number;
  /** Units of the window that were used, or calls in flight, at the most; null: nothing was noted. */
  readonly used: number | null;
  /** The limit in force at the end of the slot. */
  readonly max: number | null;
  /** Calls a second that were given out at its end: what was learned, of a learned limit. */
  readonly ratePerSecond: number | null;
}

/** `override` an operator's numbers came or went · `held` it was paused, blocked or let go · `learned` a law changed it · `deploy` another build of the workers began. */
export type MarkKind = 'override' | 'held' | 'learned' | 'deploy';

export interface LimitMark {
  /** ISO time. */
  readonly at: string;
  readonly kind: MarkKind;
  readonly text: string;
}

export interface LimitHistory {
  readonly stepMs: number;
  /** Oldest first, without gaps. */
  readonly slots: readonly LimitSlot[];
  /** Oldest first. What answers and laws did is known of the last 7 days, what operators did of all of them. */
  readonly marks: readonly LimitMark[];
}
