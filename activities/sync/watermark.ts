/**
 * How far a list is known: the highest value that its rows have brought, kept for each parent when the list was read to its
 * end, and taken back by the look-back when the next run asks for what changed since. Pure.
 * Next stop: `db/stores/sync/unit-store.ts` keeps it with the unit, `sluice.settle_lists` with the parent.
 */
import type { Incremental } from '../../providers/define/define-sync.ts';

type Mark = string | number;

const EPOCH_MS_FROM = 1e11;
const EPOCH_S_FROM = 1e8;

/** The highest mark of some items and the one before them; null when none has one. */
export function highestMark(
  incremental: Incremental<unknown> | undefined,
  items: readonly unknown[],
  before: Mark | null,
): Mark | null {
  if (!incremental) return null;
  let highest = before;
  for (const item of items) {
    const mark = normalised(incremental.field(item));
    if (mark !== null && (highest === null || isAfter(mark, highest))) highest = mark;
  }
  return highest;
}

/**
 * What to ask from: the mark less the look-back. Numbers from 1e11 on are taken for epoch milliseconds, from 1e8 on for
 * epoch seconds; smaller ones are ids, from which nothing is taken.
 */
export function askFrom(mark: Mark, lookbackMs: number): string {
  if (typeof mark === 'number') {
    const back = mark >= EPOCH_MS_FROM ? lookbackMs : mark >= EPOCH_S_FROM ? Math.ceil(lookbackMs / 1_000) : 0;
    return String(mark - back);
  }
  const time = timeOf(mark);
  return time === undefined ? mark : new Date(time - lookbackMs).toISOString();
}

/** Times are compared as times, whatever zone and precision they are written in. */
function normalised(mark: Mark | null | undefined): Mark | null {
  if (mark === null || mark === undefined || mark === '' || Number.isNaN(mark)) return null;
  const time = typeof mark === 'string' ? timeOf(mark) : undefined;
  return time === undefined ? mark : new Date(time).toISOString();
}

function timeOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d([T ]|$)/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

function isAfter(a: Mark, b: Mark): boolean {
  return typeof a === 'number' && typeof b === 'number' ? a > b : String(a) > String(b);
}
