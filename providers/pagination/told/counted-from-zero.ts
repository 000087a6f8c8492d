/**
 * Page numbers that begin with 0, where the definition begins with 1 and no answer tells. Pages that overlap are of
 * another size than the first one, and so begin elsewhere than they should, by a number of rows that is known. Rows that
 * came in at the front may move them as far; but then the first page is another one when it is looked at again. Pure.
 * Used by: `providers/pagination/walks/overlap-walk.ts`, `providers/pagination/list-end.ts`.
 */
import { nameOf, type Memory } from '../loop-guard.ts';
import type { PageRequest } from '../options.ts';
import type { Pagination } from '../pagination.ts';
import type { ListEnd, ListState } from '../step.ts';

export const FROM_ZERO: ListEnd = {
  kind: 'truncated',
  reason:
    'its second page begins where it would if pages were counted from 0, and nothing has come in at the front: ' +
    "say `firstPage: 0`, or `guards: { 'moved-rows': false }` where number 1 is the first page",
};

/**
 * Compares the second page with both ways to count. To be called for each page of a list that is read in order.
 * @param found place of the last row of the first page on this one, and where it should be; −1 when it is not there.
 * @returns true when rows stand before the first page for sure.
 */
export function noteFromZero(
  p: Pagination,
  { asked, pages, position }: ListState,
  memory: Memory,
  names: readonly string[],
  found: number,
  expected: number,
): boolean {
  if (p.kind !== 'page' || p.firstPage !== 1 || !p.guards['moved-rows']) return false;
  if (pages === 0) memory['firstSize'] = asked.size;
  const { border = [], borderAt = 0, backs = 0, pass } = position ?? {};
  if (isOtherFirst(memory, asked, names, backs > 0 && found < 0)) return true;
  if (pages !== 1 || border.length === 0 || pass !== undefined) return false;
  // Counted from 0 the first page began behind as many rows as it may have, and this one behind those of all before it.
  const begins = Number(memory['firstSize'] ?? 0) - asked.number * asked.size;
  if (begins !== -asked.offset && found === begins + borderAt + border.length - 1 && found !== expected)
    memory['fromZero'] = border.at(-1) as string;
  return found < 0 && begins > 0 && names[begins] === firstNames(memory)[0];
}

/**
 * Does number 1 begin elsewhere in another size: ahead of the row that it began with, by as many rows as it is smaller?
 * @param isLost the row is looked for which ended that page, and is not there.
 */
export function isOtherFirst(
  memory: Memory,
  { offset, size }: PageRequest,
  names: readonly string[],
  isLost = false,
): boolean {
  const ahead = Number(memory['firstSize'] ?? size) - size;
  if (offset !== 0 || ahead === 0 || names.length < 2) return false;
  const front = firstNames(memory);
  return names[ahead] === front[0] || (isLost && names.length === size && !names.some((name) => front.includes(name)));
}

const firstNames = (memory: Memory): string[] => String(memory['front'] ?? memory['began'] ?? '-').split('\n');

/** Is the first page, which is looked at again, the very same? */
export function isFromZero(memory: Memory, keys: readonly string[]): boolean {
  const last = memory['fromZero'];
  if (last === undefined || keys.length === 0 || nameOf(keys.at(-1) as string) !== last) return false;
  const began = String(memory['began'] ?? memory['front'] ?? '').split('\n');
  return began.every((name, n) => n >= keys.length || nameOf(keys[n] as string) === name);
}
