/**
 * Lists whose pages name the next one, by cursor or address. What ends such a list is the answer itself: no token, or a flag that
 * says so; an empty page with a token does not. Pure. Used by: `providers/pagination/kinds/cursor.ts`, `providers/pagination/kinds/link.ts`.
 * Next: `counted-places.ts` for names that count, `blank-end.ts` for an end that may be none.
 */
import { cleanText } from '../../../contracts/values/clean-text.ts';
import { isReadAgain, noteMark, noteWhetherItStays, beginAgain } from '../dead-cursor.ts';
import { saysMore, toldTotal } from '../end-seen.ts';
import { digest, fullPage, memoryOf, nameOf, indexOfName, watchForLoop, type Memory } from '../loop-guard.ts';
import type { Pagination } from '../pagination.ts';
import { cappedEnd, isTooLong } from '../result-cap.ts';
import { afterBlankEnd, isCutAnew, isLookedAt, isMaybeBlank, noteLeading } from './blank-end.ts';
import { endOfToken, isFrontAgain, noteReadingAtCap, noteShift, quietEnd } from './end-of-token.ts';
import { followCount } from './counted-places.ts';
import { afterLeap, leapsOver, withoutLeap } from './leaps.ts';
import { hasPageNumber } from '../told/counting.ts';
import { isPageful } from '../told/paging-words.ts';
import { afterOwnLimit, afterShorterPage, noteCountdown } from '../told/whole-limit.ts';
import { isOfAllRows, noteTime } from './shared-times.ts';
import { step, type ListState, type PageAnswer, type Step } from '../step.ts';

export function followToken(p: Pagination, stands: ListState, page: PageAnswer): Step {
  const list = withoutLeap(stands);
  const more = saysMore(p, list, page);
  const { cursor, url } = list.position?.counted ? list.asked : (list.position ?? {});
  const used = cursor ?? url;
  const named = more === false || page.isEnd ? undefined : tokenOf(p, page);
  // A page without rows that names itself leads nowhere else.
  const isAtEnd = named === used && page.itemCount === 0 && more !== true && p.guards['repeated-token'];
  const token = isAtEnd ? undefined : named;
  const leap = leapsOver(p, list, page, token) ?? afterLeap(stands, page);
  if (leap) return leap;
  const counted = followCount(p, list, page, token);
  if (counted) return counted;
  // In a later reading it does not count on: what follows comes again.
  const isLater = list.position?.pass !== undefined;
  const at = isLater ? { ...list, guard: { ...list.guard, begunAgain: 1, itemsBefore: list.items } } : list;
  const total = toldTotal(p, page);
  // Behind a row only the rest is counted.
  const isCounted = p.totalIs === 'exact' && p.guards['missing-rows'] && at.position?.behind === undefined;
  const guard = memoryOf(at.guard);
  noteMark(p, guard, page);
  noteWhetherItStays(guard, used, token);
  noteReadingAtCap(guard, at);
  if (isCounted && total !== undefined) guard['firstTotal'] ??= total;
  const isKnown = isCutAnew(guard, at, page) || isLookedAt(at) || isReadAgain(at);
  const facts = { guard, total: isCounted ? (total ?? null) : null, isReread: isKnown };
  if (at.pages === 0 && isTooLong(p, total)) {
    const early = cappedEnd(p, at.asked.range, `there are ${total} items`);
    if (early.split) return step(at, { ...facts, ...early });
  }

  if (token !== undefined && isMaybeBlank(p, at, page, { memory: guard, next: token }))
    return step(at, { ...facts, position: at.position, isReread: true });
  const shorter = afterShorterPage(at, page, guard, token);
  if (shorter) return { ...shorter, total: facts.total };
  noteCountdown(p, guard, page, token);
  noteTime(guard, at, page, token);
  if (!isLookedAt(at)) noteShift(p, guard, at, page, used);
  if (token === undefined) {
    if (more === true) {
      const reason = 'the last page says that more follows but names no next page';
      return step(at, { ...facts, end: { kind: 'truncated', reason } });
    }
    const doubt = afterBlankEnd(p, at, page, guard);
    if (doubt) return { ...doubt, total: facts.total };
    if (facts.total !== null && hasRecounted(guard, at, page, facts.total))
      return beginAgain(at, guard, page.itemCount);
    const own = more === undefined ? afterOwnLimit(p, at, page, { memory: guard, total }) : undefined;
    if (own) return { ...own, total: facts.total };
    return endOfToken(p, at, page, facts, total);
  }

  const namesItself = token === used && p.guards['repeated-token'];
  const isBorder = namesItself && more !== true && bringsOnlyBorder(at, page, guard, token);
  if (!isBorder && isMaybeStale(p, guard, token, used))
    return step(at, { ...facts, position: at.position, isReread: true });
  noteTail(guard, page);
  noteLeading(guard, at, page, more === true);
  if (isBorder) return quietEnd(p, at, step(at, { ...facts, position: at.position }), total);
  const end = isLookedAt(at) ? undefined : watchForLoop(p, guard, at, page, { next: token, used });
  if (end) return step(at, { ...facts, end });
  const behind = at.position?.behind === undefined ? {} : { behind: at.position.behind };
  // A larger page of that number would begin farther behind.
  const size = hasPageNumber(token, page.url, at.pages + 1) ? { size: at.asked.size } : {};
  const name = p.kind === 'cursor' ? { cursor: token } : { url: token };
  const next = step(at, { ...facts, position: { ...behind, ...size, ...name } });
  return isFrontAgain(at) ? quietEnd(p, at, next, total) : next;
}

/**
 * A total has changed since the first page. Where rows are missing to it, some came in where they were not met. Where it has fallen, and no
 * more rows came than are left, none of those that went had been read; or they had been, and others have moved over the place of reading.
 * Names that are values of rows are no places. Once.
 */
function hasRecounted(memory: Memory, at: ListState, { itemCount }: PageAnswer, total: number): boolean {
  const { firstTotal, begunAgain, time = '' } = memory;
  if (firstTotal === undefined || begunAgain !== undefined) return false;
  const came = at.rows + itemCount;
  const mayHaveSlipped = total < Number(firstTotal) && came === total && time === '' && at.pages > 0;
  return mayHaveSlipped || (total !== firstTotal && came < total);
}

/** The first and the last row of the page, and the most rows that one had. */
function noteTail(memory: Memory, { keys }: PageAnswer): void {
  if (keys.length === 0) return;
  memory['head'] = nameOf(keys[0] as string);
  memory['tail'] = nameOf(keys.at(-1) as string);
  memory['most'] = Math.max(keys.length, Number(memory['most'] ?? 0));
}

/**
 * Behind an id or time that counts itself (`max_id`, `since` with the border included) the last rows come again. They
 * name themselves as the next page, and that is such a list's end. A full page of them may hide others behind it.
 */
function bringsOnlyBorder(at: ListState, page: PageAnswer, memory: Memory, token: string): boolean {
  const { keys } = page;
  if (indexOfName(keys, memory['tail']) < 0) return false;
  // All of the page before is its border only where the token is a value of all of its rows. Else the page was given for another one.
  const isAllAgain = keys.length > 1 && indexOfName(keys, memory['head']) === 0;
  if (isAllAgain && !isOfAllRows(page, token)) return false;
  if (isAllAgain && at.pages === 1) return !isMaybeFull(at, keys.length);
  // A list of one row, where more were asked for: no server gives one row a page.
  return keys.length < fullPage(at, memory) || (keys.length === 1 && at.asked.size > 1);
}

/** Of a list of one page nothing shows how large its pages are, but for other lists of the endpoint, and for numbers that pages have. */
function isMaybeFull({ asked, given }: ListState, count: number): boolean {
  return count >= asked.size || (count >= (given ?? 0) && isPageful(count));
}

/**
 * A page that names itself as the next one may be the page before, out of a cache that has not seen its token yet. It
 * is asked for once more before the list is said to go round.
 */
function isMaybeStale(p: Pagination, memory: Memory, token: string, used: string | undefined): boolean {
  if (token !== used || !p.guards['repeated-token'] || memory['staleAt'] === digest([token])) return false;
  memory['staleAt'] = digest([token]);
  return true;
}

function tokenOf(p: Pagination, page: PageAnswer): string | undefined {
  // What a function really gives is not known: the body may have been typed as anything.
  const next = p.next?.(page.response, page) as string | number | boolean | object | null | undefined;
  if (next === null || next === undefined || next === '' || next === false) return undefined;
  if (typeof next !== 'string' && !(typeof next === 'number' && Number.isSafeInteger(next)))
    throw new TypeError(`\`next\` gave ${JSON.stringify(next).slice(0, 60)}; it must be text, a whole number, or null`);
  if (p.kind !== 'link') return String(next);
  // An address may be relative: to the page that names it (RFC 3986 §5.1.3).
  if (!URL.canParse(String(next), page.url))
    throw new TypeError(`the address of the next page is none: "${cleanText(String(next), 100)}"`);
  return new URL(String(next), page.url).href;
}
