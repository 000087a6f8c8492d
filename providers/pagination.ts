/**
 * How an endpoint's answer is cut into pages, as pure functions: where the items are and how the next page is found.
 * Next stop: `activities/paginate/advance.ts` turns them into the next position.
 */
import type { PaginationKind } from '../contracts/plan.ts';

/** What an endpoint's `request` function gets to know about the page it must ask for. */
export interface PageRequest {
  /** Cursor of this page; undefined on the first one. */
  readonly cursor: string | undefined;
  /** Whole URL of this page (next-link endpoints); undefined on the first one. Used as it is, `request` is not asked. */
  readonly url: string | undefined;
  /** Number of items before this page. */
  readonly offset: number;
  /** Page number, counted from `firstPage`. */
  readonly number: number;
  /** Items to ask for. */
  readonly size: number;
}

export interface PageSize {
  /** Items to ask for at first, e.g. the largest that the third party allows. Default 100. */
  readonly start?: number;
  /** Never ask for fewer. Default 1. */
  readonly min?: number;
  /** Never ask for more. Default `start`. */
  readonly max?: number;
}

export interface Pagination<Response, Item> {
  readonly kind: PaginationKind;
  readonly items: (response: Response) => readonly Item[];
  /** Cursor of the next page, for `cursor`; whole or relative URL, for `link`. Null, undefined or '' ends the list. */
  readonly next?: (response: Response, headers: Readonly<Record<string, string>>) => string | number | null | undefined;
  /** Items in the whole list, for `page` and `offset`. */
  readonly total?: (response: Response) => number | null | undefined;
  /** Pages in flight at once, for `page` and `offset`. */
  readonly lanes: number;
  readonly firstPage: number;
  readonly pageSize: Required<PageSize>;
  /** Pages after which a list is called endless. */
  readonly maxPages: number;
}

interface CommonOptions<Response, Item> {
  readonly items: (response: Response) => readonly Item[];
  readonly pageSize?: PageSize;
  /** A list with more pages than this ends as `looped`. Default 1,000,000. */
  readonly maxPages?: number;
}

/** One answer, one object (or a list that is never cut into pages). */
export function single<Response>(): Pagination<Response, Response>;
export function single<Response, Item>(items: (response: Response) => readonly Item[]): Pagination<Response, Item>;
export function single<Response, Item>(items?: (response: Response) => readonly Item[]): Pagination<Response, Item> {
  return {
    kind: 'single',
    items: items ?? ((response) => [response as unknown as Item]),
    lanes: 1,
    firstPage: 1,
    pageSize: sizes({ start: 1 }),
    maxPages: 1,
  };
}

/** Each page names the cursor of the next; pages of one list follow one another. */
export function cursor<Response, Item>(
  options: CommonOptions<Response, Item> & {
    readonly next: (
      response: Response,
      headers: Readonly<Record<string, string>>,
    ) => string | number | null | undefined;
  },
): Pagination<Response, Item> {
  return { kind: 'cursor', ...shared(options), next: options.next, lanes: 1, firstPage: 1 };
}

/**
 * Each page carries the address of the next, in the body (`next`) or, by default, in the `Link` header (RFC 8288,
 * `rel="next"`). An address of another origin than the provider's is refused.
 */
export function link<Response, Item>(
  options: CommonOptions<Response, Item> & {
    readonly next?: (response: Response, headers: Readonly<Record<string, string>>) => string | null | undefined;
  },
): Pagination<Response, Item> {
  return {
    kind: 'link',
    ...shared(options),
    next: options.next ?? ((_, headers) => nextLink(headers['link'])),
    lanes: 1,
    firstPage: 1,
  };
}

interface ParallelOptions<Response, Item> extends CommonOptions<Response, Item> {
  /** Items in the whole list, when the answer says so: then all pages are asked for at once (bounded by `lanes`). */
  readonly total?: (response: Response) => number | null | undefined;
  /** Pages of one list in flight at once. Default 8. */
  readonly lanes?: number;
}

/** Page numbers: all at once when the first answer tells the total, else `lanes` at a time until a blank one. */
export function page<Response, Item>(
  options: ParallelOptions<Response, Item> & {
    /** Number of the first page. Default 1. */
    readonly firstPage?: number;
  },
): Pagination<Response, Item> {
  return { kind: 'page', ...parallel(options), firstPage: options.firstPage ?? 1 };
}

/** Offset and limit: all pages at once when the first answer tells the total, else `lanes` at a time until a blank one. */
export function offset<Response, Item>(options: ParallelOptions<Response, Item>): Pagination<Response, Item> {
  return { kind: 'offset', ...parallel(options), firstPage: 1 };
}

/** The target of `rel="next"` in a `Link` header, or undefined. */
export function nextLink(value: string | undefined): string | undefined {
  for (const part of (value ?? '').split(/,(?=\s*<)/)) {
    const match = /^\s*<([^>]*)>(.*)$/s.exec(part);
    if (match && /;\s*rel\s*=\s*"?[^";]*\bnext\b/i.test(match[2] ?? '')) return match[1];
  }
  return undefined;
}

function shared<Response, Item>(options: CommonOptions<Response, Item>) {
  return { items: options.items, pageSize: sizes(options.pageSize ?? {}), maxPages: options.maxPages ?? 1_000_000 };
}

function parallel<Response, Item>(options: ParallelOptions<Response, Item>) {
  return { ...shared(options), ...(options.total ? { total: options.total } : {}), lanes: options.lanes ?? 8 };
}

function sizes(size: PageSize): Required<PageSize> {
  const start = size.start ?? 100;
  return { start, min: size.min ?? 1, max: size.max ?? start };
}
