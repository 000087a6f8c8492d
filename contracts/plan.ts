/**
 * A sync definition compiled to plain JSON: what the workflow interpreter runs. It holds no user code. Mappings and
 * rules stay in the worker and are looked up by name at each call, so editing them breaks no running sync.
 * Next: `workflows/sync.ts` reads it.
 */

export type PaginationKind = 'single' | 'cursor' | 'link' | 'page' | 'offset';

/** What to do with a unit whose parent can't be read. `skip` counts and lists it; `fail` fails the node. */
export interface ChildErrorPolicy {
  /** 404, 410 and outcomes `gone`. Default `skip` for children, `fail` for the root. */
  readonly notFound: 'skip' | 'fail';
  /** 403 and other refusals of access that a new token does not mend. Default `skip` for children, `fail` for the root. */
  readonly forbidden: 'skip' | 'fail';
  /** Above this share of skipped and failed units (0 … 1) the node ends failed. Default 0.2. */
  readonly maxSkippedShare: number;
}

/** `<parent>><node>`, with nothing before the `>` for a root. */
export type TreePath = string;

/** The tree of a plan, whose parts are found again in a worker's own. */
export function treeOf(nodes: readonly Pick<PlanNode, 'name' | 'parent' | 'isTree'>[]): TreePath[] {
  return nodes.flatMap(({ name, parent, isTree }) => [
    `${parent ?? ''}>${name}`,
    ...(isTree ? [`${name}>${name}`] : []),
  ]);
}

export interface PlanNode {
  readonly name: string;
  readonly endpoint: string;
  /** Name of the parent node; null for a root. */
  readonly parent: string | null;
  /** Where its records are stored: `sync.node`. */
  readonly resource: string;
  readonly pagination: PaginationKind;
  /** Units (lists) in flight at once. Default 40. */
  readonly window: number;
  /** One call is for the lists of so many parents. */
  readonly batch?: number;
  readonly onChildError: ChildErrorPolicy;
  /** Its lists may be asked only for what changed. Default false. */
  readonly incremental?: boolean;
  /** When its lists were asked only for what changed, its children also visit the rows that earlier runs brought. */
  readonly visitsKnown?: boolean;
  /** Runs may leave out some of its rows, so its children also visit the parents whose lists earlier runs left unread. */
  readonly visitsOwed?: boolean;
  /** Rows that a list read from its beginning does not have any more are marked as deleted. */
  readonly deletions?: 'full-pass';
  /** An empty list may delete all its rows. Default false. */
  readonly allowEmpty?: boolean;
  /** Its rows are parents of further lists of it. Default false. */
  readonly isTree?: boolean;
  /** Ceiling of one call in milliseconds, permit not included. */
  readonly callTimeoutMs: number;
}

export interface Plan {
  readonly sync: string;
  readonly provider: string;
  readonly nodes: readonly PlanNode[];
  /** A workflow's history is cut by continue-as-new at about this many events. Default 4,000. */
  readonly maxHistoryEvents: number;
}
