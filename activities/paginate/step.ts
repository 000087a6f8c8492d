/**
 * The words that all kinds of pagination share: where a list stands, what a page brought, and the step after it.
 * Next stop: `advance.ts`.
 */
import type { EndKind } from '../../contracts/run.ts';
import type { GuardMemory, LaneMove, LaneStart, Position } from '../../db/stores/sync/unit-store.ts';
import type { PageRequest } from '../../providers/pagination/pagination.ts';
import type { Range } from '../../providers/pagination/range.ts';

export interface Standing {
  readonly position: Position | null;
  /** What was asked for at this position. */
  readonly asked: PageRequest;
  /** Pages and items, as they came, before this page. */
  readonly pages: number;
  readonly items: number;
  readonly guard: GuardMemory | null;
  readonly isLaned: boolean;
}

export interface PageAnswer {
  readonly response: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly itemCount: number;
  /** Keys of the rows, in order. */
  readonly keys: readonly string[];
  /** The third party said that there is nothing here any more, in an answer that is not a page. */
  readonly isEnd?: boolean;
}

export interface ListEnd {
  readonly kind: EndKind;
  readonly reason?: string;
}

export interface Step {
  readonly position: Position | null;
  readonly guard: GuardMemory;
  readonly end: ListEnd | null;
  /** Parts that take the place of a list that is too long. */
  readonly split: readonly [Range, Range] | null;
  /** Items of the whole list, where the third party counts exactly. */
  readonly total: number | null;
  /** From here on the list is walked by several lanes. */
  readonly start: LaneStart | null;
  /** What a page of a lane tells the others. */
  readonly move: LaneMove | null;
  /** The page was asked for again on purpose: that it brings no new row means nothing. */
  readonly isReread: boolean;
}

/** A step that stays where it is, with what is different. */
export function step(at: Standing, changes: Partial<Step>): Step {
  return {
    position: at.position,
    guard: at.guard ?? {},
    end: null,
    split: null,
    total: null,
    start: null,
    move: null,
    isReread: false,
    ...changes,
  };
}
