/**
 * How an endpoint's answer is cut into pages, as pure functions: where the items are and how the next page is found.
 * `docs/pagination.md` has an example for each kind and option.
 * Next stop: `activities/paginate/advance.ts` turns them into the next position.
 */
import type { PaginationKind } from '../../contracts/plan.ts';
import { halve, type Range, type RangeOptions } from './range.ts';

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
  /** Part of the list, for endpoints with `range`; must be in the request. */
  readonly range: Range | undefined;
}

export interface PageSize {
  /** Items to ask for at first, e.g. the largest that the third party allows. Default 100. */
  readonly start?: number;
  /** Never ask for fewer. Default 1. */
  readonly min?: number;
  /** Never ask for more. Default `start`. Above it the size grows by half after every 5 full pages in a row. */
  readonly max?: number;
}

/** What notices that a list is not what it seems. */
export type GuardName =
  /** A token or address that was followed before. */
  | 'repeated-token'
  /** A page, or some pages in a row, of rows that were brought before. */
  | 'repeated-rows'
  /** Empty pages, each promising more. */
  | 'empty-pages'
  /** A stop at, or a refusal behind, the third party's cap. */
  | 'result-cap'
  /** Fewer rows than the exact total. */
  | 'missing-rows'
  /** More pages than `maxPages`. */
  | 'page-maximum';

export type Guards = Readonly<Record<GuardName, boolean>>;

export interface Pagination<Response, Item> {
  readonly kind: PaginationKind;
  readonly items: (response: Response) => readonly Item[];
  readonly next?: (response: Response, headers: Readonly<Record<string, string>>) => string | number | null | undefined;
  readonly hasMore?: (response: Response) => boolean | undefined;
  readonly total?: (response: Response) => number | null | undefined;
  readonly totalIs: 'exact' | 'estimate';
  readonly lastPage: 'blank' | 'short';
  readonly advanceBy: 'rows' | 'size';
  readonly overlap: number;
  /** Pages in flight at once, for `page` and `offset`. */
  readonly lanes: number;
  readonly firstPage: number;
  readonly pageSize: Required<PageSize>;
  readonly sizeParam?: string;
  readonly maxPages: number;
  readonly resultCap: 'common' | number | false;
  readonly guards: Guards;
  readonly range?: {
    readonly whole: (input: unknown) => Range;
    readonly split: (range: Range) => readonly [Range, Range] | undefined;
  };
}

/** What all kinds of lists have. */
export interface Common<Response, Item, Input> {
  readonly items: (response: Response) => readonly Item[];
  readonly pageSize?: PageSize;
  /** A list with more pages than this ends as `truncated`. Default 1,000,000. */
  readonly maxPages?: number;
  /** Does the answer say that more follows? False ends the list whatever else it holds; true makes an empty page no end. */
  readonly hasMore?: (response: Response) => boolean | undefined;
  /** Items in the whole list, when the answer says so. */
  readonly total?: (response: Response) => number | null | undefined;
  /**
   * `exact`: the list ends there, and one that brings fewer rows ends as `truncated`. `estimate`: no more than a hint how
   * many pages to ask for at once. Default `exact`.
   */
  readonly totalIs?: 'exact' | 'estimate';
  /**
   * Items behind which the third party does not page, when its documentation says so. Default `common`: a list that ends
   * at exactly 1,000, 2,000, 5,000, 10,000, … with a full page is taken for one that was cut there. False: never.
   */
  readonly resultCap?: 'common' | number | false;
  /** Switches guards off, where a third party does on purpose what they take for an error. Default: all on. */
  readonly guards?: Partial<Guards>;
  /** The endpoint can be asked for a part: a list that meets the cap is split in halves, as often as needed. */
  readonly range?: RangeOptions<Input>;
}

/** One answer, cut into rows. An endpoint without `paginate` answers one object. */
export interface SinglePage<Response, Item> {
  readonly kind: 'single';
  readonly items: (response: Response) => readonly Item[];
}

/** Each page names the cursor of the next; pages of one list follow one another. */
export interface CursorPages<Response, Item, Input> extends Common<Response, Item, Input> {
  readonly kind: 'cursor';
  /** Null, undefined or '' ends the list. */
  readonly next: (response: Response, headers: Readonly<Record<string, string>>) => string | number | null | undefined;
}

/**
 * Each page carries the address of the next: in the `Link` header (RFC 8288, `rel="next"`), or where `next` finds it. An
 * address of another origin than the provider's is refused.
 */
export interface LinkPages<Response, Item, Input> extends Common<Response, Item, Input> {
  readonly kind: 'link';
  readonly next?: (response: Response, headers: Readonly<Record<string, string>>) => string | null | undefined;
  /** Query parameter of the page size in next links: it is written anew when the size has changed. Default: never. */
  readonly sizeParam?: string;
}

/**
 * Page numbers (`page`) or offset and limit (`offset`): all pages at once, bounded by `lanes`, when the first answer tells
 * the total; else `lanes` at a time until a blank one.
 */
export interface NumberedPages<Response, Item, Input> extends Common<Response, Item, Input> {
  readonly kind: 'page' | 'offset';
  /** Pages of one list in flight at once, 1 … 1,000. Default 8; 1 with `overlap`. */
  readonly lanes?: number;
  /** Number of the first page, for `page`. Default 1. */
  readonly firstPage?: number;
  /** `short`: a page with fewer rows than asked for is the last one, which saves a call a list. Default `blank`. */
  readonly lastPage?: 'blank' | 'short';
  /**
   * After a short `offset` page go on behind the rows that came, or, for third parties that cut first and filter then,
   * behind those that were asked for (`size`). Default `rows`: never loses any.
   */
  readonly advanceBy?: 'rows' | 'size';
  /**
   * Rows at the end of each `offset` page that the next one reads again, for lists that change while they are read. Must
   * be less than the smallest page. Default 0.
   */
  readonly overlap?: number;
}

export type Paginate<Response, Item, Input = unknown> =
  | SinglePage<Response, Item>
  | CursorPages<Response, Item, Input>
  | LinkPages<Response, Item, Input>
  | NumberedPages<Response, Item, Input>;

const allGuards: Guards = {
  'repeated-token': true,
  'repeated-rows': true,
  'empty-pages': true,
  'result-cap': true,
  'missing-rows': true,
  'page-maximum': true,
};

const onePage = {
  guards: allGuards,
  totalIs: 'estimate',
  lastPage: 'blank',
  advanceBy: 'rows',
  overlap: 0,
  lanes: 1,
  firstPage: 1,
  pageSize: { start: 1, min: 1, max: 1 },
  maxPages: 1,
  resultCap: false,
} as const;

/** Fills in the defaults. Without options an answer is its own one item. */
export function toPagination(paginate: Paginate<unknown, unknown, never> | undefined): Pagination<unknown, unknown> {
  if (!paginate) return { ...onePage, kind: 'single', items: (response) => [response] };
  switch (paginate.kind) {
    case 'single':
      return { ...onePage, ...paginate };
    case 'cursor':
      return { ...shared(paginate), kind: 'cursor', next: paginate.next };
    case 'link':
      return {
        ...shared(paginate),
        kind: 'link',
        next: paginate.next ?? ((_, headers) => nextLink(headers['link'])),
        ...(paginate.sizeParam === undefined ? {} : { sizeParam: paginate.sizeParam }),
      };
    case 'page':
    case 'offset': {
      const overlap = paginate.overlap ?? 0;
      return {
        ...shared(paginate),
        kind: paginate.kind,
        lanes: overlap > 0 ? 1 : (paginate.lanes ?? 8),
        firstPage: paginate.firstPage ?? 1,
        lastPage: paginate.lastPage ?? 'blank',
        advanceBy: paginate.advanceBy ?? 'rows',
        overlap,
      };
    }
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

function shared(paginate: Common<unknown, unknown, never>) {
  const { range } = paginate;
  return {
    ...onePage,
    items: paginate.items,
    pageSize: sizes(paginate.pageSize ?? {}),
    maxPages: paginate.maxPages ?? 1_000_000,
    totalIs: paginate.totalIs ?? 'exact',
    resultCap: paginate.resultCap ?? ('common' as const),
    guards: { ...allGuards, ...paginate.guards },
    ...(paginate.total ? { total: paginate.total } : {}),
    ...(paginate.hasMore ? { hasMore: paginate.hasMore } : {}),
    ...(range
      ? {
          range: {
            // The endpoint's own schema has checked the input before it gets here.
            whole: range.whole as (input: unknown) => Range,
            split: range.split ?? ((whole: Range) => halve(whole, range.step)),
          },
        }
      : {}),
  };
}

/** With the defaults. */
export function sizes(size: PageSize): Required<PageSize> {
  const start = size.start ?? 100;
  return { start, min: size.min ?? 1, max: size.max ?? start };
}
