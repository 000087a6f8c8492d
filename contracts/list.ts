/**
 * How far a list is, and what one page tells the store about it. Plain JSON: pagination computes it, the unit's row keeps it.
 * Next: `providers/pagination/step.ts` computes a step, `db/functions/pages/commit-page.sql` takes it.
 */

/** Part of a list, by ids or dates; both ends are included. */
export interface Range {
  readonly from: number | string;
  readonly to: number | string;
}

/**
 * What a list is asked with in the next run, beside its watermark. It is from the answers of the last one that read it
 * to its end.
 */
export interface KeptState {
  /** An opaque token of the third party's: a delta link, a sync token, a history id. */
  readonly checkpoint?: string;
  /** Validators of its first page (RFC 9110 §8.8). */
  readonly etag?: string;
  readonly lastModified?: string;
}

/** What the names of the pages of a list count by. */
export interface CountedPlace {
  readonly by: 'page' | 'offset';
  /** The parameter of an address that counts; `''`: the cursor. */
  readonly name: string;
  /** What it would count on the first page. */
  readonly first: number;
  /** Of pages that are named by their first row: from one to the next. Default 1. */
  readonly step?: number;
  /** How it is wrapped, and what is before and behind the number in it. */
  readonly form: 'plain' | 'base64' | 'base64url' | 'varint' | 'varint-padded';
  readonly before: string;
  readonly behind: string;
  /** The parameter of the page size, where pages may be asked for in another one. */
  readonly sizeName?: string;
  /** Parameters of the first page that the addresses of the others leave out, as a query. */
  readonly kept?: string;
}

/** How far a list is: null before the first page, else what its kind of list needs. */
export interface Position {
  readonly cursor?: string;
  readonly url?: string;
  /** Lists whose names of pages count: what they count by. `url` is then the first of these addresses. */
  readonly counted?: CountedPlace;
  /** Lists that are read on behind a row, because their cursor had died: what `onDeadCursor.behind` gave of it. */
  readonly behind?: string;
  /**
   * Lists cut into pages: the page, counted from 0, of `size` items, of which `done` are read. One page begins `stride` items behind
   * the other; default `size`.
   */
  readonly index?: number;
  readonly size?: number;
  readonly stride?: number;
  readonly done?: number;
  /**
   * Lists read with an overlap: where the next page must begin at the latest, and the last rows that were read and
   * where they began. Also the steps back so far. `size` is then the most that a page brings.
   */
  readonly offset?: number;
  readonly border?: readonly string[];
  readonly borderAt?: number;
  readonly backs?: number;
  /** Files that are read piece by piece: bytes of the unpacked body that are read, and a digest of them. */
  readonly bytes?: number;
  readonly digest?: string;
  /** Results of jobs: which part is being read, counted from 0. */
  readonly part?: number;
  /** Which reading of the list this is. Default 1; a list that moved while it was read is read again. */
  readonly pass?: number;
  /** `still`: a page that was read before, to see whether it is the same. `head`: from the front, to find what came in there. */
  readonly again?: 'still' | 'head';
}

/** What a list remembers from page to page: some numbers and keys, whatever the size of the list. */
export type ListMemory = Readonly<Record<string, string | number>>;

/**
 * Lanes to walk a list with from now on, this unit among them. They are pages of `size` items, `stride` apart. The next
 * one to be read is `next`, and `last` is the row with which it begins where pages overlap.
 */
export interface LaneStart {
  readonly lanes: number;
  readonly size: number;
  readonly stride: number;
  readonly next: number;
  /** Number of pages by the exact total. */
  readonly plannedEnd: number | null;
  /** Why the list will end as `capped` when all its lanes have ended. */
  readonly capped: string | null;
  readonly last: string | null;
}

/** What a page of one lane tells the others. */
export interface LaneMove {
  readonly index: number;
  readonly hasRows: boolean;
  /** The page is read to its end, and the lane may take another one. */
  readonly isCellDone: boolean;
  /** First page past the end, when this page shows where the list ends. */
  readonly endAt: number | null;
  readonly plannedEnd: number | null;
  /** Of lanes that overlap: the first row of the page, and the last one where another page begins with it; null: not known. */
  readonly first: string | null;
  readonly last: string | null;
  /** Another page came than was asked for: the list is read again, in order. Default false. */
  readonly isElsewhere?: boolean;
}

/** Where a list goes on instead of ending, when the store finds a reason for it. */
export interface GoOn {
  readonly position: Position;
  readonly guard: ListMemory;
}

/** What decides, besides the page itself, whether the list really ends here. Checked in this order. */
export interface EndChecks {
  /** Where to go on in doubt: the list has moved while it was read. */
  readonly doubt: GoOn | null;
  /** Rows that came twice, without having been asked for twice, are a doubt. */
  readonly isTwiceDoubtful: boolean;
  /** More different rows than this are a doubt: a reading that brought new ones was not the last. */
  readonly mostRows: number | null;
  /** Fewer different rows than this are a doubt: some stood in two places, and others may be in none that was read. */
  readonly leastRows: number | null;
  /** Rows that had come before this reading: one that brought no other ones is not followed by another for their sake. */
  readonly rowsBefore: number;
  /** Where to go on when there is no doubt: a page that shows whether the list stood still. Only for lanes. */
  readonly still: GoOn | null;
  /** Numbers of rows at which an end is more likely a cap than the end. Only for lanes, which can't count by themselves. */
  readonly caps: readonly number[];
  /** Parts that take the place of the list when it ends at such a number. */
  readonly split: readonly [Range, Range] | null;
}

/** A list that ends with less than the share of the rows that it had, and lacks so many of them at least, is read from its beginning. */
export interface IfShrunken {
  /** Where it begins again; null at its first page, as at first. */
  readonly position: Position | null;
  readonly guard: ListMemory;
  readonly least: number;
  readonly share: number;
  /** Its rows that were not seen would be marked as deleted. */
  readonly ofMembers: boolean;
}

/** What is kept of one list from run to run. */
export interface KnownList {
  /** Keep it, and pass it as `after` to continue behind this list. */
  readonly place: string;
  readonly account: string;
  readonly sync: string;
  readonly node: string;
  /**
   * Key of the parent whose list it is. For the list of a root it is what its endpoint is asked with as JSON, '' for
   * nothing, or what `uniqueBy` gives.
   */
  readonly parentKey: string;
  /** Rows of its last reading from its beginning, or more that came later. Where there were some, an empty answer is not believed. */
  readonly rows: number;
  /** The highest `incremental.field` of its rows: the next run asks from there, less the look-back. Null: from its beginning. */
  readonly watermark: string | number | null;
  /** When it was last read to its end, and by which run. */
  readonly readAt: string;
  readonly runId: string;
  /** When its watermark was last taken away by `reset`; null: never. */
  readonly resetAt: string | null;
}

/** What a node says of rows that are gone. */
export interface SaysGone {
  readonly deletions?: 'full-pass' | 'told' | undefined;
  readonly isGone?: unknown;
  readonly incremental?: unknown;
}

/**
 * Whether it is kept which lists have a row. A list that tells since a token what has left it says nothing of other lists, which the row
 * may have moved into.
 */
export function keepsMembers(node: SaysGone): boolean {
  return node.deletions === 'full-pass' || tellsByToken(node);
}

export function tellsByToken({ isGone, incremental }: SaysGone): boolean {
  return isGone !== undefined && incremental === 'checkpoint';
}
