/**
 * Lists by page number or offset whose pages can't overlap, read in order: page after page of one size (the grid). A page that came
 * short, or was asked for in smaller bites, is finished before the next one. Pure.
 * Used by: `numbered-walk.ts`. Next: `providers/pagination/list-end.ts` says whether an end is to be believed.
 */
import type { Position } from '../../../contracts/list.ts';
import { hasBegunAgain } from '../dead-cursor.ts';
import { endSeen, totalOf } from '../end-seen.ts';
import { isPageful } from '../told/paging-words.ts';
import {
  afterStill,
  checksOf,
  endOfReading,
  noteBlank,
  noteJoint,
  noteProbe,
  noteReading,
  noteShort,
  noteTotal,
  readAgain,
} from '../list-end.ts';
import { digest, memoryOf, watchForLoop, type Memory } from '../loop-guard.ts';
import { cellOf } from '../page-request.ts';
import type { Pagination } from '../pagination.ts';
import { behindPins, noteFront, withoutPins, type Unpinned } from '../pinned-rows.ts';
import { notePlaces } from '../places.ts';
import { cappedEnd, endedAfter, isAtStatedCap, isJustAtCap, isSuspicious, isTooLong } from '../result-cap.ts';
import { step, type ListState, type PageAnswer, type Step } from '../step.ts';

/** So often the last page must come again to be one. */
const AGAIN_IS_THE_END = 2;

export function nextPage(p: Pagination, at: ListState, came: PageAnswer): Step {
  const memory = memoryOf(at.guard);
  const unpinned = at.asked.offset === 0 ? { page: came, pins: 0 } : withoutPins(memory, came);
  // They fill the page as well.
  const page = unpinned.page.itemCount === 0 ? unpinned.page : came;
  if (at.position?.again === 'still') return afterStill(p, at, page);
  if (at.asked.offset === 0) noteFront(memory, page.keys);
  return behindPins(nextWhole(p, at, memory, page, unpinned), unpinned.pins);
}

/**
 * A page came short, and what may be left of it is refused: only whole pages can be asked for. It was the last one if the page behind it has
 * no rows.
 */
export function behindRefusedRest(at: ListState): Step | undefined {
  const { done = 0, index = 0, ...position } = at.position ?? {};
  if (at.isLaned || done === 0) return undefined;
  const guard = { ...memoryOf(at.guard), restOf: index + 1 };
  return step(at, { guard, isReread: true, position: { ...position, index: index + 1 } });
}

function nextWhole(p: Pagination, at: ListState, memory: Memory, page: PageAnswer, unpinned: Unpinned): Step {
  const { told, exact } = totalOf(p, at, page, memory);
  const place = placeAfter(p, at, page, told);
  const { index, grid, reached, isRest } = place;
  const { offset } = at.asked;
  const came = offset + page.itemCount;
  const { restOf } = memory;
  if (restOf !== undefined && page.itemCount > 0) {
    const reason = `page ${restOf} came short, with others behind it, and the third party refuses to give the rest: if it leaves rows out of pages, say \`advanceBy: 'size'\``;
    return step(at, { guard: memory, end: { kind: 'truncated', reason } });
  }
  const isLaterReading = noteReading(memory, at);
  noteTotal(memory, exact);
  const lastAgain = noteLastAgain(p, memory, page, place);
  if (!isRest && !lastAgain) {
    noteJoint(memory, page.keys, isLaterReading);
    const known = Number(memory['readTo'] ?? 0) - offset;
    const whole = wholePage(p, at, page, memory);
    notePlaces(memory, at, unpinned.page.keys, known, whole);
    if (p.advanceBy === 'rows') noteShort(memory, index, page.keys, whole);
  }
  // Behind the total there should be nothing: some third parties give their last page again there. A later reading brings nothing new
  // anywhere, so a total that does not stand still says nothing.
  const isMoving = isLaterReading && memory['recounted'] === 1;
  const isQuietEnd = exact !== undefined && offset >= exact && page.itemCount > 0 && !isMoving;
  const facts = {
    guard: memory,
    total: p.guards['missing-rows'] ? (exact ?? null) : null,
    // The rest of a page that came short may be all known, where the third party filters what it has cut. A later reading of the
    // list reads what is known on purpose, and so do the first pages where pages had overlapped.
    isReread: isRest || isLaterReading || hasBegunAgain(at) || isBehindBegun(memory, at, page),
  };
  const stepTo = (changes: Partial<Step>): Step => step(at, { ...facts, ...changes });

  if (offset === 0 && isTooLong(p, told)) {
    const early = cappedEnd(p, at.asked.range, `there are ${told} items`);
    if (early.split) return stepTo(early);
  }
  const isCounted = exact !== undefined && came >= exact;
  // Where nothing is left of a page that had rows, the one behind it is the blank one.
  noteBlank(memory, isRest ? index + 1 : index, page, isCounted, p.next !== undefined);
  // More than the total counts: it is none, or rows were left out on the way.
  const seen = endSeen(p, at, page, memory, came === exact);
  const isGap = isMaybeGap(at, page, memory) && seen === 'blank' && !isCounted;
  if (seen && !isGap) {
    if (p.guards['moved-rows'] && lacksPages(at, page, memory)) {
      const why = `page ${Number(memory['blankAt'] ?? index) + 1} has no rows, where there had been some`;
      return stepTo(readAgain(p, at, memory, why));
    }
    const cut = rowsUpToEnd(p, at, unpinned.page, memory).find(
      (items) => isJustAtCap(p, items, exact) || (offset > 0 && isSuspicious(p, at, seen, exact, items)),
    );
    if (cut !== undefined) return stepTo(cappedEnd(p, at.asked.range, endedAfter(cut, exact)));
    return stepTo(endOfReading(p, at, memory));
  }
  if (isAtStatedCap(p, came)) return stepTo(cappedEnd(p, at.asked.range, `the list goes on behind ${came} items`));
  const position: Position = {
    ...(at.position?.pass === undefined ? {} : { pass: at.position.pass }),
    ...(place.isDone ? { index: index + 1 } : { index, done: reached - index * grid }),
    size: grid,
  };
  if (lastAgain === AGAIN_IS_THE_END) return stepTo({ isReread: true, ...endOfReading(p, at, memory) });
  if (isQuietEnd) return stepTo({ position, isQuietEnd, checks: checksOf(p, at, memory) });
  if (lastAgain) return stepTo({ position, isReread: true });
  if (!facts.isReread && isCutSmaller(p, at, memory, page))
    return stepTo({ isReread: true, ...readAgain(p, at, memory, 'its pages have become smaller') });
  const end = watchForLoop(p, memory, at, page);
  // As many rows as a page has may have come in before it. Then the next page is another one, and the list is read
  // again.
  if (end && !(end.kind === 'looped' && memory['same'] === 1)) return stepTo({ end });
  if (place.isWhole) noteProbe(memory, index, page.keys);
  return stepTo({ position });
}

/**
 * Is this page among what was read before the list began to be read page after page? Its rows are counted: pages may have fewer than they
 * are asked for.
 */
function isBehindBegun(memory: Memory, { asked }: ListState, { itemCount }: PageAnswer): boolean {
  const { begun, walked = asked.offset } = memory;
  if (begun === undefined) return false;
  const isBehind = Number(walked) <= Number(begun);
  memory['walked'] = Number(walked) + itemCount;
  if (memory['walked'] > Number(begun)) delete memory['begun'];
  return isBehind;
}

/**
 * Some third parties give their last page again behind the end. A page that is not full shows that, once others before it
 * were other ones; one row may come for ever. As many rows as a page has may have come in before it just now: then the page
 * behind is another one.
 * @returns how often it has come again.
 */
function noteLastAgain(p: Pagination, memory: Memory, { keys }: PageAnswer, { index, isWhole }: Place): number {
  const name = digest(keys);
  const isAgain = keys.length > 1 && name === memory['page.rows'] && keys.length < Number(memory['most'] ?? 0);
  const times = p.kind === 'page' && isWhole && index > 1 && isAgain ? Number(memory['page.again'] ?? 0) + 1 : 0;
  if (times === 0 && memory['page.again']) memory['moved'] = 1;
  memory['page.again'] = times;
  memory['page.rows'] = name;
  return times;
}

/**
 * Two pages in a row without a new row, each shorter than others before: the third party gives smaller pages by now, so that their numbers
 * lead to what was read.
 */
function isCutSmaller(p: Pagination, at: ListState, memory: Memory, { itemCount }: PageAnswer): boolean {
  const isSmaller = itemCount > 1 && itemCount < Number(memory['most']);
  const wasKnown = memory['smaller'] === at.rows;
  if (isSmaller) memory['smaller'] = at.rows;
  else delete memory['smaller'];
  return p.kind === 'page' && p.guards['moved-rows'] && isSmaller && wasKnown;
}

/**
 * As many rows as are asked for; as the largest page has had, where the request can't say how many, and no name of a page is
 * followed.
 */
function wholePage(
  p: Pagination,
  { asked, isSizable }: ListState,
  { itemCount }: PageAnswer,
  { most = 0 }: Memory,
): number {
  return p.kind === 'offset' || isSizable || p.next !== undefined ? asked.size : Math.max(itemCount, Number(most));
}

/**
 * How many rows the third party may have listed before its end, which is what a cap cuts. The rows count, since the last page may be short
 * of its places. Where others were short before it, rows may have been filtered out of them, so the places count as well: as many a page as
 * the largest has rows, where the size can't be asked for, or fewer come than were asked for.
 */
function rowsUpToEnd(p: Pagination, at: ListState, { itemCount }: PageAnswer, memory: Memory): number[] {
  const { size, offset } = at.asked;
  const most = Number(memory['most'] ?? 0);
  const perPage = p.kind === 'offset' || (at.isSizable && most >= size) ? size : most;
  const pages = (offset - Number(memory['gap'] ?? 0)) / size;
  const [places, rows] = [pages * perPage + itemCount, at.rows + itemCount];
  // Of a later reading nobody knows how many rows are its own.
  if (at.position?.pass !== undefined) return [places];
  const isOnlyLastShort = itemCount === 0 && rows === (pages - 1) * perPage + Number(memory['count'] ?? 0);
  return isOnlyLastShort ? [rows] : [places, rows];
}

/**
 * A page without rows, and at least a page more of rows was read before than there are places up to it. What follows
 * was removed, or the third party gives it no longer.
 */
function lacksPages({ asked, rows }: ListState, { itemCount }: PageAnswer, memory: Memory): boolean {
  const size = Math.max(asked.size, Number(memory['most'] ?? 0));
  return itemCount === 0 && rows >= (asked.offset / asked.size + 1) * size;
}

/**
 * Where the page before was full, or short pages had others behind them, a page without rows may be one of which
 * nothing was left. One page more shows whether the list goes on behind it.
 */
function isMaybeGap(at: ListState, page: PageAnswer, memory: Memory): boolean {
  const { size, offset } = at.asked;
  if (page.itemCount > 0) {
    // As many as were asked for, or as the page before. One page alone shows how many the third party gives only where
    // that is a number that pages have.
    const isMost = offset === 0 && isPageful(page.itemCount) && page.itemCount >= (at.given ?? 0);
    const isFull = page.itemCount >= size || page.itemCount === memory['count'] || isMost;
    memory['count'] = page.itemCount;
    if (memory['full'] === 0 || memory['gap']) memory['uneven'] = 1;
    memory['full'] = isFull ? 1 : 0;
    delete memory['gap'];
    return false;
  }
  if (page.isEnd || memory['gap'] || offset === 0 || !(memory['full'] === 1 || memory['uneven'])) return false;
  memory['gap'] = size;
  return true;
}

interface Place {
  readonly index: number;
  readonly grid: number;
  /** Items before the next page. */
  readonly reached: number;
  readonly isDone: boolean;
  /** This is what was left of a page that came short. */
  readonly isRest: boolean;
  /** It came whole, in one answer. */
  readonly isWhole: boolean;
}

function placeAfter(p: Pagination, at: ListState, page: PageAnswer, told: number | undefined): Place {
  const { size } = at.asked;
  const { itemCount } = page;
  const { index, done, grid: asked } = cellOf(at.position, size);
  const grid = cutsAnew(p, at, itemCount, told) ? itemCount : asked;
  const goesByRows = p.kind === 'offset' && p.advanceBy === 'rows' && itemCount > 0;
  const doneNow = grid === asked ? done + (goesByRows ? itemCount : size) : grid;
  return {
    index,
    grid,
    reached: Math.min((index + 1) * grid, index * grid + doneNow),
    isDone: doneNow >= grid,
    isRest: done > 0,
    isWhole: done === 0 && doneNow >= grid,
  };
}

/**
 * A short first page of a reading: the server gives fewer than asked for, or the list ends. Its size is the safe one to read on with; page numbers
 * may stay as they are unless the total shows that there is more.
 */
function cutsAnew(p: Pagination, at: ListState, itemCount: number, told: number | undefined): boolean {
  const { offset, size } = at.asked;
  const isShortFirst = offset === 0 && itemCount > 0 && itemCount < size && p.advanceBy === 'rows';
  return isShortFirst && (p.kind === 'offset' || (told !== undefined && told > itemCount));
}
