/**
 * Lists that come newest first, and end where everything behind is known. Known is what lies below the mark up to which
 * an earlier run has read the whole list. A stored row is not known for that. Behind one that an unfinished run has
 * stored, or that has moved up, there may be new ones. One such row shows nothing (a pinned one stands at the top for
 * years); a stretch of them, in order, does. Pure.
 * Used by: `activities/page/store-page.ts`.
 */
import type { ListMemory } from '../../contracts/list.ts';
import { isNumbered, type Pagination } from './pagination.ts';
import { COMPLETE, step, type ListState, type Step } from './step.ts';

/** Rows one after another, each below the mark and none newer than the one before, behind which a list is not read any further. */
const KNOWN_ROWS = 20;

export interface Stretch {
  readonly memory: ListMemory;
  readonly isLongEnough: boolean;
}

/**
 * @param marks how new each row of the page is, in its order; null where it does not tell.
 * @param isBelow whether a mark lies below what is known. @param isAfter whether one is newer than another.
 */
export function stretchOfKnown<Mark extends string | number>(
  guard: ListMemory | null,
  marks: readonly (Mark | null)[],
  isBelow: (mark: Mark) => boolean,
  isAfter: (a: Mark, b: Mark) => boolean,
): Stretch {
  let count = Number(guard?.['known'] ?? 0);
  let last = guard?.['known.last'] as Mark | undefined;
  for (const mark of marks) {
    const isKnown = mark !== null && isBelow(mark);
    const isInOrder = mark !== null && last !== undefined && !isAfter(mark, last);
    count = isKnown ? (count > 0 && isInOrder ? count + 1 : 1) : 0;
    last = mark ?? undefined;
  }
  const memory = { known: count, ...(last === undefined ? {} : { 'known.last': last }) };
  return { memory, isLongEnough: count >= KNOWN_ROWS };
}

/** The step of a list that may end so: what counts all rows of it says nothing here. */
export function endAtKnown(p: Pagination, at: ListState, next: Step, { memory, isLongEnough }: Stretch): Step {
  const goesOn = { ...next, guard: { ...next.guard, ...memory }, total: null };
  if (!isLongEnough || next.end || next.split || next.position === null || !isJoined(p, at, next)) return goesOn;
  const { guard, skip, isReread } = goesOn;
  return step(at, { guard, skip, isReread, end: COMPLETE });
}

/** Nothing has slipped between the pages up to here. Pages by number that do not overlap show that at the end of the list alone. */
function isJoined(p: Pagination, at: ListState, { position }: Step): boolean {
  const { counted, offset, backs = 0, pass, again } = position ?? {};
  const isPlaced = isNumbered(p) || (counted !== undefined && offset !== undefined);
  if (!isPlaced || at.pages === 0) return true;
  return offset !== undefined && offset > at.asked.offset && backs === 0 && pass === undefined && again === undefined;
}
