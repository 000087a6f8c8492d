/**
 * Where a list goes after one page: the next position, more lanes, or a typed end. Pure: definition, position and answer
 * in, facts out. Next stop: `db/unit-store.ts` stores them together with the rows.
 */
import type { EndKind } from '../../contracts/run.ts';
import type { GuardMemory, Position } from '../../db/unit-store.ts';
import type { PageRequest, Pagination } from '../../providers/pagination.ts';
import { watchForLoop } from './loop-guard.ts';

/** Sizes at which third parties like to stop without saying so. */
const COMMON_CAPS = new Set([1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000]);

export interface Standing {
  readonly position: Position | null;
  readonly pageSize: number;
  readonly pages: number;
  readonly rows: number;
  readonly guard: GuardMemory | null;
  readonly isLaned: boolean;
}

export interface PageAnswer {
  readonly response: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly itemCount: number;
  readonly keys: readonly string[];
}

export interface Step {
  readonly position: Position | null;
  readonly pageSize: number;
  readonly guard: GuardMemory;
  readonly end: { readonly kind: EndKind; readonly reason?: string } | null;
  readonly spawn: number;
  readonly nextPosition: number | null;
  readonly endPosition: number | null;
}

/** What to ask for at a position. */
export function pageRequest(
  pagination: Pagination<unknown, unknown>,
  position: Position | null,
  size: number,
): PageRequest {
  const index = position?.index ?? 0;
  return {
    cursor: position?.cursor,
    url: position?.url,
    offset: position?.offset ?? index * size,
    number: pagination.firstPage + index,
    size,
  };
}

/** The step after a page. */
export function advance(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Step {
  switch (pagination.kind) {
    case 'single':
      return step(at, { end: { kind: 'complete' } });
    case 'cursor':
    case 'link':
      return followToken(pagination, at, page);
    case 'page':
    case 'offset':
      return at.isLaned ? nextInLane(pagination, at, page) : beforeLanes(pagination, at, page);
  }
}

function followToken(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Step {
  const next = pagination.next?.(page.response, page.headers);
  const token = next === null || next === undefined || next === '' ? undefined : String(next);
  if (token === undefined) return step(at, { end: endOf(at, page) });
  const { memory, loop } = watchForLoop(at.guard, {
    token,
    keys: page.keys,
    pagesBefore: at.pages,
    maxPages: pagination.maxPages,
  });
  const used = at.position?.cursor ?? at.position?.url;
  const evidence = used === token ? `page ${at.pages + 1} names itself as the next page` : loop;
  if (evidence) return step(at, { guard: memory, end: { kind: 'looped', reason: evidence } });
  return step(at, { guard: memory, position: pagination.kind === 'cursor' ? { cursor: token } : { url: token } });
}

/** Lane 0 alone, until it is known how the list is cut. */
function beforeLanes(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Step {
  if (page.itemCount === 0) return step(at, { end: endOf(at, page) });
  const index = at.position?.index ?? 0;
  const total = pagination.total?.(page.response) ?? undefined;
  const seen = index * at.pageSize + page.itemCount;
  const isFull = page.itemCount >= at.pageSize;
  if (total !== undefined && total <= seen && !(isFull && total < seen)) return step(at, { end: { kind: 'complete' } });
  const { memory, loop } = watchForLoop(at.guard, {
    token: undefined,
    keys: page.keys,
    pagesBefore: at.pages,
    maxPages: pagination.maxPages,
  });
  if (loop) return step(at, { guard: memory, end: { kind: 'looped', reason: loop } });
  // A short first page means that the list ends or that the server gives fewer than asked for. Offsets must then go on
  // from what really came: with its size as ours the next page tells which it was.
  const size = !isFull && pagination.kind === 'offset' && index === 0 ? page.itemCount : at.pageSize;
  const totalPages = total === undefined || total < seen ? null : Math.ceil(total / size);
  const left = totalPages === null ? pagination.lanes : totalPages - index - 1;
  const isCutKnown = isFull || totalPages !== null;
  if (!isCutKnown) return step(at, { guard: memory, pageSize: size, position: { index: index + 1 } });
  return step(at, {
    guard: memory,
    pageSize: size,
    position: { index: index + 1 },
    spawn: Math.max(1, Math.min(pagination.lanes, left)),
    nextPosition: index + 1,
    endPosition: totalPages,
  });
}

/** A lane: a blank page ends the list for all of them, any other one is followed by the next free position. */
function nextInLane(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Step {
  const index = at.position?.index ?? 0;
  if (page.itemCount === 0) return step(at, { end: { kind: 'complete' }, endPosition: index });
  const { memory, loop } = watchForLoop(at.guard, {
    token: undefined,
    keys: page.keys,
    pagesBefore: at.pages,
    maxPages: pagination.maxPages,
  });
  if (loop) return step(at, { guard: memory, end: { kind: 'looped', reason: loop }, endPosition: index });
  return step(at, { guard: memory, position: at.position });
}

function endOf(at: Standing, page: PageAnswer): { kind: EndKind; reason?: string } {
  const rows = at.rows + page.itemCount;
  const wasFull = page.itemCount >= at.pageSize || page.itemCount === 0;
  return at.pages > 0 && wasFull && COMMON_CAPS.has(rows)
    ? {
        kind: 'capped',
        reason: `the list ended after exactly ${rows} rows with a full page: probably the third party's cap, not its end`,
      }
    : { kind: 'complete' };
}

function step(at: Standing, changes: Partial<Step>): Step {
  return {
    position: at.position,
    pageSize: at.pageSize,
    guard: at.guard ?? {},
    end: null,
    spawn: 0,
    nextPosition: null,
    endPosition: null,
    ...changes,
  };
}
