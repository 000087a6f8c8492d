/**
 * The rows of one page as they are stored: each key once. Two different rows under one key are a flaw of the page,
 * since one of them can't be kept. So are rows that were set aside. Pure. Used by: `store-page.ts`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AsideRow } from '../../contracts/answers/aside.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { PageFlaws } from '../../db/stores/sync/page-store.ts';
import type { ReadRow } from './read-page.ts';

export interface PageRows {
  readonly keys: readonly string[];
  /** Keys of rows that say that they are gone. */
  readonly gone: readonly string[];
  /** Aligned with `keys`, as are their places in the page. */
  readonly data: readonly unknown[];
  /** What they were made of, and behind these the items that are gone. */
  readonly items: readonly unknown[];
  readonly places: readonly number[];
  readonly aside: readonly AsideRow[];
  readonly flaws: PageFlaws | null;
}

export const NO_ROWS: PageRows = { keys: [], gone: [], data: [], items: [], places: [], aside: [], flaws: null };

/**
 * @param skip rows at the beginning that the page before has brought.
 * @param tellsChanges the list says what has changed (a delta), and may say it twice of one row.
 */
export function rowsOfPage(rows: readonly ReadRow[], skip: number, tellsChanges = false): PageRows {
  return plainRows(rows, skip) ?? sortedOut(rows, skip, tellsChanges);
}

/** Nearly every page: each row is to be stored, and no key comes twice. */
function plainRows(rows: readonly ReadRow[], skip: number): PageRows | undefined {
  const all = skip === 0 ? rows : rows.slice(skip);
  if (all.some(({ aside, isGone }) => aside || isGone)) return undefined;
  const keys = all.map(({ key }) => key);
  if (new Set(keys).size < keys.length) return undefined;
  return {
    ...NO_ROWS,
    keys,
    data: all.map(({ data }) => data),
    items: all.map(({ item }) => item),
    places: all.map((_, index) => skip + index),
  };
}

function sortedOut(rows: readonly ReadRow[], skip: number, tellsChanges: boolean): PageRows {
  const places = new Map<string, number>();
  const different: string[] = [];
  const aside: AsideRow[] = [];
  for (let index = skip; index < rows.length; index++) {
    const row = rows[index] as ReadRow;
    if (row.aside) {
      aside.push(row.aside);
      continue;
    }
    const before = places.get(row.key);
    const isOther = before !== undefined && !rows[before]?.isGone && !row.isGone;
    if (isOther && !isDeepStrictEqual(rows[before]?.data, row.data) && !(tellsChanges && isNewer(rows[before], row)))
      different.push(row.key);
    // The last one counts, at the place of the first.
    places.set(row.key, index);
  }
  const kept: number[] = [];
  const gone: number[] = [];
  for (const index of places.values()) (rows[index]?.isGone ? gone : kept).push(index);
  const keyAt = (index: number): string => (rows[index] as ReadRow).key;
  return {
    keys: kept.map(keyAt),
    gone: gone.map(keyAt),
    data: kept.map((index) => rows[index]?.data),
    items: [...kept, ...gone].map((index) => rows[index]?.item),
    places: kept,
    aside,
    flaws: allFlaws(
      different.length === 0
        ? null
        : { count: different.length, reason: sameKey(different[0] as string), holds: false },
      asideFlaws(aside),
    ),
  };
}

/** A row of its own id, told in the same fields or with some more or less of them, is itself, later. */
function isNewer(before: ReadRow | undefined, now: ReadRow): boolean {
  const [was, is] = [fieldsOf(before?.item), fieldsOf(now.item)];
  if (!was || !is) return false;
  const id = ['id', '_id', 'uuid'].find((name) => is[name] !== undefined);
  if (id === undefined || !isDeepStrictEqual(was[id], is[id])) return false;
  return has(was, is) || has(is, was);
}

const fieldsOf = (item: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : undefined;

const has = (all: object, some: object): boolean => Object.keys(some).every((name) => Object.hasOwn(all, name));

/** What is wrong with a page in all: the first reason is told. */
export function allFlaws(...flaws: readonly (PageFlaws | null)[]): PageFlaws | null {
  return flaws.reduce(
    (all, one) =>
      all && one ? { count: all.count + one.count, reason: all.reason, holds: all.holds || one.holds } : (all ?? one),
    null,
  );
}

/** Rows in quarantine are read again from there; one that could not be kept must be asked for again. */
export function asideFlaws(aside: readonly AsideRow[]): PageFlaws | null {
  const [first] = aside;
  if (!first) return null;
  const where = first.path === '' ? '' : `${first.path.replaceAll(/\b\d+\b/g, '*')}: `;
  const reason = `rows that do not fit are in quarantine, the first because of ${where}${first.reason}`;
  return { count: aside.length, reason, holds: aside.some(({ row }) => row === null) };
}

const sameKey = (key: string): string =>
  `different rows of one page have the key "${cleanText(key, 60)}": \`key\` does not tell them apart`;
