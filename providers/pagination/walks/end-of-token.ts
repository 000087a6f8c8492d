/**
 * The end of a list whose pages name the next one, where no page is named any more. Rows may have come to its front
 * meanwhile, or it may be the third party's cap.
 * A cap counts rows as they stand when a page is asked for. Where pages begin with a row of the one before, other rows
 * than items come; and where rows come or go before the place of reading, some more or fewer come than the cap says.
 * So a list that ends near a stated cap is read once more: one that stands still brings the very same. Pure.
 * Used by: `token-walk.ts`. Next: `db/functions/pages/end-of-part.sql` counts different rows.
 */
import type { EndChecks } from '../../../contracts/list.ts';
import { beginAgain, itemsOfReading } from '../dead-cursor.ts';
import { indexOfName, type Memory } from '../loop-guard.ts';
import type { Pagination } from '../pagination.ts';
import { cappedEnd, endedAfter, isJustAtCap, isSuspicious, statedCap, suspiciousCounts } from '../result-cap.ts';
import { isNamedBy } from './shared-times.ts';
import { COMPLETE, step, type ListState, type PageAnswer, type Step } from '../step.ts';

/** Rows that may come or go before the place of reading while one page is read. */
const MOVES_A_PAGE = 3;

/** A list that is read once more near its cap: the different rows of its first reading. To be called for each page. */
export function noteReadingAtCap(memory: Memory, { rows }: ListState): void {
  if (memory['nearCap'] !== undefined) memory['rowsNearCap'] ??= rows;
}

export function endOfToken(
  p: Pagination,
  at: ListState,
  page: PageAnswer,
  facts: Partial<Step> & { readonly guard: Memory },
  total: number | undefined,
): Step {
  const { itemCount } = page;
  const { guard } = facts;
  const items = itemsOfReading(at) + itemCount;
  const isFull = itemCount === 0 || itemCount >= Math.min(at.asked.size, at.given ?? at.asked.size);
  // A cap that is no multiple of the page size leaves a short last page. Near a stated one the list is read once more.
  const mayBeCut = at.pages > 0 && (isFull || statedCap(p) === undefined);
  const isCut = isJustAtCap(p, items, total) || (mayBeCut && isSuspicious(p, at, 'told', total, items));
  if (isCut) return step(at, { ...facts, ...cappedEnd(p, at.asked.range, endedAfter(items, total)) });
  const { nearCap } = guard;
  if (nearCap !== undefined && nearCap !== items) {
    const evidence = `one reading of the list ended after ${nearCap} items, and another after ${items}`;
    return step(at, { ...facts, ...cappedEnd(p, at.asked.range, `${evidence}, near its cap of ${statedCap(p)}`) });
  }
  if (isNearCap(p, at, page, guard, total)) {
    const again = beginAgain(at, guard, itemCount);
    return { ...again, guard: { ...again.guard, nearCap: items } };
  }
  if (guard['shifted'] && !isFrontAgain(at)) return { ...frontAgain(at, guard, itemCount), total: facts.total ?? null };
  return step(at, { ...facts, end: COMPLETE, checks: checksOf(p, at, guard, total) });
}

// ── Rows that came to the front ──────────────────────────────────────────────────────────────────────────────────────

/**
 * The last row of the page before comes once more: rows came to the front, and the name of the page counts places, though nobody sees it.
 * A row that was moved there from a place which was not read yet is on no page. Where the name is a value of that row, it comes again
 * because it is asked for.
 * @param used the name of this page.
 */
export function noteShift(
  { guards }: Pagination,
  memory: Memory,
  at: ListState,
  page: PageAnswer,
  used: string | undefined,
): void {
  const { keys, rowItems } = page;
  if (!guards['moved-rows'] || used === undefined || at.position?.behind !== undefined) return;
  const again = indexOfName(keys, memory['tail']);
  // A page that comes again as a whole was given in the place of another one.
  if (again < 0 || indexOfName(keys, memory['head']) === 0) return;
  const row = rowItems.length === keys.length ? rowItems[again] : undefined;
  if (!isNamedBy(row, used, page.url)) memory['shifted'] = 1;
}

/** From the front on, up to a page that brings nothing new. */
function frontAgain(at: ListState, memory: Memory, came: number): Step {
  const again = beginAgain(at, memory, came);
  return { ...again, guard: { ...again.guard, front: 1 } };
}

export function isFrontAgain({ guard }: Pick<ListState, 'guard'>): boolean {
  return guard?.['front'] === 1;
}

/** The step after a page that ends its list where it brings nothing new. */
export function quietEnd(p: Pagination, at: ListState, next: Step, total: number | undefined): Step {
  return { ...next, isQuietEnd: true, checks: checksOf(p, at, next.guard, total) };
}

// ── The end at a cap ─────────────────────────────────────────────────────────────────────────────────────────────────

function isNearCap(
  p: Pagination,
  { rows, pages, position }: ListState,
  { itemCount }: PageAnswer,
  guard: Memory,
  total: number | undefined,
): boolean {
  const cap = statedCap(p);
  const mayMove = pages > 0 && p.guards['moved-rows'] && position?.behind === undefined;
  if (cap === undefined || !mayMove || guard['begunAgain'] !== undefined) return false;
  const most = rows + itemCount;
  return most !== total && Math.abs(most - cap) <= MOVES_A_PAGE * (pages + 1);
}

/** The store counts different rows: of the first reading, and of all. */
function checksOf(
  p: Pagination,
  at: ListState,
  { nearCap, rowsNearCap }: Memory,
  total: number | undefined,
): EndChecks | null {
  const { range } = at.asked;
  const cap = statedCap(p);
  const hasAgain = at.items > at.rows;
  const caps =
    cap === undefined ? (hasAgain ? suspiciousCounts(p, at, 'told', total) : []) : cap === total ? [] : [cap];
  if (caps.length === 0) return null;
  return {
    doubt: null,
    isTwiceDoubtful: false,
    mostRows: nearCap === undefined ? null : Number(rowsNearCap),
    leastRows: null,
    rowsBefore: 0,
    still: null,
    caps,
    split: (range && p.range?.split(range)) ?? null,
  };
}
