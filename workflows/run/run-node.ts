/**
 * A node of a run as its walk has it in hand. Used by: `run-walk.ts`.
 */
import type { OpenedRun, UnitRef } from '../../contracts/messages.ts';
import type { PlanNode } from '../../contracts/plan.ts';

export interface Node {
  readonly plan: PlanNode;
  readonly inHand: Map<number, UnitRef>;
  /** Of those in hand, the ones that wait for others to be asked for by the same call. */
  gathered: readonly UnitRef[];
  /** The database may have units that are not in hand. */
  mayHaveMore: boolean;
  isAsked: boolean;
  isEnding: boolean;
  isEnded: boolean;
  durableCallsLeft: number;
}

export function toNode(plan: PlanNode, { ended, units, state }: OpenedRun): Node {
  const given = units.filter(({ node }) => node === plan.name).length;
  return {
    plan,
    inHand: new Map(),
    gathered: [],
    mayHaveMore: given >= plan.window || state === 'paused',
    isAsked: false,
    isEnding: false,
    isEnded: ended.includes(plan.name),
    durableCallsLeft: 0,
  };
}
