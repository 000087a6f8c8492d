/**
 * What the fixtures of broken lists are made of: rows, pages and the usual names.
 * Next: `broken-loops.ts` and `broken-ends.ts`.
 */
import type { FakeAnswer } from '../fake-api/answer.ts';
import type { BrokenList, BrokenListPaging } from './broken-lists.ts';
import type { FakeCall } from '../fake-api/call.ts';

/** A row of a broken list. */
export interface BrokenRow {
  readonly id: string;
  readonly n: number;
  readonly updatedAt: string;
}

/** The row at an index; one minute lies between two of them. */
export function row(n: number): BrokenRow {
  return { id: `row-${n}`, n, updatedAt: new Date(Date.UTC(2024, 0, 1) + n * 60_000).toISOString() };
}

/** Rows `from` up to, not including, `to`. */
export function rows(from: number, to: number): BrokenRow[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => row(from + i));
}

/** Their keys. */
export function keys(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `row-${from + i}`);
}

const usual = {
  kind: 'cursor',
  pageSize: 50,
  params: { cursor: 'cursor', page: 'page', offset: 'offset', limit: 'limit' },
  items: 'items',
  next: 'next',
} as const satisfies BrokenListPaging;

/** The usual paging (cursor, fifty rows) with some of it changed. */
export function paging(change: Partial<BrokenListPaging> = {}): BrokenListPaging {
  return { ...usual, ...change };
}

/** One call for a page. */
export interface Asked {
  readonly call: FakeCall;
  /** Cursor, page number or offset as it was sent; null on the first call. */
  readonly token: string | null;
  /** The same as a number; the first page or offset 0 when nothing was sent. */
  readonly position: number;
  /** The page size that was asked for. */
  readonly size: number;
  /** The list's absolute address, without a query. */
  readonly address: string;
}

interface BrokenListParts extends Omit<BrokenList, 'path' | 'pagination' | 'install' | 'trueKeys' | 'reachableKeys'> {
  readonly pagination?: BrokenListPaging;
  /** Made when they are read: some are 250,000. */
  readonly trueKeys: (() => readonly string[]) | null;
  readonly reachableKeys: () => readonly string[];
  /** Called at each installation; gives what answers the pages: a body, or an answer with status or headers. */
  readonly serve: () => (asked: Asked) => { readonly body: unknown } | FakeAnswer;
}

/** A fixture from its parts. The position in the report is the token, page or offset as it was sent, else `start`. */
export function broken({ serve, pagination = usual, ...parts }: BrokenListParts): BrokenList {
  const path = `/broken/${parts.name}`;
  const { kind, params, pageSize } = pagination;
  const name = kind === 'page' ? params.page : kind === 'offset' ? params.offset : params.cursor;
  return {
    ...parts,
    path,
    pagination,
    get trueKeys() {
      return parts.trueKeys?.() ?? null;
    },
    get reachableKeys() {
      return parts.reachableKeys();
    },
    install(api) {
      const answer = serve();
      api.route(
        'GET',
        path,
        (call) => {
          const token = call.query.get(name);
          return answer({
            call,
            token,
            position: Number(token ?? (kind === 'page' ? 1 : 0)),
            size: Number(call.query.get(params.limit) ?? pageSize),
            address: `${api.url}${path}`,
          });
        },
        (call) => call.query.get(name) ?? 'start',
      );
    },
  };
}

/** A cursor list of so many rows, as it should be; `last` is what the last page says instead of a token. */
export const cursorPage = (token: string | null, size: number, count: number, last: unknown = null) => {
  const from = Number(token ?? 0);
  const to = Math.min(from + size, count);
  return { items: rows(from, to), next: to < count ? String(to) : last };
};
