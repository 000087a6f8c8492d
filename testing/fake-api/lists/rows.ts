/**
 * The rows behind a list. They are given as an array, which a test may change while it is paged. Or they are made up by
 * index, so that a million rows cost no memory. Filters by time and order are applied here.
 * Next: `lists.ts` cuts pages from them.
 */
import type { FakeCall } from '../call.ts';

/** A row when the test has not said what rows look like. */
export interface DefaultRow {
  readonly id: string;
  /** Its index from 0. */
  readonly n: number;
  /** One minute apart, ascending. */
  readonly updatedAt: string;
}

/** Rows of one call: how many, and the one at an index. */
export interface Rows {
  readonly length: number;
  at(index: number): object;
}

export interface RowFilters {
  /** Query parameter that keeps rows changed at or after it. A string is the parameter; the field is `updatedAt`. */
  readonly since?: string | { readonly param: string; readonly field?: string };
  /** Query parameters of a range, both ends included; values are compared as numbers or else as strings. */
  readonly range?: { readonly from: string; readonly to: string; readonly field: string };
  /** Query parameter that turns the list round when it is `desc`. */
  readonly order?: string;
}

const firstRowAt = Date.UTC(2024, 0, 1);

/** `u1-0`, `u1-1`, … for the list of `u1`: ids are unique over parents, so that mixed-up parents show. */
export function defaultRow(params: Readonly<Record<string, string>>, index: number): DefaultRow {
  const parent = Object.values(params).join('/');
  const id = parent === '' ? String(index) : `${parent}-${index}`;
  return { id, n: index, updatedAt: new Date(firstRowAt + index * 60_000).toISOString() };
}

/** The rows that a call asks for, filtered and ordered. `cacheKey` is unique for one made-up list; undefined = array. */
export function createRowReader(filters: RowFilters) {
  const since = typeof filters.since === 'string' ? { param: filters.since } : filters.since;
  const cache = new Map<string, readonly number[]>();

  const wantedBy = (query: URLSearchParams): ((row: object) => boolean) | undefined => {
    const sinceValue = since && query.get(since.param);
    const from = filters.range && query.get(filters.range.from);
    const to = filters.range && query.get(filters.range.to);
    if (!sinceValue && !from && !to) return undefined;
    const sinceField = since?.field ?? 'updatedAt';
    const rangeField = filters.range?.field ?? 'updatedAt';
    return (row) =>
      (!sinceValue || compareValues(fieldOf(row, sinceField), sinceValue) >= 0) &&
      (!from || compareValues(fieldOf(row, rangeField), from) >= 0) &&
      (!to || compareValues(fieldOf(row, rangeField), to) <= 0);
  };

  return {
    read(all: Rows, call: FakeCall, isMadeUp: boolean): Rows {
      const { query } = call;
      const wanted = wantedBy(query);
      const isReversed = filters.order !== undefined && query.get(filters.order) === 'desc';
      let rows = all;
      if (wanted !== undefined) {
        // Made-up rows never change, so the places of the wanted ones are found once for each filter.
        const key = isMadeUp ? `${call.path}?${this.filterOf(query)} ${all.length}` : undefined;
        let places = key === undefined ? undefined : cache.get(key);
        if (places === undefined) {
          places = Array.from({ length: all.length }, (_, i) => i).filter((i) => wanted(all.at(i)));
          if (cache.size > 200) cache.clear();
          if (key !== undefined) cache.set(key, places);
        }
        const found = places;
        rows = { length: found.length, at: (i) => all.at(found[i] as number) };
      }
      return isReversed ? { length: rows.length, at: (i) => rows.at(rows.length - 1 - i) } : rows;
    },
    /** The filters of a call as text: part of its position. */
    filterOf(query: URLSearchParams): string {
      const names = [since?.param, filters.range?.from, filters.range?.to, filters.order];
      return names
        .filter((name) => name !== undefined && query.has(name))
        .map((name) => `${name}=${query.get(name as string)}`)
        .join('&');
    },
  };
}

function fieldOf(row: object, field: string): unknown {
  return (row as Record<string, unknown>)[field];
}

function compareValues(value: unknown, bound: string): number {
  if (typeof value === 'number') return value - Number(bound);
  const text = String(value);
  return text < bound ? -1 : text > bound ? 1 : 0;
}
