/**
 * Numbers from outside as every store takes them: a header may hold any number of digits, and a database's integer does not.
 */

/** The number nearest to `value` from `least` to `most`; `least` for what is no number (NaN). */
export function bounded(value: number, least: number, most: number): number {
  return Number.isNaN(value) ? least : Math.min(most, Math.max(least, value));
}
