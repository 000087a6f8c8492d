/**
 * What to ask for at a position, with the page size that works at the moment. A smaller size never leaves the position:
 * a page that was cut for lanes is then read in several calls, which together bring exactly its rows. Pure.
 * Next stop: the endpoint's own `request`, then `activities/http/send.ts`.
 */
import type { Position } from '../../db/stores/sync/unit-store.ts';
import type { PageRequest, Pagination } from '../../providers/pagination/pagination.ts';
import type { Range } from '../../providers/pagination/range.ts';

/**
 * @param size Items to ask for; fewer are asked for where the position needs it.
 */
export function pageRequest(
  pagination: Pagination<unknown, unknown>,
  position: Position | null,
  size: number,
  range: Range | undefined,
): PageRequest {
  const request = { cursor: position?.cursor, url: position?.url, range };
  if (position?.offset !== undefined) {
    return { ...request, offset: position.offset, number: pagination.firstPage, size };
  }
  const { index, done, grid } = cellOf(position, size);
  const offset = index * grid + done;
  if (pagination.kind === 'page') {
    const fitting = fittingSize(size, grid, done);
    return { ...request, offset, number: pagination.firstPage + offset / fitting, size: fitting };
  }
  const left = pagination.kind === 'offset' ? Math.min(size, grid - done) : size;
  return { ...request, offset, number: pagination.firstPage + index, size: left };
}

/** The page of a numbered list that a position is in, how much of it is done, and the size by which the list is cut. */
export function cellOf(position: Position | null, size: number): { index: number; done: number; grid: number } {
  return { index: position?.index ?? 0, done: position?.done ?? 0, grid: position?.size ?? size };
}

/** Page numbers reach a place inside a page only by a size that divides it: 40 of 100 becomes 25. */
function fittingSize(size: number, grid: number, done: number): number {
  const divisible = done === 0 ? grid : greatestCommonDivisor(grid, done);
  for (let fitting = Math.min(size, divisible); fitting > 1; fitting--) {
    if (divisible % fitting === 0) return fitting;
  }
  return 1;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** A next link, whole or relative, with another page size. */
export function withSize(url: string, sizeParam: string | undefined, size: number): string {
  const [path = '', query = ''] = url.split('?', 2);
  const params = new URLSearchParams(query);
  if (sizeParam === undefined || params.get(sizeParam) === String(size)) return url;
  params.set(sizeParam, String(size));
  return `${path}?${params.toString()}`;
}
