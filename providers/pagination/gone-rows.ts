/**
 * How many rows of a list say that they are gone. A third party counts them, and none of them is stored: the store takes them from the
 * total. Where a row may be counted twice it is not counted: a list that is short must not look whole. Pure.
 * Used by: `activities/page/store-page.ts`.
 */
import { nameOf } from './loop-guard.ts';
import { cellOf } from './page-request.ts';
import type { ListState, Step } from './step.ts';

interface Row {
  readonly key: string;
  readonly isGone?: boolean;
}

/** @param rows of the page, in order. @returns the step, with the gone rows of this reading in its guard. */
export function withGone(at: ListState, next: Step, rows: readonly Row[]): Step {
  const before = Number(at.guard?.['gone'] ?? 0);
  const gone = goneAfter(at, next, before, goneHere(at, next, rows), rows.length);
  const { gone: _, ...guard } = next.guard;
  return { ...next, guard: gone === 0 ? guard : { ...guard, gone } };
}

/** Each key once, as its last row has it. */
function goneHere(at: ListState, next: Step, rows: readonly Row[]): number {
  // Nearly every page.
  if (!rows.some(({ isGone }) => isGone)) return 0;
  const from = firstNew(at, next, rows);
  const last = new Map(rows.map(({ key }, index) => [key, index]));
  return rows.filter(({ key, isGone }, index) => index >= from && isGone && last.get(key) === index).length;
}

function goneAfter(at: ListState, next: Step, before: number, here: number, itemCount: number): number {
  // It begins again.
  if (!next.end && next.position?.pass !== at.position?.pass) return 0;
  if (!next.guard['apart'] || at.guard?.['apart'] || next.end) return before + here;
  // Pages of this list can't overlap, as this one has shown: it is read on from the last border, by whole pages.
  const { index = 0, size = 0 } = next.position ?? {};
  const { borderAt = 0, border = [] } = at.position ?? {};
  if (index * size === borderAt + border.length) return before;
  return index * size === at.asked.offset + itemCount ? before + here : 0;
}

/** Where the rows begin that no page before has brought. */
function firstNew(
  { position, asked, isLaned, guard }: ListState,
  { skip, isQuietEnd }: Step,
  rows: readonly { readonly key: string }[],
) {
  // Behind the total, some third parties give their last page again.
  if (position?.again !== undefined || isQuietEnd || guard?.['again'] === 1) return rows.length;
  if (isLaned) {
    const { done, grid, stride } = cellOf(position, asked.size);
    return done > 0 ? 0 : grid - stride;
  }
  const { border = [] } = position ?? {};
  if (border.length === 0) return skip;
  const found = rows.findLastIndex(({ key }) => border.includes(nameOf(key)));
  // The border is gone itself: this page is read again from farther ahead.
  return found < 0 ? rows.length : found + 1;
}
