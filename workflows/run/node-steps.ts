/**
 * The walk's steps in the database: units for the nodes whose windows have room, and the ends of nodes.
 * Used by: `run-walk.ts`. Next: `activities/run/run-activities.ts`.
 */
import { step } from '../activity-proxies.ts';
import type { UnitRef } from '../../contracts/messages.ts';
import type { Node } from './run-node.ts';
import type { WalkState } from './walk-state.ts';

export interface NodeSteps {
  /** Asks the database for units of all nodes whose windows have room, one question at a time. */
  askForUnits(): void;
  mayEnd(node: Node): boolean;
  endNode(node: Node): void;
}

export interface NodeStepEvents {
  readonly onUnit: (unit: UnitRef) => void;
  /** Told after every step. */
  readonly onStep: () => void;
}

export function createNodeSteps(walk: WalkState, { onUnit, onStep }: NodeStepEvents): NodeSteps {
  const { nodes, notes, settle, fail } = walk;
  const { runId } = walk.of;
  let isAsking = false;

  const take = <Result>(run: Parameters<typeof step<Result>>[0], then: (result: Result) => void): void => {
    walk.open++;
    const onResult = (result: Result): void => {
      walk.open--;
      then(result);
      onStep();
    };
    step(run, onResult, fail);
  };

  const askForUnits = (): void => {
    if (isAsking) return;
    const hungry = nodes.hungry();
    if (hungry.length === 0) return;
    const wanted = hungry.map((node) => ({
      node: node.plan.name,
      inHand: [...node.inHand.keys()],
      room: node.plan.window - node.inHand.size,
    }));
    // Cleared before asking: what is told meanwhile must be heard.
    for (const node of hungry) node.mayHaveMore = false;
    for (const node of hungry) node.isAsked = true;
    isAsking = true;
    take(
      (steps) => steps.nextUnits({ runId, wanted }),
      (units) => {
        isAsking = false;
        for (const node of hungry) node.isAsked = false;
        for (const { node, room } of wanted)
          if (units.filter((unit) => unit.node === node).length === room) nodes.named(node).mayHaveMore = true;
        for (const unit of units) onUnit(unit);
      },
    );
  };

  const mayEnd = (node: Node): boolean =>
    !node.isEnding &&
    !node.isEnded &&
    !node.isAsked &&
    node.inHand.size === 0 &&
    (walk.stop === 'early' || !node.mayHaveMore) &&
    nodes.hasParentEnded(node);

  const endNode = (node: Node): void => {
    node.isEnding = true;
    if (nodes.haveEnded(node)) return settle({ how: 'done', last: node.plan });
    take(
      (steps) => steps.finishNode({ runId, node: node.plan }),
      () => {
        node.isEnded = true;
        // Ending it may have given them rows of earlier runs.
        for (const child of nodes.childrenOf(node)) child.mayHaveMore = true;
        notes.tell();
        // Nodes whose ends were on their way at the same time: none of them was the last.
        if (nodes.haveEnded()) settle({ how: 'done' });
      },
    );
  };

  return { askForUnits, mayEnd, endNode };
}
