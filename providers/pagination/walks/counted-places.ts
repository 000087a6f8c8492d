/**
 * Names of the next page that count: `?page=2`, `?offset=100`, a cursor that is a number, or one that is a number in
 * Base64. A row that is deleted before such a place moves another one over it unseen, as in lists by number. So they
 * are read as the numbers that they are, with the same overlaps and second looks. Where a name does not count on, the
 * list is followed as it says. Pure.
 * Used by: `token-walk.ts`, the kinds `link` and `cursor`, `activities/sync/decide.ts`. Next:
 * `providers/pagination/told/counting.ts`, `numbered-walk.ts`.
 */
import type { CountedPlace, Position, Range } from '../../../contracts/list.ts';
import { saysMore } from '../end-seen.ts';
import type { PageRequest } from '../options.ts';
import { numberedRequest } from '../page-request.ts';
import type { Pagination } from '../pagination.ts';
import { statedCap } from '../result-cap.ts';
import type { ListState, PageAnswer, Step } from '../step.ts';
import { countOf, numberIn, withNumber } from '../told/counting.ts';
import { nextNumbered } from './numbered-walk.ts';
import { fallBack } from './fall-back.ts';

/** @returns the step after a page of a list whose names of pages count; undefined where they don't. */
export function followCount(
  p: Pagination,
  at: ListState,
  page: PageAnswer,
  token: string | undefined,
): Step | undefined {
  const begun = at.position?.counted;
  // It counts the rows that it was asked for, and so its end as well: there is none behind a full page.
  const isLeaping = begun?.by === 'offset' && begun.step !== undefined && page.itemCount >= Number(at.guard?.['most']);
  const more = isLeaping || (saysMore(p, at, page) ?? token !== undefined);
  // More, and no name for it: nothing can be counted on.
  if (more && token === undefined && !isLeaping) return undefined;
  const isOfLog = isLog(p, page);
  const counted = begun ?? (token !== undefined && !isOfLog && mayCount(p, at) ? keptIn(p, page, token) : undefined);
  if (!counted) return undefined;
  const { again, offset, url = p.kind === 'link' ? token : undefined } = at.position ?? {};
  const place = ({ size, ...position }: Position): Position => ({
    ...position,
    // A first page that came short says nothing of the others: rows are asked for as at first.
    ...(size === undefined || (counted.by === 'offset' && position.offset !== undefined) ? {} : { size }),
    counted,
    ...(url === undefined ? {} : { url }),
  });
  if (
    begun &&
    token !== undefined &&
    again !== 'still' &&
    !countsOn(numberIn(token, begun, url), begun, at.asked, page)
  ) {
    // Of a place that nobody has given out the first page may have come; what was given out is asked for then.
    const next = offset === undefined ? undefined : fallBack(at);
    return next?.position ? { ...next, position: place(next.position) } : undefined;
  }
  // As large as the server gives them.
  const { size } = at.asked;
  const list = begun
    ? { ...at, position: sized(at) }
    : { ...at, asked: { ...at.asked, size: Math.min(size, page.itemCount) } };
  const standing = isOfLog ? { ...p, guards: { ...p.guards, 'moved-rows': false } } : p;
  const next = nextNumbered(asNumbered(standing, counted, more), sizable(list, counted), page);
  const { position, checks } = next;
  const doubt = checks?.doubt && { ...checks.doubt, position: place(checks.doubt.position) };
  return {
    ...next,
    position: position && place(position),
    checks: checks && { ...checks, doubt: doubt ?? null },
  };
}

/**
 * A log of changes: the next run goes on from where the next page begins. So no line before that place is ever taken out, or the
 * checkpoint would be wrong, too. A row that comes again is a newer version of itself.
 */
function isLog(p: Pagination, page: PageAnswer): boolean {
  if (page.isEnd) return false; // there is no page to ask functions about
  const checkpoint = p.checkpoint?.(page.response, page) ?? '';
  return checkpoint !== '' && String(checkpoint) === String(p.next?.(page.response, page) ?? '');
}

/** With the most rows that a page had, where none was stated: a step back must not go farther. */
function sized({ position, guard, asked }: ListState): Position | null {
  if (position?.offset === undefined || position.size !== undefined) return position;
  return { ...position, size: Math.min(asked.size, Number(guard?.['most'] ?? asked.size)) };
}

/** A list by names that count, as the list by number that it is; any other as it is. */
export function asWalked<Walked extends { readonly pagination: Pagination; readonly list: ListState }>(
  walked: Walked,
): Walked {
  const { pagination, list } = walked;
  const counted = list.position?.counted;
  if (!counted) return walked;
  const { advance } = pagination;
  const stands = { ...list, position: sized(list) };
  return { ...walked, pagination: { ...asNumbered(pagination, counted), advance }, list: sizable(stands, counted) };
}

/** What to ask for in such a list: the endpoint's own request makes the first page. */
export function countedRequest(
  p: Pagination,
  counted: CountedPlace,
  position: Position,
  size: number,
  range: Range | undefined,
): PageRequest {
  const request = numberedRequest(counted.by, counted.first, position, size, range, statedCap(p));
  const { number, offset } = request;
  // As it was asked for at first, where all that follow are of that size.
  if (offset === 0) return counted.by === 'page' && counted.sizeName === undefined ? { ...request, size } : request;
  const told = withNumber(counted, counted.by === 'page' ? number * (counted.step ?? 1) : counted.first + offset);
  if (p.kind === 'cursor' || position.url === undefined) return { ...request, cursor: told };
  const url = new URL(position.url);
  url.searchParams.set(counted.name, told);
  if (counted.sizeName !== undefined) url.searchParams.set(counted.sizeName, String(request.size));
  for (const [name, value] of new URLSearchParams(counted.kept)) url.searchParams.append(name, value);
  return { ...request, url: url.href };
}

/** What names a place in a list, by whatever name: the address of another page has its own. */
const A_PLACE = /page|offset|start|skip|cursor|after|before|since|from|token|marker|index|position|^p$|^i$/i;
/** Names of a page's size have such a word as well: `per_page`, `page[size]`. */
const A_SIZE = /per[\W_]?page|page[\W_]*(size|limit|count|len)/i;

/** What was made of a list, by all that it was made from: each page would make it anew. */
const made = new WeakMap<Pagination, Map<string, Pagination>>();
/** How a third party counts in one list; more ways are made anew. */
const MOST_MADE = 50;

function asNumbered(p: Pagination, { by, first, sizeName }: CountedPlace, more?: boolean): Pagination {
  const isCut = by === 'offset' || sizeName !== undefined;
  const name = `${by} ${first} ${isCut} ${more}`;
  const known = made.get(p) ?? new Map<string, Pagination>();
  const found = known.get(name);
  if (found) return found;
  const numbered: Pagination = {
    ...p,
    kind: by,
    lanes: 1,
    firstPage: by === 'page' ? first : 1,
    overlap: isCut ? 1 : 0,
    request: (position, size, range) => numberedRequest(by, first, position, size, range, statedCap(p)),
    ...(more === undefined ? {} : { hasMore: () => more }),
  };
  if (known.size < MOST_MADE) made.set(p, known.set(name, numbered));
  return numbered;
}

const sizable = (at: ListState, { sizeName }: CountedPlace): ListState => ({
  ...at,
  isSizable: sizeName !== undefined,
});

/**
 * A number of rows or pages leads to the same list only with what the first page was asked with. Where the address is of
 * that very path, and leaves out a filter or the page size, it is asked for with these as well.
 */
function keptIn(p: Pagination, page: PageAnswer, token: string): CountedPlace | undefined {
  const counted = countOf(page, token);
  if (!counted || p.kind !== 'link') return counted;
  const [first, next] = [new URL(page.url), new URL(token)];
  if (first.pathname !== next.pathname) return counted;
  const left = [...first.searchParams].filter(
    ([name]) => !next.searchParams.has(name) && (A_SIZE.test(name) || !A_PLACE.test(name)),
  );
  return left.length === 0 ? counted : { ...counted, kept: new URLSearchParams(left).toString() };
}

function mayCount({ behind, guards }: Pagination, at: ListState): boolean {
  const isFirst = at.position === null && at.pages === 0;
  return isFirst && behind === undefined && guards['moved-rows'] && guards['repeated-token'];
}

/** Is this the number of the page behind the one that was asked for? */
function countsOn(
  told: number | undefined,
  { by, first, step }: CountedPlace,
  asked: PageRequest,
  { itemCount, keys }: PageAnswer,
): boolean {
  if (by === 'page') return told === (asked.number + 1) * (step ?? 1);
  const behind = first + asked.offset;
  if (told === behind + itemCount) return true;
  // Not as many as came, and the last row's own id: ids without gaps look like numbers of rows until one is deleted.
  return told === behind + (step ?? asked.size) && keys.at(-1) !== String(told);
}
