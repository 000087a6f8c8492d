/** How the end of a numbered list is seen. Pure. Used by: `providers/pagination/walks/page-walk.ts`, `providers/pagination/walks/lane-walk.ts`, `providers/pagination/walks/overlap-walk.ts`. */
import { isFields } from '../../contracts/values/json-text.ts';
import { looksIntoList } from './told/looks-into-list.ts';
import { moreTold } from './told/more-told.ts';
import { isPageful } from './told/paging-words.ts';
import { fullPage, type Memory } from './loop-guard.ts';
import { isNumbered, type Pagination } from './pagination.ts';
import type { EndSeen } from './result-cap.ts';
import type { ListState, PageAnswer } from './step.ts';

/** Lists are looked for in so many objects within each other. */
const DEPTH_OF_LISTS = 4;

/**
 * A list ends where its end is seen, never because a number was reached. The answer says so, or a page is blank. Or a
 * page is shorter than what the third party is known to give, and the definition or the total takes that for the end.
 * @param isCounted as many items came as the exact total says.
 */
export function endSeen(
  p: Pagination,
  at: ListState,
  page: PageAnswer,
  memory: Memory,
  isCounted: boolean,
): EndSeen | undefined {
  const { itemCount } = page;
  const isShort = isShortPage(p, at, memory, itemCount);
  const isLess = itemCount < fullPage(at, memory);
  memory['most'] = Math.max(itemCount, Number(memory['most'] ?? 0));
  const more = saysMore(p, at, page);
  if (more === false) return page.isEnd ? 'blank' : 'told';
  if (more === true) return undefined;
  if (itemCount === 0) return 'blank';
  if (isCounted) return isLess ? 'short' : undefined;
  return isShort && p.lastPage === 'short' && isAsCut(page) && !namesNext(p, page) ? 'short' : undefined;
}

/**
 * What `hasMore` says of an answer. It is not asked about one that is no page: that there is nothing there was said by
 * a rule or the status. Where it has counted the rows (`items.length === 100`), its false means that the page is short,
 * and is believed as that. The measure is what the third party is known to give, which may be less than it is asked
 * for.
 */
export function saysMore(
  p: Pick<Pagination, 'kind' | 'hasMore'>,
  at: ListState,
  page: Pick<PageAnswer, 'response' | 'headers' | 'url' | 'input' | 'itemCount' | 'isEnd'>,
): boolean | undefined {
  const { hasMore } = p;
  if (page.isEnd) return false;
  const more = hasMore?.(page.response, page);
  if (!hasMore || more !== false || page.itemCount === 0) return more;
  const isShort = isShortPage(p, at, at.guard, page.itemCount);
  return isShort || !looksIntoList((response) => hasMore(response, page), page.response) ? false : undefined;
}

/**
 * Does the page show by its length that nothing follows? One of a number that pages have may be full: third parties give some accounts
 * smaller ones than others, and all of them when they are busy. In another reading it shows nothing where rows were read behind it.
 */
function isShortPage({ kind }: Pick<Pagination, 'kind'>, at: ListState, memory: Memory | null, count: number): boolean {
  const wentOn = isNumbered({ kind }) && at.rows > at.asked.offset + count;
  return count < fullPage(at, memory) && !isPageful(count) && !wentOn;
}

/**
 * Are the rows those of a list as the third party has cut it? What `items` has left out of it, or taken from lists inside of its rows, says
 * nothing of its length. Rows that stand in no list are taken as they are.
 */
function isAsCut({ response, itemCount }: PageAnswer): boolean {
  const lengths = lengthsIn(response, DEPTH_OF_LISTS);
  return lengths.length === 0 || lengths.includes(itemCount);
}

function lengthsIn(value: unknown, depth: number): number[] {
  if (Array.isArray(value)) return [value.length];
  if (depth === 0 || !isFields(value)) return [];
  return Object.values(value).flatMap((each) => lengthsIn(each, depth - 1));
}

/** A short page that says of itself that more follows was filtered after it was cut. */
function namesNext({ guards }: Pagination, { response, headers, url, itemCount }: PageAnswer): boolean {
  return (
    guards['more-told'] &&
    moreTold({ body: response, headers, url, status: 200, count: itemCount, against: 'next' }) !== undefined
  );
}

export interface Total {
  /** As the answer tells it. */
  readonly told: number | undefined;
  /** The same when it is meant to be exact and was not found wrong. */
  readonly exact: number | undefined;
}

/** The total that an answer tells. What is no count of rows (10.5, −1, 1e21, a word) tells nothing. */
export function toldTotal(p: Pick<Pagination, 'total'>, page: PageAnswer): number | undefined {
  const told: unknown = page.isEnd ? undefined : p.total?.(page.response, page);
  const total = typeof told === 'string' && /^\d{1,15}$/.test(told) ? Number(told) : told;
  return Number.isSafeInteger(total) && (total as number) >= 0 ? (total as number) : undefined;
}

/** More rows than the total: it is not one, but the size of a page or the like, and is not looked at any more. */
export function totalOf(p: Pagination, at: ListState, page: PageAnswer, memory: Memory): Total {
  const told = toldTotal(p, page);
  if (told !== undefined && at.rows > told) memory['wrong'] = 1;
  return { told, exact: p.totalIs === 'exact' && !memory['wrong'] ? told : undefined };
}
