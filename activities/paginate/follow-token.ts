/**
 * Lists whose pages name the next one, by cursor or address. What ends such a list is the answer itself: no token, or a
 * flag that says so; an empty page with a token does not. Pure. Next stop: `loop-guard.ts`.
 */
import type { Pagination } from '../../providers/pagination/pagination.ts';
import { watchForLoop } from './loop-guard.ts';
import { cappedEnd, isAtCap, isTooLong } from './result-cap.ts';
import { step, type ListEnd, type PageAnswer, type Standing, type Step } from './step.ts';

export function followToken(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Step {
  const { guards } = pagination;
  const total = page.isEnd ? undefined : (pagination.total?.(page.response) ?? undefined);
  const facts = { total: pagination.totalIs === 'exact' && guards['missing-rows'] ? (total ?? null) : null };
  if (at.pages === 0 && isTooLong(pagination, total)) {
    const early = cappedEnd(pagination, at.asked.range, `there are ${total} items`);
    if (early.split) return step(at, { ...facts, ...early });
  }

  const more = page.isEnd ? false : pagination.hasMore?.(page.response);
  const token = more === false ? undefined : tokenOf(pagination, page);
  if (token === undefined) {
    if (more === true) {
      const reason = 'the last page says that more follows but names no next page';
      return step(at, { ...facts, end: { kind: 'truncated', reason } });
    }
    return step(at, { ...facts, ...endOf(pagination, at, page, facts.total) });
  }

  const { memory, end } = watchForLoop(at.guard, {
    token,
    used: at.position?.cursor ?? at.position?.url,
    keys: page.keys,
    pagesBefore: at.pages,
    maxPages: pagination.maxPages,
    maxEmpty: undefined,
    guards,
  });
  if (end) return step(at, { ...facts, guard: memory, end });
  return step(at, {
    ...facts,
    guard: memory,
    position: pagination.kind === 'cursor' ? { cursor: token } : { url: token },
  });
}

function tokenOf(pagination: Pagination<unknown, unknown>, page: PageAnswer): string | undefined {
  const next = page.isEnd ? undefined : pagination.next?.(page.response, page.headers);
  return next === null || next === undefined || next === '' ? undefined : String(next);
}

function endOf(
  pagination: Pagination<unknown, unknown>,
  at: Standing,
  page: PageAnswer,
  total: number | null,
): Pick<Step, 'end' | 'split'> | { readonly end: ListEnd } {
  const items = at.items + page.itemCount;
  const wasFull = at.pages > 0 && (page.itemCount === 0 || page.itemCount >= at.asked.size);
  const isCounted = total !== null && total <= items;
  if (wasFull && !isCounted && isAtCap(pagination, items)) {
    return cappedEnd(
      pagination,
      at.asked.range,
      `the list ended after exactly ${items} items with a full page${total === null ? '' : ` of ${total}`}`,
    );
  }
  return { end: { kind: 'complete' } };
}
