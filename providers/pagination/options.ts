/**
 * How a user states that an endpoint's answers are cut into pages: where the rows are and how the next page is found.
 * `docs/guides/pagination.md` has an example for each kind and option.
 * Next: `pagination.ts` fills in the defaults.
 */
import type { Range } from '../../contracts/list.ts';
import type { RangeOptions } from './range.ts';

/** What an endpoint's `request` function gets to know about the page it must ask for. */
export interface PageRequest {
  /** Cursor of this page; undefined on the first one. */
  readonly cursor: string | undefined;
  /** Whole URL of this page (next-link endpoints); undefined on the first one. Used as it is; of `request` it gets the headers. */
  readonly url: string | undefined;
  /**
   * With `onDeadCursor.behind`, from the page on with which a list is read on after its cursor had died. It is what
   * `behind` gave of the last row that came. Else undefined.
   */
  readonly behind: string | undefined;
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
  /**
   * Fewer rows than the exact total; or a cursor that is a time of several rows, behind which none of them comes again; or less than half
   * of the rows that the list had when it was read last.
   */
  | 'missing-rows'
  /** A hundred pages in a row, each with hardly a row. */
  | 'thin-pages'
  /** Rows that came twice, or a page that is not the same any more: the list has moved while it was read. Off: names of pages that count are followed as they are. */
  | 'moved-rows'
  /** More pages than `maxPages`. */
  | 'page-maximum'
  /** A last answer, or the only one, that says of itself that more follows. */
  | 'more-told';

export type Guards = Readonly<Record<GuardName, boolean>>;

/** What a function of a list may look at besides the parsed body. */
export interface AnswerFacts<Input = unknown> {
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Address of this page, without what authenticates. */
  readonly url: string;
  /** What it was asked with, as `request` got it: e.g. a token that was asked for before the list, where its own answers tell none. */
  readonly input: Input;
  /** Of an answer that is a zip: the name of the file whose rows these are. */
  readonly file?: string;
}

/** What all kinds of lists have. */
export interface Common<Response, Item, Input> {
  readonly items: (response: Response, answer: AnswerFacts<Input>) => readonly Item[];
  /**
   * The third party leaves the list out, or writes null, where there are no rows. Default false: an answer without rows
   * must show an empty list, or an empty object, where rows are the fields of one. Any other is not understood.
   */
  readonly mayOmitItems?: boolean;
  readonly pageSize?: PageSize;
  /** A list with more pages than this ends as `truncated`. Default 1,000,000. */
  readonly maxPages?: number;
  /**
   * Does the answer say that more follows? False ends the list whatever else it holds; true makes an empty page no end. One that counts rows
   * means that the page is short: it is believed of a page shorter than the third party is known to give.
   */
  readonly hasMore?: (response: Response, answer: AnswerFacts<Input>) => boolean | undefined;
  /** Items in the whole list, when the answer says so. */
  readonly total?: (response: Response, answer: AnswerFacts<Input>) => number | null | undefined;
  /**
   * `exact`: a list that brings fewer rows ends as `truncated`, and one whose total changes while it is read is read again.
   * `estimate`: no more than a hint. Default `exact`.
   */
  readonly totalIs?: 'exact' | 'estimate';
  /**
   * Items behind which the third party does not page, when its documentation says so. Default `common`: some lists end
   * at exactly 1,000 or 10,000 rows, or with a blank page at another round number. Such a list is taken for one that
   * was cut there, until a list of this endpoint has gone beyond that number. False: never.
   */
  readonly resultCap?: 'common' | number | false;
  /**
   * An opaque token from which the next run asks for what has changed, from the body or a header. Examples: a delta
   * link, a sync token, a history id. The first one that a reading of the list brings is kept, when it was read to its
   * end. Nodes that ask from it say `incremental: 'checkpoint'`.
   */
  readonly checkpoint?: (response: Response, answer: AnswerFacts<Input>) => string | number | null | undefined;
  /**
   * `newest-first`: the answer has the newest rows first, by what `incremental.field` of a node tells. Then a run that
   * asks for what has changed may end early. It ends where 20 rows in a row, in order, are older than all that an earlier run
   * has read to the end. Pages are read in order. Default: nothing is known of its order.
   */
  readonly order?: 'newest-first';
  /** Switches guards off, where a third party does on purpose what they take for an error. Default: all on. */
  readonly guards?: Partial<Guards>;
  /** The endpoint can be asked for a part: a list that meets the cap is split in halves, as often as needed. */
  readonly range?: RangeOptions<Input>;
}

/** One answer, cut into rows. An endpoint without `paginate` answers one object. */
export interface SinglePage<Response, Item, Input> {
  readonly kind: 'single';
  readonly items: (response: Response, answer: AnswerFacts<Input>) => readonly Item[];
  /** See `Common`. */
  readonly mayOmitItems?: boolean;
  /** See `Common`. */
  readonly checkpoint?: (response: Response, answer: AnswerFacts<Input>) => string | number | null | undefined;
  /** `'more-told': false` where only the first page of a list is wanted. Default: an answer that tells of more ends as `truncated`. */
  readonly guards?: Partial<Pick<Guards, 'more-told'>>;
}

/** What lists have whose pages name the next one. */
export interface TokenPages<Item> {
  /**
   * What to do when the third party does not know the cursor of an earlier page any more. It says so by 410, well-known
   * words as "cursor expired", or the outcome `deadCursor()` of a rule. `begin-again`: the list is read from its
   * beginning, once. `behind`: for lists in a stated order, what the request needs to ask for what follows a row. It
   * finds that in `page.behind`, as often as the list has got further. A list whose cursor dies again ends as
   * `truncated`. Default `begin-again`.
   */
  readonly onDeadCursor?: 'begin-again' | { readonly behind: (row: Item) => string | number };
}

/** Each page names the cursor of the next; pages of one list follow one another. */
export interface CursorPages<Response, Item, Input> extends Common<Response, Item, Input>, TokenPages<Item> {
  readonly kind: 'cursor';
  /** Null, undefined or '' ends the list. */
  readonly next: (response: Response, answer: AnswerFacts<Input>) => string | number | null | undefined;
}

/**
 * Each page carries the address of the next: in the `Link` header (RFC 8288, `rel="next"`), or where `next` finds it. An
 * address of another origin than the provider's is refused.
 */
export interface LinkPages<Response, Item, Input> extends Common<Response, Item, Input>, TokenPages<Item> {
  readonly kind: 'link';
  readonly next?: (response: Response, answer: AnswerFacts<Input>) => string | null | undefined;
  /** Query parameter of the page size in next links: it is written anew when the size has changed. Default: never. */
  readonly sizeParam?: string;
}

/**
 * Page numbers (`page`) or offset and limit (`offset`). With `lanes`, and by offset with an exact `total`, pages are asked for at
 * once; else they follow one another until a blank one.
 */
export interface NumberedPages<Response, Item, Input> extends Common<Response, Item, Input> {
  readonly kind: 'page' | 'offset';
  /**
   * Pages of one list in flight at once, 1 … 1,000. Default 8 for offsets with an exact `total`, else 1. Page numbers side by side
   * do not overlap: state it for lists that stand still. Without an exact total they are read in order whatever this says.
   */
  readonly lanes?: number;
  /** Number of the first page, for `page`. Default 1. */
  readonly firstPage?: number;
  /**
   * `short`: a page with fewer rows than the third party is known to give is the last one, which saves a call a list. Default
   * `blank`.
   */
  readonly lastPage?: 'blank' | 'short';
  /**
   * After a short `offset` page read on behind the rows that came. Say `size` for third parties that cut first and
   * filter then: read on behind the rows that were asked for. Default `rows`: never loses any.
   */
  readonly advanceBy?: 'rows' | 'size';
  /**
   * Rows at the end of each `offset` page that the next one reads again, for lists that are read in order. As long as
   * one of them is found, nothing has slipped between two pages. Must be less than the smallest page. Default 1. 0:
   * pages do not overlap.
   */
  readonly overlap?: number;
}

export type Paginate<Response, Item, Input = unknown> =
  | SinglePage<Response, Item, Input>
  | CursorPages<Response, Item, Input>
  | LinkPages<Response, Item, Input>
  | NumberedPages<Response, Item, Input>;
