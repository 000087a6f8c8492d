/**
 * Lists by page number or offset that several lanes walk: after the first page each lane takes page after page from a shared board.
 * Pages of offsets overlap by a row, unless the definition says that they do not; the board compares the borders. A page that came short, or was asked for in smaller bites, is
 * finished before its lane takes another one. Pure.
 * Used by: `numbered-walk.ts`. Next: `db/functions/pages/advance-lane.sql` keeps the board.
 */
import type { EndChecks, LaneMove, LaneStart, Position } from '../../../contracts/list.ts';
import { endSeen, saysMore, totalOf, type Total } from '../end-seen.ts';
import { againFrom, isProbed, noteProbe, probeIn } from '../list-end.ts';
import { memoryOf, nameOf, watchForLoop, type Memory } from '../loop-guard.ts';
import { cellOf } from '../page-request.ts';
import type { Pagination } from '../pagination.ts';
import { cappedEnd, isAtStatedCap, isTooLong, suspiciousCounts, type EndSeen } from '../result-cap.ts';
import { COMPLETE, step, type ListState, type PageAnswer, type Step } from '../step.ts';

/**
 * Rows at the end of one page that the next one begins with. Page numbers can't overlap side by side, and pages of three rows would
 * bring hardly anything else.
 */
function overlapOf(p: Pagination, grid: number): number {
  return mayOverlap(p) && p.advanceBy === 'rows' && grid > 3 ? 1 : 0;
}

const mayOverlap = ({ kind, overlap }: Pagination): boolean => kind === 'offset' && overlap > 0;

/**
 * Lanes for the rest of the list, when its first page shows how the server cuts it and that more than a page is left.
 * @returns undefined when it is to be read in order.
 */
export function startLanes(p: Pagination, at: ListState, page: PageAnswer): Step | undefined {
  const memory = memoryOf(at.guard);
  const { told, exact } = totalOf(p, at, page, memory);
  const { itemCount, keys } = page;
  const isFull = itemCount >= at.asked.size;
  // Pages that do not overlap would not show without a total that the list has moved.
  const isSafe = mayOverlap(p) || exact !== undefined || !p.guards['moved-rows'];
  if (!isSafe || itemCount === 0 || !(isFull || (told !== undefined && told > itemCount))) return undefined;
  if (endSeen(p, at, page, memory, false)) return undefined;
  const grid = itemCount;
  const overlap = overlapOf(p, grid);
  const stride = grid - overlap;
  const planned = isTooLong(p, told) ? Number(p.resultCap) : exact;
  const plannedEnd = planned === undefined ? null : pagesOf(planned, stride, overlap);
  // One page more than a mere estimate says: some lane must see the end.
  const expected = plannedEnd ?? (told === undefined ? undefined : pagesOf(told, stride, overlap) + 1);
  const lanes = Math.min(p.lanes, expected === undefined ? p.lanes : expected - 1);
  if (lanes < 2) return undefined;
  if (isTooLong(p, told) && at.asked.range && p.range?.split(at.asked.range)) return undefined;
  if (watchForLoop(p, memory, at, page)) return undefined;
  noteProbe(memory, 0, keys);
  const start: LaneStart = {
    lanes,
    size: grid,
    stride,
    next: 1,
    plannedEnd,
    capped: isTooLong(p, told) ? `there are ${told} items, but only ${p.resultCap} can be reached` : null,
    last: overlap > 0 ? nameOf(keys.at(-1) as string) : null,
  };
  const position: Position = { index: 1, size: grid, stride };
  return step(at, { guard: memory, total: p.guards['missing-rows'] ? (exact ?? null) : null, position, start });
}

/** Pages of a list of so many items: all but the first begin with the last row of the one before. */
function pagesOf(items: number, stride: number, overlap: number): number {
  return Math.max(1, Math.ceil((items - overlap) / stride));
}

export function nextOfLane(p: Pagination, at: ListState, page: PageAnswer): Step {
  const memory = memoryOf(at.guard);
  const total = totalOf(p, at, page, memory);
  const { exact } = total;
  const place = placeOfLane(p, at, page);
  const { index, grid, stride, offset, isRest, isDone, overlap } = place;
  const came = offset + page.itemCount;
  const facts = {
    guard: memory,
    total: p.guards['missing-rows'] ? (exact ?? null) : null,
    isReread: isRest,
    // The borders with the pages before and behind it, whichever came first.
    known: isRest ? overlap : Math.min(2 * overlap, page.itemCount),
    // Behind the total there should be nothing: some third parties give their last page again there.
    isQuietEnd: exact !== undefined && offset >= exact && page.itemCount > 0,
  };
  const planned = plannedOf(p, total, place);
  const [first, last] = [page.keys[0], page.keys.at(-1)];
  // The border row alone is as good as none.
  const hasRows = page.itemCount > overlap;
  const move: LaneMove = {
    index,
    hasRows: hasRows || (isRest && page.itemCount > 0),
    isCellDone: isDone,
    endAt: null,
    plannedEnd: planned,
    first: overlap > 0 && !isRest ? (first === undefined ? '' : nameOf(first)) : null,
    last: overlap > 0 && isDone && last !== undefined && came >= index * stride + grid ? nameOf(last) : null,
  };
  const told = (changes: Partial<Step>, lane: Partial<LaneMove> = {}): Step =>
    step(at, { ...facts, ...changes, move: { ...move, ...lane } });

  // More than the total counts: it is none, or rows were left out on the way.
  const seen = endSeen(p, at, page, memory, came === exact);
  const isOnlyBorder =
    !seen && !isRest && overlap > 0 && !hasRows && at.asked.size > overlap && saysMore(p, at, page) !== true;
  if (seen || isOnlyBorder) {
    const endAt = hasRows || isRest ? index + 1 : index;
    return told({ end: COMPLETE, checks: checksOfLanes(p, at, memory, seen ?? 'blank', exact) }, { endAt });
  }
  if (page.itemCount > 0 && isAtStatedCap(p, came)) {
    const evidence = isTooLong(p, total.told)
      ? `there are ${total.told} items, but only ${p.resultCap} can be reached`
      : `the list goes on behind ${came} items`;
    return told(cappedEnd(p, at.asked.range, evidence), { endAt: index + 1 });
  }
  const end = facts.isQuietEnd ? undefined : watchForLoop(p, memory, at, page);
  // The first page again: the server rounds offsets down to whole pages, or does not look at them. Or the rest of a page brings it once more:
  // rows came in before it. In order it will show which.
  const isFront = overlap > 0 && !isRest && isProbed(memory, 'front', page.keys);
  if (isFront || (isRest && end?.kind === 'looped' && p.guards['moved-rows']))
    return told(
      { end: COMPLETE, checks: checksOfLanes(p, at, memory, 'blank', exact) },
      { endAt: isFront ? index : index + 1, isElsewhere: p.guards['moved-rows'] },
    );
  if (end) return told({ end }, { endAt: index });
  const position: Position = { index, done: place.reached - index * stride, size: grid, stride };
  return told({
    position,
    ...(facts.isQuietEnd ? { checks: checksOfLanes(p, at, memory, 'told', exact) } : {}),
  });
}

interface LanePlace {
  readonly index: number;
  readonly grid: number;
  readonly stride: number;
  readonly overlap: number;
  readonly offset: number;
  readonly reached: number;
  readonly isDone: boolean;
  /** This is what was left of a page that came short. */
  readonly isRest: boolean;
}

function placeOfLane(p: Pagination, at: ListState, page: PageAnswer): LanePlace {
  const { size, offset } = at.asked;
  const { index, done, grid, stride } = cellOf(at.position, size);
  const goesByRows = p.kind === 'offset' && p.advanceBy === 'rows' && page.itemCount > 0;
  const doneNow = done + (goesByRows ? page.itemCount : size);
  return {
    index,
    grid,
    stride,
    overlap: grid - stride,
    offset,
    reached: index * stride + Math.min(grid, doneNow),
    isDone: doneNow >= grid,
    isRest: done > 0,
  };
}

function plannedOf(p: Pagination, { told, exact }: Total, { stride, overlap }: LanePlace): number | null {
  const planned = isTooLong(p, told) ? Number(p.resultCap) : exact;
  return planned === undefined ? null : pagesOf(planned, stride, overlap);
}

/** What must hold before the end is believed: the store has what all lanes have found together. */
function checksOfLanes(
  p: Pagination,
  at: ListState,
  memory: Memory,
  seen: EndSeen,
  exact: number | undefined,
): EndChecks {
  const isGuarded = p.guards['moved-rows'];
  const { range } = at.asked;
  const probe = isGuarded && !mayOverlap(p) ? probeIn(memory, 'front') : undefined;
  const still = probe && {
    position: { again: 'still', index: 0, size: at.position?.size ?? at.asked.size } as const,
    guard: { ...memory, looked: 'front' },
  };
  return {
    doubt: isGuarded ? (againFrom(p, at, memory) ?? null) : null,
    isTwiceDoubtful: isGuarded && p.guards['repeated-rows'],
    mostRows: null,
    leastRows: null,
    rowsBefore: 0,
    still: still ?? null,
    caps: suspiciousCounts(p, at, seen, exact),
    split: (range && p.range?.split(range)) ?? null,
  };
}
