/**
 * How long rows are kept that nothing needs any more, in days. Checked here; next: `workers/loops/remove-old.ts` removes what is older.
 */

/** Each a whole number of days, ≥ 1, or `Infinity`: kept for ever. */
export interface Retention {
  /**
   * Ended runs with their nodes and lists. Kept longer, whatever their age: the newest run of a sync and account, the
   * last good one of each mode, and what a retry reads. Also lists that later runs still have to read, and runs with
   * rows in quarantine. Default 90.
   */
  readonly runDays?: number;
  /** Ended reports, what became of telling the app of them, and inputs, outputs and keys of ended actions and sagas. Default 90. */
  readonly reportDays?: number;
  /** Who did what. Default 400: who audits looks back a year. */
  readonly auditDays?: number;
  /** Which secret was used when, and for what. Default 400. */
  readonly secretUseDays?: number;
  /** Cleared alerts, and their deliveries. Default 90. */
  readonly alertDays?: number;
  /** Rows in quarantine that did not come again. Default 90. */
  readonly quarantineDays?: number;
  /**
   * Deletions in the change feed: the last version of a row that the third party does not have any more. A reader that was away for longer,
   * and has missed one, gets `CursorLost`, and reads from the beginning. Default 90.
   */
  readonly deletionDays?: number;
}

const RETENTION_DEFAULTS = {
  runDays: 90,
  reportDays: 90,
  auditDays: 400,
  secretUseDays: 400,
  alertDays: 90,
  quarantineDays: 90,
  deletionDays: 90,
} as const satisfies Required<Retention>;

/** @throws TypeError that names every field that is wrong. */
export function checkedRetention(given: Retention = {}): Required<Retention> {
  const set = Object.entries(given).filter(([, days]) => days !== undefined);
  const mistakes = set.flatMap(([name, days]: [string, unknown]) => {
    if (!Object.hasOwn(RETENTION_DEFAULTS, name))
      return `\`${name}\` is not known; there are ${Object.keys(RETENTION_DEFAULTS).join(', ')}`;
    const isDays =
      days === Infinity || (Number.isInteger(days) && (days as number) >= 1 && (days as number) <= 100_000);
    return isDays
      ? []
      : `\`${name}\` is ${JSON.stringify(days) ?? String(days)}; it must be whole days, 1 or more, or Infinity`;
  });
  if (mistakes.length > 0) throw new TypeError(`\`retention\` is wrong: ${mistakes.join('; ')}.`);
  return { ...RETENTION_DEFAULTS, ...Object.fromEntries(set) };
}

/** Rows removed, by table. */
export type Removed = Readonly<Record<string, number>>;
