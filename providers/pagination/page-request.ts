/**
 * What to ask for at a position, with the page size that works at the moment. A smaller size never leaves the position.
 * A page that was cut for lanes is then read in several calls, which together bring exactly its rows. Pure.
 * Next: the endpoint's own `request`, then `activities/http/send.ts`.
 */
import type { Position, Range } from '../../contracts/list.ts';
import type { PageRequest } from './options.ts';

/**
 * @param size Items to ask for; fewer are asked for where the position needs it.
 * @param cap Nothing behind so many items is asked for, where pages can end there.
 */
export function numberedRequest(
  kind: 'page' | 'offset',
  firstPage: number,
  position: Position | null,
  size: number,
  range: Range | undefined,
  cap = Infinity,
): PageRequest {
  const request = { cursor: undefined, url: undefined, behind: undefined, range };
  if (position?.offset !== undefined) {
    const window = windowAt(kind, position.offset, Math.min(size, position.size ?? size), cap);
    return { ...request, offset: window.start, number: firstPage + window.start / window.size, size: window.size };
  }
  const { index, done, grid, stride } = cellOf(position, size);
  const offset = index * stride + done;
  if (kind === 'page') {
    const fitting = fittingSize(size, grid, done);
    return { ...request, offset, number: firstPage + offset / fitting, size: fitting };
  }
  return { ...request, offset, number: firstPage + index, size: Math.min(size, grid - done, mostBefore(cap, offset)) };
}

export interface Cell {
  readonly index: number;
  readonly done: number;
  /** Items of the page, and from the beginning of one page to the next. */
  readonly grid: number;
  readonly stride: number;
}

/** The page of a numbered list that a position is in, and how much of it is done. */
export function cellOf(position: Position | null, size: number): Cell {
  const grid = position?.size ?? size;
  return { index: position?.index ?? 0, done: position?.done ?? 0, grid, stride: position?.stride ?? grid };
}

/**
 * The window that begins at an item or just before it, and reaches farthest. Offsets begin anywhere. Page numbers begin
 * at multiples of the page size, so another size is asked for. Behind 100 items page 2 of 99 begins with the last of
 * them.
 */
function windowAt(kind: 'page' | 'offset', offset: number, size: number, cap: number): { start: number; size: number } {
  if (kind === 'offset') return { start: offset, size: Math.min(size, mostBefore(cap, offset)) };
  let best = { start: Math.floor(offset / size) * size, size };
  for (let other = size - 1; other >= size / 2 && other >= 1; other--) {
    const start = Math.floor(offset / other) * other;
    const end = start + other;
    const isOver = best.start + best.size > cap;
    if (isOver ? end > offset + 1 && end <= cap : end > best.start + best.size && end <= cap)
      best = { start, size: other };
  }
  return best;
}

function mostBefore(cap: number, offset: number): number {
  return cap > offset ? cap - offset : Infinity;
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

/**
 * Of lists whose pages name the next one.
 * @param size Items to ask for; fewer are asked for where the position needs it.
 */
export function namedRequest(position: Position | null, size: number, range: Range | undefined): PageRequest {
  const { cursor, url, behind, size: most = size } = position ?? {};
  return { cursor, url, behind, offset: 0, number: 1, size: Math.min(size, most), range };
}

/** A next link with another page size. */
export function withSize(url: string, sizeParam: string | undefined, size: number): string {
  if (sizeParam === undefined) return url;
  const [address = '', fragment] = url.split(/#(.*)/s, 2);
  const [path = '', query = ''] = address.split(/\?(.*)/s, 2);
  const params = new URLSearchParams(query);
  if (params.get(sizeParam) === String(size)) return url;
  params.set(sizeParam, String(size));
  return `${path}?${params.toString()}${fragment === undefined ? '' : `#${fragment}`}`;
}
