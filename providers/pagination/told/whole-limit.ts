/**
 * A size that the definition takes for that of a page, and that limits the whole list: `$top` of OData, `limit` of a query. A list by cursor or
 * link then ends after so many rows, and nothing names a next page. Either its next links count the size down, or its only page is as full
 * as it was asked for. That one is asked for once more, for a row less: the size of a page then has a next one. Pure.
 * Used by: `providers/pagination/walks/token-walk.ts`, `activities/sync/decide.ts`.
 */
import type { Memory } from '../loop-guard.ts';
import type { Pagination } from '../pagination.ts';
import { COMPLETE, step, type ListState, type PageAnswer, type Step } from '../step.ts';
import { fullInSilence, sizesAsked } from './more-told.ts';

/** Remembers whether the address of the next page asks for as many rows fewer as have come. @param next its name, where there is one. */
export function noteCountdown(
  p: Pagination,
  memory: Memory,
  { url, itemCount }: PageAnswer,
  next: string | undefined,
): void {
  if (p.kind !== 'link' || next === undefined || itemCount === 0 || memory['countdown'] === '') return;
  const left = new Map(sizesAsked(next));
  const isLess = ([name, size]: readonly [string, number]): boolean => left.get(name) === size - itemCount;
  memory['countdown'] = sizesAsked(url).find(isLess)?.[0] ?? '';
}

/** @returns the step after the last page of a list that may have been ended by its own size, and told no `total`; undefined where it was not. */
export function afterOwnLimit(
  p: Pagination,
  at: ListState,
  page: PageAnswer,
  { memory, total }: { readonly memory: Memory; readonly total: number | undefined },
): Step | undefined {
  if (!p.guards['more-told'] || page.isEnd) return undefined;
  const { itemCount, keys, url } = page;
  const { countdown } = memory;
  const left = sizesAsked(url).find(([name]) => name === countdown);
  if (left?.[1] === itemCount)
    return limited(at, memory, left[0], 'its next links count it down, and all of it has come');
  const isOnly = at.pages === 0 && at.position === null && itemCount === at.asked.size && keys.length === itemCount;
  const isFull =
    isOnly && fullInSilence({ body: page.response, headers: page.headers, url, status: 200, count: itemCount });
  if (!isFull || total !== undefined) return undefined;
  return step(at, {
    position: { size: itemCount - 1 },
    guard: { ...memory, onlyPage: 1 },
    isReread: true,
  });
}

/**
 * @returns the end of a list whose only page was asked for once more, for a row less; undefined where it was not. As many rows as were asked
 * for, and no next page: whichever rows they are, since a list may have moved meanwhile.
 */
export function afterShorterPage(
  at: ListState,
  page: PageAnswer,
  memory: Memory,
  next: string | undefined,
): Step | undefined {
  if (memory['onlyPage'] === undefined) return undefined;
  const [name] = sizesAsked(page.url).find(([, size]) => size === page.itemCount) ?? [];
  return next === undefined && name !== undefined
    ? limited(at, memory, name, `a row more came where it was ${page.itemCount + 1}, and no page names a next one`)
    : step(at, { guard: memory, end: COMPLETE, isReread: true });
}

/** A size that is refused says nothing of the page that had come. @returns undefined where no such page was asked for. */
export function afterRefusedSize(at: ListState): Step | undefined {
  return at.guard?.['onlyPage'] === undefined ? undefined : step(at, { end: COMPLETE, isReread: true });
}

function limited(at: ListState, guard: Memory, name: string, how: string): Step {
  const reason = `\`${name}\` limits the whole list, and not a page: ${how}. Leave it out, or page by it`;
  return step(at, { guard, end: { kind: 'truncated', reason }, isReread: true });
}
