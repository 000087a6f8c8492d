/**
 * Rows that were taken from lists inside of other rows: `repos.nodes.flatMap((repo) => repo.issues.nodes)`. The outer
 * list is followed to its end. An inner one that has more pages is not, unless it is the one that the list goes on
 * with. Pure. Used by: `activities/page/told-of-more.ts`.
 */
import { isFields, type Fields } from '../../../contracts/values/json-text.ts';
import { moreTold } from './more-told.ts';

/** How deep the outer list may stand. */
const DEPTH = 3;

interface Inner {
  rows: number;
  /** The first one that goes on. */
  more: string | undefined;
}

/**
 * @param count rows that were found in the body.
 * @param followed what names the next page of the list: an inner list that has it is gone on with.
 * @returns in words which inner list goes on; undefined when the rows are of one list, or all inner lists are whole.
 */
export function innerMoreTold(body: unknown, count: number, followed?: string): string | undefined {
  return count === 0
    ? undefined
    : listsIn(body, DEPTH)
        .map((list) => moreInside(list, count, followed))
        .find((told) => told !== undefined);
}

function listsIn(value: unknown, depth: number): (readonly unknown[])[] {
  if (Array.isArray(value)) return [value as unknown[]];
  if (depth === 0 || !isFields(value)) return [];
  return Object.values(value).flatMap((each) => listsIn(each, depth - 1));
}

/** Where as many rows came as the inner lists of one name have together, and the outer list has another number, they are these. */
function moreInside(outer: readonly unknown[], count: number, followed: string | undefined): string | undefined {
  if (outer.length === count) return undefined;
  const found = new Map<string, Inner>();
  collect(outer, '', DEPTH, found, followed);
  for (const [at, { rows }] of found) {
    // What goes on above a list leaves rows out of it as well.
    const above = [...found].find(
      ([name, { more }]) => more !== undefined && (at === name || at.startsWith(`${name}.`)),
    );
    if (rows === count && above) return above[1].more;
  }
  return undefined;
}

/** The lists in rows, and in the rows of these. */
function collect(
  outer: readonly unknown[],
  path: string,
  depth: number,
  found: Map<string, Inner>,
  followed: string | undefined,
): void {
  if (depth === 0) return;
  for (const each of outer) {
    const row = isFields(each) && isFields(each['node']) ? each['node'] : each;
    if (!isFields(row)) continue;
    for (const [name, value] of Object.entries(row)) {
      const list = isFields(value) ? Object.values(value).find((inner) => Array.isArray(inner)) : value;
      if (!Array.isArray(list)) continue;
      const at = path === '' ? name : `${path}.${name}`;
      const all = found.get(at) ?? { rows: 0, more: undefined };
      all.rows += list.length;
      all.more ??= isFields(value) && !names(value, followed) ? goesOn(at, value, list.length) : undefined;
      found.set(at, all);
      collect(list, at, depth - 1, found, followed);
    }
  }
}

function goesOn(at: string, list: Fields, count: number): string | undefined {
  const told = moreTold({ body: list, headers: {}, status: 200, count });
  return told?.replace(/^`/, `\`${at}.`);
}

/** Whether it stands beside the rows, or in what stands beside them (`pageInfo.endCursor`). */
function names(list: Fields, token: string | undefined): boolean {
  if (token === undefined) return false;
  const beside = Object.values(list).flatMap((value) => (isFields(value) ? Object.values(value) : [value]));
  return beside.some((value) => (typeof value === 'string' || typeof value === 'number') && String(value) === token);
}
