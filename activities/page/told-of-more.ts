/**
 * What a page says of rows that nobody asks for. It tells of more than it is taken for, or holds the beginnings of
 * lists that go on.
 * Used by: `store-page.ts`. Next: `providers/pagination/told/more-told.ts` and `providers/pagination/told/inner-lists.ts` look for it.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { beforeTold, flagBefore } from '../../providers/pagination/told/before-told.ts';
import { saysMore } from '../../providers/pagination/end-seen.ts';
import { innerMoreTold } from '../../providers/pagination/told/inner-lists.ts';
import { countsTold, fullInSilence, moreTold, type LastPage } from '../../providers/pagination/told/more-told.ts';
import { isNumbered } from '../../providers/pagination/pagination.ts';
import { endedAfter, isSuspicious } from '../../providers/pagination/result-cap.ts';
import type { ListEnd, Step } from '../../providers/pagination/step.ts';
import { stateOf, type Attempt } from '../sync/attempt.ts';
import type { ReadPage } from './read-page.ts';

/**
 * A list that would end here as complete, while its answer says that more follows. Numbered lists see their end by
 * themselves, but for one that has no rows at all. (A short page that names a next one ends none:
 * `providers/pagination/end-seen.ts`.) Where the definition says by `hasMore` that nothing follows, it knows. But of a first page without
 * rows that says nothing of those which its answer counts.
 */
export function endToldOfMore(
  attempt: Attempt,
  page: ReadPage,
  { headers, status }: Answer,
  url: string,
  step: Step,
  checkpoint: string | undefined,
): ListEnd | undefined {
  const { node, unit, since, input } = attempt;
  const { json, rows, response } = page;
  const { end, split } = step;
  const { name, paginate } = node.endpoint;
  const { kind, isOneRow, comesInPieces, guards, total } = paginate;
  // What follows is for the parts of a list that is split.
  if (end?.kind !== 'complete' || split || isOneRow || comesInPieces || !guards['more-told']) return undefined;
  // A count may be of all rows, and not of those that have changed.
  const isNone = kind !== 'single' && isFirst(unit) && rows.length === 0 && since === undefined;
  const first = isNone ? undefined : firstPageMissing(attempt, page, headers, step);
  if (first !== undefined) return { kind: 'truncated', reason: first };
  // A page that was looked at again is not the last one.
  if ((isNumbered(paginate) && !isNone) || unit.position?.again) return undefined;
  const isOnly = kind !== 'single' && isFirst(unit) && rows.length > 0 && since === undefined;
  const before = isOnly ? flagBefore({ body: json, count: rows.length }) : undefined;
  if (before !== undefined) {
    const reason = `${before} on the only page that "${name}" asks for: it is read from its end, or begins with another page`;
    return { kind: 'truncated', reason };
  }
  const lacking = isOnly || isNone || kind === 'single' ? undefined : countedBehindFull(attempt, page, headers, step);
  if (lacking !== undefined) return { kind: 'truncated', reason: lacking };
  const answered = { response, headers, url, input, itemCount: rows.length };
  const isCountedNone = isNone && !total;
  if (kind !== 'single' && !isCountedNone && saysMore(paginate, stateOf(attempt), answered) === false) return undefined;
  const isWhole = kind === 'single' || (unit.pages === 0 && rows.length > 0);
  const against = isCountedNone ? 'counts' : !isWhole ? 'flags' : total ? 'next' : 'all';
  const last: LastPage = { body: json, headers, url, status, count: rows.length, against, checkpoint };
  const told = moreTold(last) ?? (kind === 'single' ? fullInSilence(last) : undefined);
  if (told === undefined) return kind === 'single' ? cutAtCap(attempt, last) : undefined;
  const missed =
    kind === 'single'
      ? `\`paginate\` of "${name}" reads one page alone; say how the next one is found`
      : isNone
        ? `the first page that "${name}" asks for has none${kind === 'page' ? ' (is its number 0? `firstPage: 0`)' : ''}`
        : `\`next\` of "${name}" has found no next page in it`;
  return { kind: 'truncated', reason: `${told}: more follows, and ${missed}, or \`guards: { 'more-told': false }\`` };
}

/** A whole list of as many rows as third parties like to stop at, where no list of the endpoint has had more, and no count says the same. */
function cutAtCap({ node, unit, job }: Attempt, last: LastPage): ListEnd | undefined {
  const { name, paginate } = node.endpoint;
  const { count } = last;
  const total = job?.told.rows ?? countsTold(last).find(({ told, isOfPages }) => !isOfPages && told === count)?.told;
  if (!isSuspicious(paginate, unit, 'told', total, count)) return undefined;
  const reason =
    `${endedAfter(count)}: probably the third party's cap, and \`paginate\` of "${name}" reads one page alone; ` +
    "say how the next one is found, or `guards: { 'more-told': false }`";
  return { kind: 'capped', reason };
}

/**
 * A list by cursor or link whose last rows fill a page as full as any before it, while its answer counts more rows than came. Either sign
 * alone is common in whole lists. Its definition reads no count.
 */
function countedBehindFull(
  { node, unit, since }: Attempt,
  { json, rows }: ReadPage,
  headers: Answer['headers'],
  { skip, guard }: Step,
): string | undefined {
  const { name, paginate } = node.endpoint;
  const last = rows.length > 0 ? rows.length : Number(guard['beforeItems'] ?? 0);
  const isFull = last >= Number(guard['most'] ?? Infinity);
  if (!isFull || paginate.total || since !== undefined) return undefined;
  const came = unit.rows + rows.length - skip;
  const lacks = countsTold({ body: json, headers, count: rows.length }).find(
    ({ told, isOfPages }) => !isOfPages && told > came,
  );
  return (
    lacks &&
    `${lacks.at} is ${lacks.told}, ${came} rows came, and its last rows fill a page: say what \`total\` of "${name}" is, ` +
      "or `guards: { 'more-told': false }`"
  );
}

/**
 * A list by page number that ends with a page of rows, or a page, less than its answers count. Its definition reads no
 * count. Its first page has the number 0.
 */
function firstPageMissing(
  attempt: Attempt,
  { json, rows }: ReadPage,
  headers: Answer['headers'],
  { skip, guard }: Step,
): string | undefined {
  const { node, unit, since } = attempt;
  const { name, paginate } = node.endpoint;
  const { kind, firstPage, total, pageSize } = paginate;
  if (kind !== 'page' || firstPage !== 1 || total || since !== undefined || unit.isLaned) return undefined;
  const came = unit.rows + (unit.position?.again ? 0 : Math.max(0, rows.length - skip));
  const most = Number(guard['most'] ?? rows.length);
  const blank = Number(guard['blankAt'] ?? NaN) + 1;
  const lacks = countsTold({ body: json, headers, count: rows.length }).find(({ told, isOfPages }) => {
    if (isOfPages) return told === blank;
    // Where one page is all that came, and its size is not asked for, how large the others are is not known.
    const isAny = came <= most && !stateOf(attempt).isSizable;
    return told > came && (isAny || [most, pageSize.start].includes(told - came));
  });
  if (!lacks) return undefined;
  const what = lacks.isOfPages ? 'page' : 'row';
  return (
    `${lacks.at} is ${lacks.told}, and ${lacks.isOfPages ? blank - 1 : came} ${what}s came: ` +
    `are the pages of "${name}" counted from 0? Say \`firstPage: 0\`, or what \`total\` is, or \`guards: { 'more-told': false }\``
  );
}

/** The first page of a list by number that is not its first: the pages before it are asked for by nobody. */
export function pagesBefore(
  { node, unit }: Attempt,
  { json, rows }: ReadPage,
  { headers }: Answer,
  url: string,
): string | undefined {
  const { name, paginate } = node.endpoint;
  if (paginate.kind !== 'page' || !isFirst(unit) || !paginate.guards['more-told']) return undefined;
  const told = beforeTold({ body: json, headers, url, count: rows.length });
  return told && `${told}: there are pages of "${name}" before number ${paginate.firstPage}, with which it begins`;
}

/** Rows of lists inside of rows, one of which goes on: the outer list is all that is followed. */
export function innerMore(
  { node, input }: Attempt,
  { json, rows, response }: ReadPage,
  { headers }: Answer,
  url: string,
): string | undefined {
  const { name, paginate } = node.endpoint;
  if (paginate.isOneRow || paginate.comesInPieces || !paginate.guards['more-told']) return undefined;
  if (innerMoreTold(json, rows.length) === undefined) return undefined;
  const next = paginate.next?.(response, { headers, url, input }) as unknown;
  const followed = typeof next === 'string' || typeof next === 'number' ? String(next) : undefined;
  const told = innerMoreTold(json, rows.length, followed);
  return (
    told &&
    `${told} in a row of "${name}": \`items\` takes rows from it, and no one asks for its next page; \`nested\` does`
  );
}

/** The first page of its list; that of a lane is another one. */
function isFirst({ pages, position }: Attempt['unit']): boolean {
  return pages === 0 && position === null;
}
