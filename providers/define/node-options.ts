/**
 * How a user states one node of a sync: what to ask for, what a row is, what to visit, what to keep.
 * Used by: `define-sync.ts`. Next: `mistakes/sync-mistakes.ts` checks it.
 */
import type { ChildErrorPolicy } from '../../contracts/plan.ts';

/** What a node's functions may know besides the parent: kept for each parent from run to run. */
export interface UnitState<RunInput = unknown> {
  /**
   * What to ask from: the highest value of `incremental.field` that this parent's list has brought, less the look-back;
   * times in ISO, numbers as text. Undefined the first time, in full runs, and without `incremental`.
   */
  readonly watermark: string | undefined;
  /**
   * What the list's last reading has left to ask from (`paginate.checkpoint`). Undefined the first time, in full runs, when the third party
   * does not know it any more, and without `incremental: 'checkpoint'`.
   */
  readonly checkpoint: string | undefined;
  /** The sync's own input, which only roots have as their parent. */
  readonly runInput: RunInput;
}

/** How a node's lists are asked for what has changed only. */
export interface Incremental<Item> {
  /**
   * What tells how new an item is: a time (ISO text, epoch seconds or milliseconds), or an id or version that grows. The highest one of a
   * list that was read to its end comes back as `state.watermark` in the next run. Items without one: null. Anything else fails
   * the list. A time after that of the answer counts as the answer's.
   */
  readonly field: (item: Item) => string | number | null | undefined;
  /** Asked from so long before the watermark, in milliseconds, a second at least: what a third party shows late is not missed. */
  readonly lookbackMs: number;
  /** Where times without a zone are told, e.g. `Europe/Berlin`. Default `UTC`. */
  readonly zone?: string;
  /** What numbers are. Default: from 1e11 on milliseconds, from 1e8 on seconds, below ids. */
  readonly numbers?: 'milliseconds' | 'seconds' | 'ids';
}

/** The part of a Postgres client that a store hook gets: everything it runs is in the page's transaction. */
export interface StoreTransaction {
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[]; readonly rowCount: number | null }>;
}

export interface NodeOptions<Parent, Input, Item, Row, RunInput = unknown> {
  /** What to call the endpoint with, from the parent's latest row. */
  readonly input: (parent: Parent, state: UnitState<RunInput>) => Input;
  /** Identity of a row, unique within this resource and account. */
  readonly key: (item: Item, parent: Parent) => string | number;
  /** What is stored. Default: the item itself. */
  readonly map?: (item: Item, parent: Parent) => Row;
  /**
   * The first page of the list where the parent's row has it already, as nested lists of GraphQL do. It has the shape
   * of the endpoint's answer, whose schema reads it. It takes no call; the list goes on by its own cursor only where
   * there is more. Undefined: it is asked for. So are lists of parents whose rows did not come in this run.
   */
  readonly nested?: (parent: Parent) => unknown;
  /**
   * Visit once per this value instead of once per parent row, e.g. the account that many rows point to. Of a root: which list it reads, from
   * the run's input; what is known of one list (watermark, rows, deletions) says nothing of another. Default: by what `input` gives without a
   * watermark. Where that says only when or how much (`{ today }`), write `uniqueBy: () => ''`.
   */
  readonly uniqueBy?: (parent: Parent) => string | number;
  /** Only for parents of which this holds. Default: all. */
  readonly when?: (parent: Parent) => boolean;
  /** Writes the rows into tables of your own, in the same transaction as ours. Must be idempotent. */
  readonly store?: (tx: StoreTransaction, rows: readonly Row[], context: { readonly account: string }) => Promise<void>;
  /**
   * Ask only for what changed since the last run. It starts from the highest value of a field, which `input` gets as
   * `state.watermark`. With `'checkpoint'` it starts from the opaque token that the endpoint's `paginate.checkpoint`
   * has found, which `input` gets as `state.checkpoint`. Default: everything, always.
   */
  readonly incremental?: Incremental<Item> | 'checkpoint';
  /**
   * Which parents to visit. All that are known, since what is below a row can change while the row does not. Or only
   * those that have `changed`, and those whose lists an earlier run left unread (failed, cancelled, cut short). Of a
   * list that is asked only for what changed, the rows that came are changed. Of any other, those are of which what is
   * stored is new or differs. Nodes further below are visited only below those, too. A full run visits all. Default
   * `all`.
   */
  readonly parents?: 'all' | 'changed';
  /**
   * `full-pass`: rows that a list does not have any more are marked as deleted, when it was read from its beginning to a
   * complete end. `told`: only rows that say so (`isGone`) are. Default: `full-pass` with `isGone` and `incremental: 'checkpoint'`, since a
   * whole reading takes a new token, behind deletions that were not told yet; else as `told`.
   */
  readonly deletions?: 'full-pass' | 'told';
  /**
   * A row of which this holds says that it is gone (`status: 'cancelled'`, `@removed`). What is stored under its key is
   * marked as deleted, unless another parent's list has it. Its `map` is not called. Default: no row says so.
   */
  readonly isGone?: (item: Item, parent: Parent) => boolean;
  /** An empty answer deletes all rows of its list. Default false: it ends as `truncated`, and the rows are kept. */
  readonly allowEmpty?: boolean;
  /** Lists (or objects) in flight at once, 1 … 1,000. Default 40. */
  readonly window?: number;
  readonly onChildError?: Partial<ChildErrorPolicy>;
}

/** A root has no rows of a parent to look at. */
export type RootOptions<Input, EndpointInput, Item, Row> = Omit<
  NodeOptions<Input, EndpointInput, Item, Row, Input>,
  'parents' | 'nested' | 'when'
>;

/**
 * A node of a tree. `Above` is what the functions of a list know of what it is below. It is what `top` gives of the
 * parent, or the row of the list above, which has it too.
 */
export interface TreeOptions<Parent, Input, Item, Row, Above, RunInput = unknown> extends Omit<
  NodeOptions<Above, Input, Item, Row, RunInput>,
  'incremental' | 'parents' | 'uniqueBy'
> {
  /** What stands above the first lists, in the shape of the rows: as much of it as the other functions look at. */
  readonly top: (parent: Parent) => Above;
}

/**
 * Where the rows of a tree lack what `top` gives, the text says so at the definition, with the names of what they lack.
 */
export type RowsHave<Above, Row> = [Row] extends [MayBeUndefined<Above>]
  ? unknown
  : {
      readonly top: `each row must have what \`top\` gives, and \`${Lacking<Above, Row>}\` is not there or of another type: let \`map\` add it`;
    };

/** A field that may be left out may be undefined as well: what is kept has neither. */
type MayBeUndefined<Above> = {
  [Name in keyof Above]: MayBeLeftOut<Above, Name> extends true ? Above[Name] | undefined : Above[Name];
};

type MayBeLeftOut<Above, Name extends keyof Above> =
  Partial<Pick<Above, Name>> extends Pick<Above, Name> ? true : false;

type Lacking<Above, Row> = keyof {
  [Name in keyof Above & string as Fits<Above, Row, Name> extends true ? never : Name]: true;
};

type Fits<Above, Row, Name extends keyof Above> = Name extends keyof Row
  ? [Pick<Row, Name>] extends [MayBeUndefined<Pick<Above, Name>>]
    ? true
    : false
  : MayBeLeftOut<Above, Name>;

/** Several parents asked for by one call. */
export interface BatchOptions<Parent, Input, Item, Row> extends Omit<
  NodeOptions<Parent, Input, Item, Row>,
  'input' | 'incremental' | 'nested'
> {
  /** Parents of one call at most, 2 … 1,000. Fewer only when no more can come. */
  readonly size: number;
  /** What to call the endpoint with, from the latest rows of these parents. */
  readonly input: (parents: readonly Parent[]) => Input;
  /** Whose row it is: the key of the parent, or what `uniqueBy` gives of it. */
  readonly parentOf: (item: Item) => string | number;
  /** A parent of which the answer has nothing has an empty list. Default false: it is skipped, as one that is not there. */
  readonly allowMissing?: boolean;
}

export type Batch = Pick<
  BatchOptions<unknown, unknown, unknown, unknown>,
  'size' | 'input' | 'parentOf' | 'allowMissing'
>;
