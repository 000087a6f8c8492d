/**
 * Lists in pages, the way third parties serve them. There are five kinds of pagination, page sizes with a maximum, and
 * caps on how far one may page. Totals are exact, guessed or missing.
 * Next: `rows.ts` has the rows, `page-answer.ts` writes the page.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { FakeAnswer } from '../answer.ts';
import type { FakeCall } from '../call.ts';
import type { PageFields, PageKind } from './page-answer.ts';
import { decodeCursor, writePage } from './page-answer.ts';
import type { PathParams } from '../paths.ts';
import type { Route } from '../routes.ts';
import type { DefaultRow, RowFilters, Rows } from './rows.ts';
import { createRowReader, defaultRow } from './rows.ts';

export interface PageSizeOptions {
  /** Rows in a page when the caller does not ask. Default 20. */
  readonly default?: number;
  /** Most rows in a page; a function may shrink it from place to place. Default 100. */
  readonly max?: number | ((call: FakeCall, start: number) => number);
  /** What a caller gets who asks for more: fewer rows without a word, an error, or no answer at all. Default `cap`. */
  readonly overMax?: 'cap' | 'error400' | 'error413' | 'error500' | 'silent';
}

/** Names of query parameters. Defaults: `cursor`, `page`, `offset`, `limit`. */
export interface PageParams {
  readonly cursor?: string;
  readonly page?: string;
  readonly offset?: string;
  readonly limit?: string;
}

/** A page was served; told after it was cut and before the next call is read. */
export interface ServedPage<P extends string> {
  readonly params: PathParams<P>;
  readonly call: FakeCall;
  readonly start: number;
  readonly rows: number;
  /** Pages of this list served so far, this one included. */
  readonly pages: number;
}

export interface ListOptions<P extends string, Row extends object> extends RowFilters {
  /** All rows of one list; read anew for each page, so a test may change them meanwhile. Undefined answers 404. */
  readonly items?: (params: PathParams<P>, call: FakeCall) => readonly Row[] | undefined;
  /** Number of made-up rows, instead of `items`. Undefined answers 404. */
  readonly count?: number | ((params: PathParams<P>, call: FakeCall) => number | undefined);
  /** The made-up row at an index. Default `{ id, n, updatedAt }`. */
  readonly itemAt?: (params: PathParams<P>, index: number) => Row;
  /** Default `cursor`. */
  readonly pagination?: PageKind;
  readonly pageSize?: PageSizeOptions;
  /** Number of all rows, in the page. Default `none`. */
  readonly total?: 'exact' | 'estimate' | 'none';
  /** An estimated total is the true one times this, rounded. Default 1.25. */
  readonly estimateFactor?: number;
  readonly params?: PageParams;
  readonly fields?: PageFields;
  /** Does the last page carry a token that leads to an empty page? Default `no-cursor`. */
  readonly lastPage?: 'no-cursor' | 'cursor-then-empty';
  /** Rows behind this index can't be reached. Default none. */
  readonly resultCap?: number;
  /** At the cap: `end` looks like the end of the list, `error400` refuses. Default `end`. */
  readonly atCap?: 'end' | 'error400';
  /** True: the total is cut at the cap too. Default false. */
  readonly capsTotal?: boolean;
  /** Page numbers and offsets past the end. Default `empty`. */
  readonly pastEnd?: 'empty' | 'error404' | 'repeat-last' | 'repeat-first';
  /** Number of the first page. Default 1. */
  readonly firstPage?: number;
  /** Cursors older than this answer 400. Default never. */
  readonly cursorLifeMs?: number;
  /**
   * `key`: a cursor stays behind its row when rows are inserted or deleted before it. `index`: it counts, so that rows slip past it. Default
   * `key` where the rows have one.
   */
  readonly cursorBy?: 'index' | 'key';
  /** The field that is a row's key, for `cursorBy: 'key'`. Default `id`. */
  readonly keyField?: string;
  /** Work of the server for each row of a page, in milliseconds: big pages are slow. Default 0. */
  readonly msPerRow?: number;
  /** Pages carry an `ETag`, and one that the caller knows (`If-None-Match`) is answered with 304. Default false. */
  readonly etags?: boolean;
  readonly afterPage?: (page: ServedPage<P>) => void;
}

/** The route of a list. `base` gives the server's address, for absolute next links. */
export function listRoute<P extends string, Row extends object = DefaultRow>(
  pattern: P,
  options: ListOptions<P, Row>,
  base: () => string,
): Route {
  if ((options.items === undefined) === (options.count === undefined)) {
    throw new TypeError(`list ${pattern}: expected either items or count`);
  }
  const kind = options.pagination ?? 'cursor';
  const names = { cursor: 'cursor', page: 'page', offset: 'offset', limit: 'limit', ...options.params };
  const reader = createRowReader(options);
  const keyField = options.keyField ?? 'id';
  const pagesServed = new Map<string, number>();

  const allRows = (params: Record<string, string>, call: FakeCall): Rows | undefined => {
    const typed = params as PathParams<P>;
    if (options.items !== undefined) {
      const items = options.items(typed, call);
      return items && { length: items.length, at: (i) => items[i] as Row };
    }
    const count = typeof options.count === 'function' ? options.count(typed, call) : options.count;
    if (count === undefined) return undefined;
    const { itemAt } = options;
    return { length: count, at: itemAt ? (i) => itemAt(typed, i) : (i) => defaultRow(params, i) };
  };

  /** Where the call wants to begin; text when it can't be understood. */
  const startOf = (call: FakeCall, size: number): { start: number; key?: string } | string => {
    const text = call.query.get(kind === 'page' ? names.page : kind === 'offset' ? names.offset : names.cursor);
    if (text === null || text === '') return { start: 0 };
    if (kind === 'page' || kind === 'offset') {
      const given = Number(text) - (kind === 'page' ? (options.firstPage ?? 1) : 0);
      if (!Number.isInteger(given) || given < 0) return 'bad position';
      return { start: kind === 'page' ? given * size : given };
    }
    const cursor = decodeCursor(text);
    if (cursor === undefined) return 'invalid cursor';
    if (options.cursorLifeMs !== undefined && call.at - (cursor.at ?? 0) > options.cursorLifeMs)
      return 'cursor expired';
    return cursor;
  };

  const sizeOf = (call: FakeCall, start: number): { size: number; asked: number; max: number } => {
    const { default: usual = 20, max: most = 100 } = options.pageSize ?? {};
    const max = typeof most === 'function' ? most(call, start) : most;
    const asked = call.query.has(names.limit) ? Number(call.query.get(names.limit)) : usual;
    return { size: Math.min(asked, max), asked, max };
  };

  const answer = (call: FakeCall, params: Record<string, string>): FakeAnswer | Promise<FakeAnswer> => {
    const everything = allRows(params, call);
    if (everything === undefined) return { status: 404, body: { error: 'not_found' } };
    const first = sizeOf(call, 0);
    const place = startOf(call, first.size);
    if (typeof place === 'string') return { status: 400, body: { error: place } };
    const { size, asked, max } = sizeOf(call, place.start);
    if (!Number.isInteger(asked) || asked < 1) return { status: 400, body: { error: 'bad page size' } };
    const overMax = options.pageSize?.overMax ?? 'cap';
    if (asked > max && overMax === 'silent') return new Promise(() => undefined); // the caller must give up by itself
    if (asked > max && overMax !== 'cap') return tooLarge(Number(overMax.slice(5)), max);

    const rows = reader.read(everything, call, options.items === undefined);
    const cap = options.resultCap ?? Number.POSITIVE_INFINITY;
    if (place.start >= cap && options.atCap === 'error400') {
      return { status: 400, body: { error: 'result_window_too_large', max: cap } };
    }
    const end = Math.min(rows.length, cap);
    let start = place.key === undefined ? place.start : startBehindKey(rows, place.key, keyField, place.start);
    if (start >= end && start > 0) {
      const pastEnd = options.pastEnd ?? 'empty';
      if (pastEnd === 'error404') return { status: 404, body: { error: 'no such page' } };
      if (pastEnd === 'repeat-last') start = Math.max(0, Math.floor((end - 1) / size) * size);
      if (pastEnd === 'repeat-first') start = 0;
    }
    const page: object[] = [];
    for (let i = start; i < Math.min(start + size, end); i++) page.push(rows.at(i));

    const isLast = start + page.length >= end;
    const hasNext = !isLast || (options.lastPage === 'cursor-then-empty' && page.length > 0);
    const lastKey =
      options.cursorBy === 'index' ? undefined : (page.at(-1) as Record<string, unknown> | undefined)?.[keyField];
    const total = options.capsTotal === true ? end : rows.length;
    const written = writePage({
      kind,
      names,
      fields: options.fields ?? {},
      call,
      base: base(),
      rows: page,
      start,
      size,
      firstPage: options.firstPage ?? 1,
      total: totalOf(options.total ?? 'none', total, options.estimateFactor ?? 1.25),
      isLast,
      next: hasNext ? start + page.length : undefined,
      nextKey: typeof lastKey === 'string' || typeof lastKey === 'number' ? String(lastKey) : undefined,
      stampsCursors: options.cursorLifeMs !== undefined,
    });
    const answered = options.etags === true ? ifChanged(call, written) : written;
    const pages = (pagesServed.get(call.path) ?? 0) + 1;
    pagesServed.set(call.path, pages);
    options.afterPage?.({ params: params as PathParams<P>, call, start, rows: page.length, pages });
    return options.msPerRow ? delay(options.msPerRow * page.length, answered, { ref: false }) : answered;
  };

  const position = (call: FakeCall): string => {
    const { size } = sizeOf(call, 0);
    const place = startOf(call, size);
    const filter = reader.filterOf(call.query);
    return `${typeof place === 'string' ? place : place.start}${filter === '' ? '' : `?${filter}`}`;
  };

  return { method: 'GET', pattern, answer, position };
}

/** RFC 9110 §13.1.2. */
function ifChanged({ headers }: FakeCall, page: FakeAnswer): FakeAnswer {
  const hash = createHash('sha256').update(JSON.stringify([page.headers, page.body]));
  const etag = `W/"${hash.digest('base64url').slice(0, 20)}"`;
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
  return { ...page, headers: { ...page.headers, etag } };
}

function tooLarge(status: number, max: number): FakeAnswer {
  const error =
    status === 413 ? 'response too large' : status === 400 ? `limit must be at most ${max}` : 'internal error';
  return { status, body: { error } };
}

function totalOf(kind: 'exact' | 'estimate' | 'none', total: number, factor: number): number | undefined {
  return kind === 'none' ? undefined : kind === 'exact' ? total : Math.round(total * factor);
}

/** The row behind the one with this key; when that is gone, the cursor's old index is the best guess. */
function startBehindKey(rows: Rows, key: string, keyField: string, index: number): number {
  for (let step = 0; step <= Math.max(index, rows.length - index); step++) {
    for (const at of step === 0 ? [index - 1] : [index - 1 - step, index - 1 + step]) {
      if (at < 0 || at >= rows.length) continue;
      if (String((rows.at(at) as Record<string, unknown>)[keyField]) === key) return at + 1;
    }
  }
  return Math.max(0, index - 1);
}
