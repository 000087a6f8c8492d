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

interface Common<Response, Item> {
  readonly items: (response: Response) => readonly Item[];
  readonly pageSize?: PageSize;
  /** A list with more pages than this ends as `looped`. Default 1,000,000. */
  readonly maxPages?: number;
}

/** One answer, cut into rows. An endpoint without `paginate` answers one object. */
export interface SinglePage<Response, Item> {
  readonly kind: 'single';
  readonly items: (response: Response) => readonly Item[];
}

/** Each page names the cursor of the next; pages of one list follow one another. */
export interface CursorPages<Response, Item> extends Common<Response, Item> {
  readonly kind: 'cursor';
  /** Null, undefined or '' ends the list. */
  readonly next: (response: Response, headers: Readonly<Record<string, string>>) => string | number | null | undefined;
}

/**
 * Each page carries the address of the next: in the `Link` header (RFC 8288, `rel="next"`), or where `next` finds it. An
 * address of another origin than the provider's is refused.
 */
export interface LinkPages<Response, Item> extends Common<Response, Item> {
  readonly kind: 'link';
  readonly next?: (response: Response, headers: Readonly<Record<string, string>>) => string | null | undefined;
}

/**
 * Page numbers (`page`) or offset and limit (`offset`): all pages at once, bounded by `lanes`, when the first answer tells
 * the total; else `lanes` at a time until a blank one.
 */
export interface NumberedPages<Response, Item> extends Common<Response, Item> {
  readonly kind: 'page' | 'offset';
  /** Items in the whole list, when the answer says so. */
  readonly total?: (response: Response) => number | null | undefined;
  /** Pages of one list in flight at once, ≥ 1. Default 8. */
  readonly lanes?: number;
  /** Number of the first page, for `page`. Default 1. */
  readonly firstPage?: number;
}

export type Paginate<Response, Item> =
  SinglePage<Response, Item> | CursorPages<Response, Item> | LinkPages<Response, Item> | NumberedPages<Response, Item>;

/** Fills in the defaults. Without options an answer is its own one item. */
export function toPagination(paginate: Paginate<unknown, unknown> | undefined): Pagination<unknown, unknown> {
  const one = { lanes: 1, firstPage: 1, pageSize: sizes({ start: 1 }), maxPages: 1 };
  if (!paginate) return { kind: 'single', items: (response) => [response], ...one };
  switch (paginate.kind) {
    case 'single':
      return { ...one, ...paginate };
    case 'cursor':
      return { ...shared(paginate), kind: 'cursor', next: paginate.next, lanes: 1, firstPage: 1 };
    case 'link':
      return {
        ...shared(paginate),
        kind: 'link',
        next: paginate.next ?? ((_, headers) => nextLink(headers['link'])),
        lanes: 1,
        firstPage: 1,
      };
    case 'page':
    case 'offset':
      return {
        ...shared(paginate),
        kind: paginate.kind,
        ...(paginate.total ? { total: paginate.total } : {}),
        lanes: paginate.lanes ?? 8,
        firstPage: paginate.firstPage ?? 1,
      };
  }
}

/** The target of `rel="next"` in a `Link` header, or undefined. */
export function nextLink(value: string | undefined): string | undefined {
  for (const part of (value ?? '').split(/,(?=\s*<)/)) {
    const match = /^\s*<([^>]*)>(.*)$/s.exec(part);
    if (match && /;\s*rel\s*=\s*"?[^";]*\bnext\b/i.test(match[2] ?? '')) return match[1];
  }
  return undefined;
}

function shared(paginate: Common<unknown, unknown>) {
  return { items: paginate.items, pageSize: sizes(paginate.pageSize ?? {}), maxPages: paginate.maxPages ?? 1_000_000 };
}

function sizes(size: PageSize): Required<PageSize> {
  const start = size.start ?? 100;
  return { start, min: size.min ?? 1, max: size.max ?? start };
}
