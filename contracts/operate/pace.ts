/** How much all workers do: now, and over time. Read by `db/stores/operate/pace-store.ts`. */

export interface Done {
  /** Calls to third parties that were answered or broke off. */
  readonly calls: number;
  /** Of these, those that a limit has refused. */
  readonly refused: number;
  /** Rows that came and were stored. */
  readonly rows: number;
}

/** The last hour by the minute, the last day by the quarter of an hour, the last 90 days by the day. */
export type PaceSpan = 'hour' | 'day' | 'quarter';

export interface Pace {
  /** Over the last one to two minutes; workers tell what they did every five seconds. */
  readonly callsPerSecond: number;
  readonly refusalsPerSecond: number;
  readonly rowsPerSecond: number;
  /** Oldest first, without gaps. `at` is the ISO time at which a slot begins. */
  readonly slots: readonly (Done & { readonly at: string })[];
}
