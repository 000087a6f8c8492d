/** How the walk of a run ends. Used by: `run-walk.ts`, `workflows/sync.ts`. */
import type { PlanNode } from '../../contracts/plan.ts';

export type WalkEnd =
  /** All is read. Only `last` is still to be ended, with the run. */
  | { readonly how: 'done'; readonly last?: PlanNode }
  /** The rest is for a new history. */
  | { readonly how: 'cut' }
  | { readonly how: 'cancelled' }
  /** The run has ended in the database: from outside, or with a node that failed. */
  | { readonly how: 'over' };
