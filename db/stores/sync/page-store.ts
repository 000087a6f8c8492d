/**
 * A page, stored in one statement: rows, child units, position, counters. Next: `db/functions/pages/commit-page.sql`; pages of new rows
 * go by `insert-only-pages.ts`.
 */
import type { AsideRow } from '../../../contracts/answers/aside.ts';
import type { EndKind } from '../../../contracts/run.ts';
import type {
  EndChecks,
  IfShrunken,
  KeptState,
  LaneMove,
  LaneStart,
  ListMemory,
  Position,
  Range,
} from '../../../contracts/list.ts';
import type { Queryable } from '../../pool.ts';
import type { UnitFence } from './unit-store.ts';

/**
 * A list of a child that a row brings. With `unlessRead`, the child's resource, only where it was not read since the row was stored
 * as it is.
 */
export type ChildUnit = readonly [node: string, key: string, record: string, unlessRead?: string];

export interface PageToCommit extends UnitFence {
  readonly account: string;
  readonly resource: string;
  /** Each key once. */
  readonly records: readonly (readonly [key: string, data: unknown])[];
  /** Keys of rows of which it says that they are gone; none of them is among the records. */
  readonly gone: readonly string[];
  readonly children: readonly ChildUnit[];
  readonly position: Position | null;
  readonly guard: ListMemory;
  readonly calls: number;
  readonly end: { readonly kind: EndKind; readonly reason?: string } | null;
  /** Parts that take this list's place, each with its range. */
  readonly split: readonly [Range, Range] | null;
  readonly range: Range | null;
  /** Watermark that the list was asked from, and the highest value that its rows have brought. */
  readonly since: string | null;
  readonly watermark: string | number | null;
  /** Opaque state for the next run; what an earlier page has brought stays. */
  readonly kept: KeptState | null;
  /** Items of the list, when the third party counts them exactly. */
  readonly total: number | null;
  readonly start: LaneStart | null;
  readonly move: LaneMove | null;
  /** Rows remember which parents' lists they were seen in, so that deletions can be found, and are told of one list alone. */
  readonly isMember: boolean;
  readonly retryOf: readonly string[];
  /** All of it was asked for again on purpose: that it brings no new row means nothing. */
  readonly isReread: boolean;
  /** Rows that were probably read before, because others were added in front of them. */
  readonly known: number;
  /** Ends the list, complete, when the page brings no new row. */
  readonly isQuietEnd: boolean;
  /** What must hold for an end of kind `complete` to be believed. */
  readonly checks: EndChecks | null;
  /** How far fewer rows than it had make a list that ends, complete, be read again; null: none do. */
  readonly ifShrunken: IfShrunken | null;
  /** The list may be, or have been, walked by several lanes. */
  readonly mayHaveLanes: boolean;
  /** Pages in a row without a new row that make a loop; null: any number. */
  readonly stalledLimit: number | null;
  /** Its rows are probably all new, which is stored faster; where that is wrong it costs more. */
  readonly expectsNew: boolean;
  /** Rows that did not fit; each of them is a flaw too. */
  readonly aside: readonly AsideRow[];
  /** Rows or fields that could not be taken; null when all could. */
  readonly flaws: PageFlaws | null;
}

export interface PageFlaws {
  readonly count: number;
  /** Of the first of them. */
  readonly reason: string;
  /** What is missing must be asked for again: the list's watermark does not move. */
  readonly holds: boolean;
}

export type CommittedPage =
  | { readonly stale: true }
  | {
      readonly stale?: undefined;
      readonly rows: number;
      readonly fresh: number;
      readonly changed: number;
      readonly ended: EndKind | null;
      readonly reason: string | null;
      readonly lanes: number;
      /** False when the run was paused meanwhile. */
      readonly isRunning: boolean;
      readonly children: Readonly<Record<string, number>>;
      /** Whether all rows were new, where that was expected. */
      readonly isAllNew: boolean | null;
    };

/** Stores a page. Inside a transaction when `db` is in one. */
export async function commitPage(db: Queryable, page: PageToCommit): Promise<CommittedPage> {
  const { rows } = await db.query<{ result: CommittedPage }>({
    name: 'commit_page',
    text: 'select sluice.commit_page($1) as result',
    values: [JSON.stringify(page)],
  });
  return (rows[0] as { result: CommittedPage }).result;
}
