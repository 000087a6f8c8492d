/**
 * The words that all kinds of pagination share: where a list stands, what a page brought, and the step after it.
 * Used by: every file here. Next: `db/stores/sync/unit-store.ts` stores the step together with the rows.
 */
import type { EndKind } from '../../contracts/run.ts';
import type { EndChecks, LaneMove, LaneStart, ListMemory, Position, Range } from '../../contracts/list.ts';
import type { PageRequest } from './options.ts';

export interface ListState {
  readonly position: Position | null;
  /** What was asked for at this position. */
  readonly asked: PageRequest;
  /**
   * Items that a page may have at the moment. What was asked for at this position may be less, where the third party
   * gives no more. Default: what was asked for.
   */
  readonly mayAsk?: number;
  /** Pages, items as they came, and different rows among them, before this page; of one lane, where the list has several. */
  readonly pages: number;
  readonly items: number;
  readonly rows: number;
  readonly guard: ListMemory | null;
  /** Calls for this very page that have failed before. Default 0. */
  readonly attempts?: number;
  readonly isLaned: boolean;
  /** Most rows that the endpoint has ever given in one page, to any account; null when nothing is known. */
  readonly given: number | null;
  /** The endpoint's request asks for the size that it is given: another one may be chosen. */
  readonly isSizable: boolean;
  /** The largest common cap that a list of this endpoint is known to have gone beyond; 0 when none is. */
  readonly beyond: number;
  /** Most rows of a page behind which a list of this endpoint had others, to any account; 0 when none is known. */
  readonly followed: number;
  /** Most rows of a page behind which a list of this endpoint has shown twice that there are none; 0 when none is known. */
  readonly closed: number;
}

export interface PageAnswer {
  readonly response: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Address that the page was asked at. */
  readonly url: string;
  /** What its list is asked with. */
  readonly input: unknown;
  readonly itemCount: number;
  /** Keys of the rows, in order. */
  readonly keys: readonly string[];
  /** The rows that could be read, as they came. */
  readonly rowItems: readonly unknown[];
  /** The third party said that there is nothing here any more, in an answer that is not a page. */
  readonly isEnd?: boolean;
  /** It said so by refusing the page, and no rule of the definition has read that as an end. */
  readonly isRefused?: boolean;
}

export interface ListEnd {
  readonly kind: EndKind;
  readonly reason?: string;
}

export interface Step {
  readonly position: Position | null;
  readonly guard: ListMemory;
  readonly end: ListEnd | null;
  /** Parts that take the place of a list that is too long. */
  readonly split: readonly [Range, Range] | null;
  /** Items of the whole list, where the third party counts exactly. */
  readonly total: number | null;
  /** From here on the list is walked by several lanes. */
  readonly start: LaneStart | null;
  /** What a page of a lane tells the others. */
  readonly move: LaneMove | null;
  /** Rows at the beginning of the page that are the last ones of the page before it: they are not stored again. */
  readonly skip: number;
  /** Rows of the page that were probably read before, because rows were added in front of them. */
  readonly known: number;
  /** The page was asked for again on purpose: that it brings no new row means nothing. */
  readonly isReread: boolean;
  /** The list ends here, complete, when the page brings no new row. */
  readonly isQuietEnd: boolean;
  /** Only with an end of kind `complete`. */
  readonly checks: EndChecks | null;
}

/** A step that stays where it is, with what is different. */
export function step(at: ListState, changes: Partial<Step>): Step {
  return {
    position: at.position,
    guard: at.guard ?? {},
    end: null,
    split: null,
    total: null,
    start: null,
    move: null,
    skip: 0,
    known: 0,
    isReread: false,
    isQuietEnd: false,
    checks: null,
    ...changes,
  };
}

export const COMPLETE: ListEnd = { kind: 'complete' };

/** Nobody can tell a list that was emptied from a third party that gives nothing any more. */
export const FRONT_IS_GONE: ListEnd = {
  kind: 'truncated',
  reason: 'its first page had rows, and came without any when it was asked for again',
};
