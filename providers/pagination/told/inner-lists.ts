/**
 * Rows that were taken from lists inside of other rows, `repos.nodes.flatMap((repo) => repo.issues.nodes)`: the outer list is followed to
 * its end, and an inner one that has more pages is not. Pure. Used by: `activities/page/told-of-more.ts`.
 */
import { isFields, type Fields } from '../../../contracts/values/json-text.ts';

/** How deep the outer list may stand. */
const DEPTH = 3;

interface Inner {
  rows: number;
  /** The first one that goes on. */
  more: string | undefined;
}

/**
 * @param count rows that were found in the body.
 * @returns in words which inner list goes on; undefined when the rows are of one list, or all inner lists are whole.
 */
export function innerMoreTold(body: unknown, count: number): string | undefined {
  return count === 0
    ? undefined
    : listsIn(body, DEPTH)
        .map((list) => moreInside(list, count))
        .find((told) => told !== undefined);
}

function listsIn(value: unknown, depth: number): (readonly unknown[])[] {
  if (Array.isArray(value)) return [value as unknown[]];
  if (depth === 0 || !isFields(value)) return [];
  return Object.values(value).flatMap((each) => listsIn(each, depth - 1));
}

/** Where as many rows came as the inner lists of one name have together, and the outer list has another number, they are these. */
function moreInside(outer: readonly unknown[], count: number): string | undefined {
  if (outer.length === count) return undefined;
  const found = new Map<string, Inner>();
  for (const each of outer) {
    const row = isFields(each) && isFields(each['node']) ? each['node'] : each;
    if (!isFields(row)) continue;
    for (const [name, value] of Object.entries(row)) {
      const list = isFields(value) ? Object.values(value).find((inner) => Array.isArray(inner)) : undefined;
      if (!Array.isArray(list)) continue;
      const all = found.get(name) ?? { rows: 0, more: undefined };
      all.rows += list.length;
      all.more ??= goesOn(name, value as Fields);
      found.set(name, all);
    }
  }
  return [...found.values()].find(({ rows, more }) => rows === count && more !== undefined)?.more;
}

function goesOn(name: string, { pageInfo, has_more: hasMore, hasMore: more }: Fields): string | undefined {
  if (isFields(pageInfo) && pageInfo['hasNextPage'] === true) return `\`${name}.pageInfo.hasNextPage\` is true`;
  return hasMore === true || more === true
    ? `\`${name}.${hasMore === true ? 'has_more' : 'hasMore'}\` is true`
    : undefined;
}
