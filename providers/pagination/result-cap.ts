/**
 * Third parties stop after so many results, often without a word. A list that meets such a cap is asked for in the two
 * halves of its range, where the endpoint offers one. Else it ends as `capped`. Pure.
 * Used by: `providers/pagination/walks/token-walk.ts`, `providers/pagination/walks/page-walk.ts`, `providers/pagination/walks/overlap-walk.ts`. Next: `db/functions/pages/commit-page.sql` opens the halves as parts.
 */
import type { LaneMove, Range } from '../../contracts/list.ts';
import { hasBegunAgain, itemsOfReading } from './dead-cursor.ts';
import { indexOfName } from './loop-guard.ts';
import { cellOf } from './page-request.ts';
import { isNumbered, type Pagination } from './pagination.ts';
import { step, type ListState, type Step } from './step.ts';

/**
 * Numbers of rows at which third parties like to stop, also with an answer that says that the list ends. Examples are
 * GitHub's and HubSpot's searches, Elasticsearch's `max_result_window`.
 */
const WELL_KNOWN_CAPS = [1_000, 10_000, 100_000];
/** Round numbers at which a blank page is suspicious, but not an answer that says that the list ends. */
const ROUND_NUMBERS = [2_000, 5_000, 20_000, 50_000];
export const COMMON_CAPS: readonly number[] = [...WELL_KNOWN_CAPS, ...ROUND_NUMBERS].toSorted((a, b) => a - b);
/** Elasticsearch counts up to here and no further, unless it is asked to (`track_total_hits`). */
const COUNTED_UP_TO = 10_000;

/** How the end of a list was seen. */
export type EndSeen =
  /** The answer says so: `hasMore` false, no next page. */
  | 'told'
  /** A page without rows. */
  | 'blank'
  /** A page shorter than the third party's pages are. */
  | 'short';

/**
 * The numbers of rows at which an end that was seen like this is probably a cap. A short page clears none of them: pages that overlap,
 * or whose size does not divide the cap, come short there too.
 */
export function suspiciousCounts(
  p: Pagination,
  at: Pick<ListState, 'beyond'>,
  seen: EndSeen,
  total: number | undefined,
): number[] {
  if (p.resultCap === false || !p.guards['result-cap']) return [];
  if (typeof p.resultCap === 'number') return [p.resultCap];
  const caps = seen === 'told' ? WELL_KNOWN_CAPS : COMMON_CAPS;
  // A total that says the same clears the list, where third parties do not count on a limit themselves.
  return caps.filter((cap) => cap > at.beyond && !(total === cap && cap !== COUNTED_UP_TO));
}

/** Is a list that ends after so many rows probably cut there? */
export function isSuspicious(
  p: Pagination,
  at: Pick<ListState, 'beyond'>,
  seen: EndSeen,
  total: number | undefined,
  items: number,
): boolean {
  if (typeof p.resultCap === 'number') return isAtStatedCap(p, items);
  return suspiciousCounts(p, at, seen, total).includes(items);
}

/** The largest common number of rows that a list has gone beyond with this page; 0 where it is none. */
export function goneBeyond(p: Pagination, at: ListState, keys: readonly string[]): number {
  // A blank page far behind the end shows nothing.
  const reached = keys.length === 0 ? 0 : placeBehind(p, at, keys);
  return COMMON_CAPS.findLast((cap) => cap < reached) ?? 0;
}

/** Rows up to the end of the page, at least. Where no places are known these are different ones, as they are at the list's end. */
function placeBehind(p: Pagination, at: ListState, keys: readonly string[]): number {
  const { asked, guard, position, rows } = at;
  // Rows beside those that were asked for (a pinned one) have no place.
  if (isPlacedByAsking(p, at) || position?.counted !== undefined)
    return asked.offset + Math.min(keys.length, asked.size);
  // How many of a second reading are new nobody knows.
  if (hasBegunAgain(at) || position?.pass !== undefined) return 0;
  if (isNumbered(p)) return rows;
  const again = indexOfName(keys, guard?.['tail']) + 1;
  return rows + keys.length - again;
}

/** The number of a page says how many rows lie before it only where pages have as many as they are asked for. */
function isPlacedByAsking(p: Pagination, { asked, guard, isSizable }: ListState): boolean {
  const most = Number(guard?.['most'] ?? asked.size);
  return isNumbered(p) && (p.kind === 'offset' || (isSizable && most >= asked.size));
}

export function statedCap({ resultCap, guards }: Pagination): number | undefined {
  return typeof resultCap === 'number' && guards['result-cap'] ? resultCap : undefined;
}

/** Has the list reached a cap that the definition states? */
export function isAtStatedCap(p: Pagination, items: number): boolean {
  return items >= (statedCap(p) ?? Infinity);
}

/** Exactly as many rows as the stated cap, on whatever page, and no count says that these are all. */
export function isJustAtCap(p: Pagination, items: number, total: number | undefined): boolean {
  return items === statedCap(p) && items !== total;
}

/** Does the third party count more than it will ever give? */
export function isTooLong(p: Pagination, total: number | undefined): boolean {
  return total !== undefined && total > (statedCap(p) ?? Infinity);
}

/** The end of a list at its cap: split where that is possible, else told. */
export function cappedEnd(
  p: Pagination,
  range: Range | undefined,
  evidence: string,
  isRefused = false,
): Pick<Step, 'end' | 'split'> {
  const split = range && p.range?.split(range);
  if (split) {
    const [low, high] = split;
    const parts = `${low.from} … ${low.to} and ${high.from} … ${high.to}`;
    return { end: { kind: 'complete', reason: `${evidence}: split into ${parts}` }, split };
  }
  const reason = `${evidence}: probably the third party's cap, not the end${p.isNewestFirst ? ofFeed(isRefused) : ''}`;
  return { end: { kind: 'capped', reason }, split: null };
}

/** Each run reads it to its cap again, for it is never known to its end. */
function ofFeed(isRefused: boolean): string {
  const rule = isRefused ? ', and by a rule that the refusal is `endOfData()`' : '';
  return `; where nobody gets what lies behind its newest rows, say \`resultCap: false\`${rule}: then it is read as far as there are new ones`;
}

export const endedAfter = (items: number, total?: number): string =>
  `the list ended after exactly ${items} items${total === undefined ? '' : ` of ${total}`}`;

/**
 * Where the size can't be asked for, a page has as many places as the largest has rows. A later reading has brought
 * them all before.
 */
function placeIn({ asked, guard }: ListState, isPlaced: boolean): number {
  return isPlaced ? asked.offset : (asked.offset / asked.size) * Number(guard?.['most'] ?? 0);
}

/**
 * The step after a refusal that may be the cap's. Lanes run ahead, so one may be refused some pages behind it.
 * @returns undefined when nothing speaks for a cap.
 */
export function refusedAtCap(p: Pagination, at: ListState, reason: string): Step | undefined {
  const isPlaced = isPlacedByAsking(p, at);
  const items = isPlaced || at.position?.pass !== undefined ? placeIn(at, isPlaced) : itemsOfReading(at);
  const { grid, stride } = cellOf(at.position, at.asked.size);
  const ahead = at.isLaned ? p.lanes * grid : 1;
  const caps = typeof p.resultCap === 'number' ? [p.resultCap] : p.resultCap === false ? [] : COMMON_CAPS;
  // Or the page would reach over it.
  const isNear = (cap: number) => (cap <= items ? items - cap < ahead : isNumbered(p) && cap < items + at.asked.size);
  const cap = caps.findLast(isNear);
  if (items === 0 || cap === undefined || !p.guards['result-cap']) return undefined;
  return refusedEnd(p, at, `refused behind ${cap} items (${reason})`, Math.ceil(cap / stride));
}

/** The step after a refusal that a rule takes for the cap's, wherever it comes. */
export function toldCap(p: Pagination, at: ListState, reason: string): Step {
  return refusedEnd(p, at, `refused as too long (${reason})`, cellOf(at.position, at.asked.size).index);
}

/** @param endAt the first page that the third party does not give. */
function refusedEnd(p: Pagination, at: ListState, evidence: string, endAt: number): Step {
  const { index } = cellOf(at.position, at.asked.size);
  const move: LaneMove = {
    index,
    hasRows: false,
    isCellDone: false,
    endAt,
    plannedEnd: null,
    first: null,
    last: null,
  };
  return step(at, { ...cappedEnd(p, at.asked.range, evidence, true), ...(at.isLaned ? { move } : {}) });
}
