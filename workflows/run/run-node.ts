/**
 * The nodes of a run as its walk has them in hand. Used by: `walk-state.ts`.
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

/** The nodes of a run, parents first. */
export interface NodeTree {
  readonly all: readonly Node[];
  named(name: string): Node;
  childrenOf(parent: Node): readonly Node[];
  hasParentEnded(node: Node): boolean;
  /** Those whose window has room for more. To ask for a few at a time would cost a step for each unit. */
  hungry(): readonly Node[];
  /** @param except a node that is taken for ended. */
  haveEnded(except?: Node): boolean;
}

export function createNodeTree(opened: OpenedRun): NodeTree {
  const all = opened.plan.nodes.map((node) => toNode(node, opened));
  const byName = new Map(all.map((node) => [node.plan.name, node]));
  const named = (name: string): Node => byName.get(name) as Node;
  return {
    all,
    named,
    childrenOf: (parent) =>
      all.filter((node) => node.plan.parent === parent.plan.name || (node === parent && node.plan.isTree)),
    hasParentEnded: ({ plan: { parent } }) => parent === null || named(parent).isEnded,
    hungry: () =>
      all.filter(
        ({ plan: { window }, inHand, mayHaveMore, isEnding, isEnded }) =>
          mayHaveMore && !isEnding && !isEnded && window - inHand.size >= Math.ceil(window / 4),
      ),
    haveEnded: (except) => all.every((node) => node === except || node.isEnded),
  };
}

function toNode(plan: PlanNode, { ended, units, state }: OpenedRun): Node {
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
