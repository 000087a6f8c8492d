/**
 * Lists by page number or offset. A list is cut into pages of one size (its grid); lane 0 walks alone until the cut is
 * known, then several lanes take page after page from a shared board. A page that came short, or was asked for in smaller
 * bites, is finished before its lane takes another one. Pure. Next stop: `db/stores/sync/unit-store.ts` keeps the board.
 */
import type { LaneMove } from '../../db/stores/sync/unit-store.ts';
import type { Pagination } from '../../providers/pagination/pagination.ts';
import { EMPTY_PAGES_LIMIT, watchForLoop } from './loop-guard.ts';
import { cellOf } from './page-request.ts';
import { cappedEnd, isAtCap, isTooLong } from './result-cap.ts';
import { step, type PageAnswer, type Standing, type Step } from './step.ts';

export function nextNumbered(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Step {
  const place = placeAfter(pagination, at, page);
  const { index, offset, reached, grid, isCellDone, exact, isTotalWrong, plannedEnd } = place;
  const isBlank = page.itemCount === 0;
  const facts = {
    total: pagination.guards['missing-rows'] && !isTotalWrong ? (exact ?? null) : null,
    // The rest of a page that came short may be all known, where the third party filters what it has cut.
    isReread: offset > index * grid,
  };
  const move: LaneMove = { index, hasRows: !isBlank, isCellDone, blankAt: null, endAt: null, plannedEnd, isTotalWrong };
  const told = (changes: Partial<Step>, lane: Partial<LaneMove> = {}): Step =>
    step(at, { ...facts, ...changes, ...(at.isLaned ? { move: { ...move, ...lane } } : {}) });

  if (offset === 0 && isTooLong(pagination, place.total)) {
    const early = cappedEnd(pagination, at.asked.range, `there are ${place.total} items`);
    if (early.split) return told(early);
  }
  const ending = endAfter(pagination, at, page, place);
  if (ending) return told(ending.changes, ending.lane);

  const { memory, end } = watchForLoop(at.guard, {
    token: undefined,
    used: undefined,
    keys: page.keys,
    pagesBefore: at.pages,
    maxPages: at.isLaned ? Math.ceil(pagination.maxPages / pagination.lanes) : pagination.maxPages,
    maxEmpty: Math.max(2, Math.ceil(EMPTY_PAGES_LIMIT / pagination.lanes)),
    guards: pagination.guards,
  });
  if (end) return told({ guard: memory, end }, { endAt: index });

  if (at.isLaned || !isCellDone) {
    return told({ guard: memory, position: { index, done: reached - index * grid, size: grid } });
  }
  const next = { index: index + 1, size: grid };
  const left = place.expectedPages === undefined ? pagination.lanes : place.expectedPages - next.index;
  const lanes = Math.min(pagination.lanes, left);
  if (lanes < 2 || !place.isCutKnown) return told({ guard: memory, position: next });
  return told({
    guard: memory,
    position: next,
    start: { lanes, size: grid, next: next.index, plannedEnd, capped: place.cappedBy ?? null },
  });
}

interface Place {
  readonly index: number;
  readonly grid: number;
  /** Items before this page, and before the next one. */
  readonly offset: number;
  readonly reached: number;
  readonly isCellDone: boolean;
  /** How the server cuts the list is known: its page was full, or it is not the first. */
  readonly isCutKnown: boolean;
  readonly total: number | undefined;
  readonly exact: number | undefined;
  /** More came than the exact total allows: it can't be relied on. */
  readonly isTotalWrong: boolean;
  readonly plannedEnd: number | null;
  /** Pages that are worth asking for at once. */
  readonly expectedPages: number | undefined;
  readonly cappedBy: string | undefined;
}

function placeAfter(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Place {
  const { size, offset } = at.asked;
  const { itemCount } = page;
  const { index, done, grid: askedGrid } = cellOf(at.position, size);
  const total = page.isEnd ? undefined : (pagination.total?.(page.response) ?? undefined);
  const isShort = itemCount < size;
  // A short first page: the server gives fewer than asked for, or the list ends. Its size is the safe one to go on with;
  // page numbers may stay as they are unless the total shows that there is more.
  const cutsAnew =
    at.position === null &&
    isShort &&
    itemCount > 0 &&
    pagination.advanceBy === 'rows' &&
    (pagination.kind === 'offset' || (total !== undefined && total > itemCount));
  const grid = cutsAnew ? itemCount : askedGrid;
  const goesByRows = pagination.kind === 'offset' && pagination.advanceBy === 'rows' && itemCount > 0;
  const doneNow = cutsAnew ? grid : done + (goesByRows ? itemCount : size);
  const came = offset + itemCount;
  const isExact = total !== undefined && pagination.totalIs === 'exact';
  const isTotalWrong = isExact && itemCount > 0 && came > total;
  const exact = isExact && !isTotalWrong ? total : undefined;
  const cap = isTooLong(pagination, total) ? Number(pagination.resultCap) : undefined;
  const plannedItems = cap ?? exact;
  const plannedEnd = plannedItems === undefined ? null : Math.ceil(plannedItems / grid);
  return {
    index,
    grid,
    offset,
    reached: Math.min((index + 1) * grid, index * grid + doneNow),
    isCellDone: doneNow >= grid,
    isCutKnown: !isShort || at.position !== null || total !== undefined,
    total,
    exact,
    isTotalWrong,
    plannedEnd,
    // One page more than a mere estimate says: some lane must see the end.
    expectedPages: plannedEnd ?? (total !== undefined && total > came ? Math.ceil(total / grid) + 1 : undefined),
    cappedBy: cap === undefined ? undefined : `there are ${total} items, but only ${cap} can be reached`,
  };
}

/** Does the list end with this page? */
function endAfter(
  pagination: Pagination<unknown, unknown>,
  at: Standing,
  page: PageAnswer,
  place: Place,
): { changes: Partial<Step>; lane: Partial<LaneMove> } | undefined {
  const { index, offset, exact } = place;
  const came = offset + page.itemCount;
  const more = page.isEnd ? false : pagination.hasMore?.(page.response);
  const isBlank = page.itemCount === 0;
  const isShort = page.itemCount < at.asked.size;
  const isCounted = exact !== undefined && came >= exact;
  const endsHere =
    isCounted || more === false || (more !== true && (isBlank || (isShort && pagination.lastPage === 'short')));
  const endOfCell = offset > index * place.grid || !isBlank ? index + 1 : index;
  const lane = isBlank ? { blankAt: endOfCell } : { endAt: endOfCell };
  if (endsHere) {
    const isCut = !isCounted && offset > 0 && (isBlank || !isShort) && isAtCap(pagination, came);
    const total = exact === undefined ? '' : ` of ${exact}`;
    const changes = isCut
      ? cappedEnd(pagination, at.asked.range, `the list ended after exactly ${came} items${total}`)
      : { end: { kind: 'complete' } as const };
    return { changes, lane };
  }
  if (typeof pagination.resultCap === 'number' && !isBlank && isAtCap(pagination, came)) {
    const evidence = place.cappedBy ?? `the list goes on behind ${came} items`;
    return { changes: cappedEnd(pagination, at.asked.range, evidence), lane: { endAt: index + 1 } };
  }
  return undefined;
}
