/**
 * A list as it is walked: the options of its kind with the defaults filled in, and two pure functions. They say what to
 * ask for at a position, and the step after a page. Next: `kinds/index.ts` has the kinds;
 * `activities/sync/fetch-page.ts` walks.
 */
import type { Position, Range } from '../../contracts/list.ts';
import type { PaginationKind } from '../../contracts/plan.ts';
import type { AnswerFacts, Guards, PageRequest, PageSize } from './options.ts';
import type { ListState, PageAnswer, Step } from './step.ts';

export interface Pagination<Response = unknown, Item = unknown> {
  readonly kind: PaginationKind;
  readonly items: (response: Response, answer: AnswerFacts) => readonly Item[];
  /** An answer without a list has no rows. */
  readonly mayOmitItems: boolean;
  /** The answer itself is the one row: the endpoint says nothing of pages. */
  readonly isOneRow: boolean;
  /** One answer of rows (NDJSON, CSV) that is read and stored piece by piece, whatever its size. */
  readonly comesInPieces?: boolean;
  /** The newest rows come first. */
  readonly isNewestFirst?: boolean;
  readonly next?: (response: Response, answer: AnswerFacts) => string | number | null | undefined;
  /** What a list is asked for behind a row, when its cursor has died. */
  readonly behind?: (row: unknown) => unknown;
  readonly checkpoint?: (response: Response, answer: AnswerFacts) => string | number | null | undefined;
  readonly hasMore?: (response: Response, answer: AnswerFacts) => boolean | undefined;
  readonly total?: (response: Response, answer: AnswerFacts) => number | null | undefined;
  readonly totalIs: 'exact' | 'estimate';
  readonly lastPage: 'blank' | 'short';
  readonly advanceBy: 'rows' | 'size';
  readonly overlap: number;
  /** Pages in flight at once, for `page` and `offset`. */
  readonly lanes: number;
  readonly firstPage: number;
  readonly pageSize: Required<PageSize>;
  /** A page may be asked for again in another size. */
  readonly isResizable: boolean;
  readonly maxPages: number;
  readonly resultCap: 'common' | number | false;
  readonly guards: Guards;
  readonly range?: {
    readonly whole: (input: unknown) => Range;
    readonly split: (range: Range) => readonly [Range, Range] | undefined;
    /** Of one that is wider than one call may ask for. @throws TypeError when it can't be measured. */
    readonly cut?: (range: Range) => readonly [Range, Range] | undefined;
  };
  /** What to ask for at a position, with pages of `size` items at most. */
  readonly request: (position: Position | null, size: number, range: Range | undefined) => PageRequest;
  /** The step after a page. */
  readonly advance: (at: ListState, page: PageAnswer) => Step;
}

/** What a kind fills in besides the options that all lists have. */
export type Walk = Pick<Pagination, 'request' | 'advance'>;

/** Its pages are asked for by their number, or by that of their first row. */
export function isNumbered({ kind }: Pick<Pagination, 'kind'>): boolean {
  return kind === 'page' || kind === 'offset';
}
