/**
 * What a kind of list is to this benchmark: a third party that answers in some way, what is true of its list, and what its
 * documentation would make a reader write. Next: `third-party.ts` has the usual lists, `definitions.ts` what is written.
 */
import type { FakeAnswer } from '../../testing/fake-api/answer.ts';
import type { FakeCall } from '../../testing/fake-api/call.ts';
import type { AnswerFacts, Classify } from '../../providers/index.ts';

// Bodies are as odd as third parties make them; a definition in a hurry types none of them.
// oxlint-disable-next-line typescript/no-explicit-any
export type Body = any;

export interface Row {
  readonly id: string | number;
  readonly [name: string]: unknown;
}

/** A number from 0 up to, not including, `below`. The same seed draws the same ones. */
export type Random = (below: number) => number;

export type Style = 'single' | 'cursor' | 'link' | 'page' | 'offset';

/** One call as the list sees it. */
export interface Ask {
  readonly call: FakeCall;
  /** Calls of this list, from 1. */
  readonly nth: number;
  /** Undefined on the first page. */
  readonly cursor: string | undefined;
  readonly number: number;
  readonly offset: number;
  /** Rows that were asked for. */
  readonly size: number;
  /** Path of the list. */
  readonly path: string;
}

/** How a reader can see that the list ends, with a certain definition. */
export type EndSign =
  /** The last page says so. */
  | 'told'
  /** The last page is short and the total is reached, or a short page means the end. */
  | 'short'
  /** Only a page without rows shows it. */
  | 'blank';

/** A third party with one list, made anew for each run. */
export interface World {
  answer(ask: Ask): FakeAnswer | Promise<FakeAnswer>;
  /** Ids of the rows that stood in the list from the first call to now. */
  stood(): readonly string[];
  /**
   * The fewest calls that show all rows and the end to a reader who knows everything else: the list stands still, its pages are as
   * large as the third party gives them, and no page is read twice.
   */
  fewest(sign: EndSign, size: number): number;
}

type Read<Result> = (body: Body, facts: AnswerFacts) => Result;

/** What the third party's documentation says, and how it is written down. */
export interface Api {
  readonly style: Style;
  /** Default `body.items`. */
  readonly items?: Read<readonly Row[]>;
  /** Default `body.next` for cursors, and the `Link` header for links. */
  readonly next?: Read<string | number | null | undefined>;
  readonly total?: Read<number | null | undefined>;
  readonly totalIs?: 'estimate';
  readonly hasMore?: Read<boolean | undefined>;
  /** False where the third party filters what it has cut, so that a short page is not the last: nobody who knows writes `short`. */
  readonly shortIsLast?: boolean;
  /** Rows that are asked for in a page. Default 100. */
  readonly size?: number;
  /** The page size can't be chosen. */
  readonly isFixed?: boolean;
  readonly firstPage?: number;
  /** In all definitions: what no definition of this list can do without. */
  readonly always?: Readonly<Record<string, unknown>>;
  readonly classify?: Classify;
  readonly key?: (row: Row) => string | number;
}

export interface HonestyKind {
  readonly name: string;
  readonly group: string;
  readonly api: Api;
  /**
   * `whole`: an honest reader can read it, so that any other end than complete is a false alarm. `short`: rows can't be reached, or the
   * third party fails. `open`: all can be read, but the answers contradict each other or never say so: an alarm is right.
   */
  readonly truth: 'whole' | 'short' | 'open';
  /** Rows come, go or move while the list is read. */
  readonly isMoving?: boolean;
  /** An earlier run read the list as it was; what follows is judged. */
  readonly hadRun?: boolean;
  readonly world: (random: Random) => World;
  /** Says why the truth of a definition is another one. */
  readonly truthOf?: (definition: string) => HonestyKind['truth'] | undefined;
}

export interface Group {
  readonly group: string;
  readonly kinds: readonly Omit<HonestyKind, 'group'>[];
}

/** Mulberry32: seeds that are close to each other draw numbers that are not. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
