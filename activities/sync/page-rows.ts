/**
 * The rows of one page as they are stored: each key once. Two different rows under one key are a flaw of the page: one of them can't
 * be kept. Pure. Used by: `store-page.ts`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PageFlaws } from '../../db/stores/sync/page-store.ts';

export interface PageRows {
  readonly keys: readonly string[];
  /** Aligned with `keys`. */
  readonly data: readonly unknown[];
  readonly flaws: PageFlaws | null;
}

/** @param skip rows at the beginning that the page before has brought. */
export function rowsOfPage(keys: readonly string[], data: readonly unknown[], skip: number): PageRows {
  const places = new Map<string, number>();
  const different: string[] = [];
  for (let index = skip; index < keys.length; index++) {
    const key = keys[index] as string;
    const before = places.get(key);
    if (before !== undefined && !isDeepStrictEqual(data[before], data[index])) different.push(key);
    // The last one counts, at the place of the first.
    places.set(key, index);
  }
  const kept = [...places];
  return {
    keys: kept.map(([key]) => key),
    data: kept.map(([, index]) => data[index]),
    flaws:
      different.length === 0
        ? null
        : { count: different.length, reason: sameKey(different[0] as string), holds: false },
  };
}

const sameKey = (key: string): string =>
  `different rows of one page have the key "${key.slice(0, 60)}": \`key\` does not tell them apart`;
