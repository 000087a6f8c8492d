/**
 * Lists by offset that change while they are read. Each page begins some rows before the end of the last one; while those
 * rows are found again nothing was lost: rows that were inserted only push old ones over the border a second time. When
 * they are not found, so many rows before the border were deleted that some moved over it unseen: the list steps back a
 * page and looks again. Pure. Next stop: `loop-guard.ts`.
 */
import type { Pagination } from '../../providers/pagination/pagination.ts';
import { digest, watchForLoop } from './loop-guard.ts';
import { cappedEnd, isAtCap } from './result-cap.ts';
import { step, type PageAnswer, type Standing, type Step } from './step.ts';

/** Steps back in a row after which the list changes faster than it can be read. */
const MAX_STEPS_BACK = 5;

export function nextOverlapping(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Step {
  const { offset, size } = at.asked;
  const { itemCount, keys } = page;
  const total = page.isEnd ? undefined : (pagination.total?.(page.response) ?? undefined);
  const facts = {
    total: pagination.totalIs === 'exact' && pagination.guards['missing-rows'] ? (total ?? null) : null,
  };
  const prints = keys.map((key) => digest([key]));
  const border = at.position?.border ?? [];
  const backs = at.position?.backs ?? 0;
  const found = lastIndexOfAny(prints, border);

  if (border.length > 0 && found < 0 && offset > 0) {
    if (backs >= MAX_STEPS_BACK) {
      const reason = `the rows before offset ${offset} were not found again after ${backs} steps back: the list changes faster than it is read`;
      return step(at, { ...facts, end: { kind: 'truncated', reason } });
    }
    const position = { offset: Math.max(0, offset - size + pagination.overlap), border, backs: backs + 1 };
    return step(at, { ...facts, position, isReread: true });
  }

  const more = page.isEnd ? false : pagination.hasMore?.(page.response);
  const reached = offset + itemCount;
  const hasNew = itemCount - 1 > found;
  const isShort = itemCount < size;
  // A full page without a new row is no end: so many rows were inserted, or offsets are not looked at.
  const endsHere =
    more === false || (more !== true && isShort && (!hasNew || (pagination.lastPage === 'short' && backs === 0)));
  if (endsHere) {
    const isCounted = total !== undefined && total <= reached;
    const isCut = !isCounted && offset > 0 && isAtCap(pagination, reached);
    if (isCut) return step(at, { ...facts, ...cappedEnd(pagination, at.asked.range, `ended after ${reached} items`) });
    return step(at, { ...facts, end: { kind: 'complete' } });
  }
  const { memory, end } = watchForLoop(at.guard, {
    token: undefined,
    used: undefined,
    keys: page.keys,
    pagesBefore: at.pages,
    maxPages: pagination.maxPages,
    maxEmpty: undefined,
    guards: pagination.guards,
  });
  if (end && !(end.kind === 'looped' && backs > 0)) return step(at, { ...facts, guard: memory, end });
  const position = {
    // At least one row on, or an overlap as large as what came would stand still.
    offset: itemCount === 0 ? offset + size : Math.max(offset + 1, reached - pagination.overlap),
    border: itemCount === 0 ? border : prints.slice(-pagination.overlap),
    // From the beginning again: only a border that is found shows that reading keeps up.
    ...(found < 0 && backs > 0 ? { backs } : {}),
  };
  return step(at, { ...facts, guard: memory, position, isReread: backs > 0 });
}

function lastIndexOfAny(prints: readonly string[], wanted: readonly string[]): number {
  return prints.findLastIndex((print) => wanted.includes(print));
}
