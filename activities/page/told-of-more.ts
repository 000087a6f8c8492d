/**
 * What a page says of rows that nobody asks for: it tells of more than it is taken for, or holds the beginnings of lists that go on.
 * Used by: `store-page.ts`. Next: `providers/pagination/told/more-told.ts` and `providers/pagination/told/inner-lists.ts` look for it.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { beforeTold } from '../../providers/pagination/told/before-told.ts';
import { innerMoreTold } from '../../providers/pagination/told/inner-lists.ts';
import { fullInSilence, moreTold, type LastPage } from '../../providers/pagination/told/more-told.ts';
import { isNumbered } from '../../providers/pagination/pagination.ts';
import type { ListEnd, Step } from '../../providers/pagination/step.ts';
import type { Attempt } from '../sync/attempt.ts';
import type { ReadPage } from './read-page.ts';

/**
 * A list that would end here as complete, while its answer says that more follows. Numbered lists see their end by themselves (a short
 * page that names a next one ends none: `providers/pagination/end-seen.ts`), but for one that has no rows at all; where the definition says by
 * `hasMore` that nothing follows, it knows.
 */
export function endToldOfMore(
  { node, unit, since, input }: Attempt,
  { json, rows, response }: ReadPage,
  { headers, status }: Answer,
  url: string,
  { end }: Step,
  checkpoint: string | undefined,
): ListEnd | undefined {
  const { name, paginate } = node.endpoint;
  const { kind, isOneRow, comesInPieces, guards, hasMore, total } = paginate;
  if (end?.kind !== 'complete' || isOneRow || comesInPieces || !guards['more-told']) return undefined;
  // A count may be of all rows, and not of those that have changed.
  const isNone = kind !== 'single' && isFirst(unit) && rows.length === 0 && since === undefined;
  // A page that was looked at again is not the last one.
  if ((isNumbered(paginate) && !isNone) || unit.position?.again) return undefined;
  if (kind !== 'single' && hasMore?.(response, { headers, url, input }) === false) return undefined;
  const isWhole = kind === 'single' || (unit.pages === 0 && rows.length > 0);
  const against = isNone && !total ? 'counts' : !isWhole ? 'flags' : total ? 'next' : 'all';
  const last: LastPage = { body: json, headers, status, count: rows.length, against, checkpoint };
  const told = moreTold(last) ?? (kind === 'single' ? fullInSilence(last, url) : undefined);
  if (told === undefined) return undefined;
  const missed =
    kind === 'single'
      ? `\`paginate\` of "${name}" reads one page alone; say how the next one is found`
      : isNone
        ? `the first page that "${name}" asks for has none${kind === 'page' ? ' (is its number 0? `firstPage: 0`)' : ''}`
        : `\`next\` of "${name}" has found no next page in it`;
  return { kind: 'truncated', reason: `${told}: more follows, and ${missed}, or \`guards: { 'more-told': false }\`` };
}

/** The first page of a list by number that is not its first: the pages before it are asked for by nobody. */
export function pagesBefore(
  { node, unit }: Attempt,
  { json, rows }: ReadPage,
  { headers }: Answer,
): string | undefined {
  const { name, paginate } = node.endpoint;
  if (paginate.kind !== 'page' || !isFirst(unit) || !paginate.guards['more-told']) return undefined;
  const told = beforeTold({ body: json, headers, count: rows.length });
  return told && `${told}: there are pages of "${name}" before number ${paginate.firstPage}, with which it begins`;
}

/** Rows of lists inside of rows, one of which goes on: the outer list is all that is followed. */
export function innerMore({ node }: Attempt, { json, rows }: ReadPage): string | undefined {
  const { name, paginate } = node.endpoint;
  if (paginate.isOneRow || paginate.comesInPieces || !paginate.guards['more-told']) return undefined;
  const told = innerMoreTold(json, rows.length);
  return (
    told &&
    `${told} in a row of "${name}": \`items\` takes rows from it, and no one asks for its next page; \`nested\` does`
  );
}

/** The first page of its list; that of a lane is another one. */
function isFirst({ pages, position }: Attempt['unit']): boolean {
  return pages === 0 && position === null;
}
