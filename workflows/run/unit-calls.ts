/**
 * The calls of the units in hand: one unit's next call, calls for several units in one, and units that are put down
 * instead. A unit that is put down is not lost: its row in Postgres says where to go on.
 * Next: `run-calls.ts`, then `hear-fact.ts`.
 */
import type { PageFact, UnitRef } from '../../contracts/messages.ts';
import type { Node } from './run-node.ts';
import { isHistoryLong, type WalkState } from './walk-state.ts';

export interface UnitCalls {
  /** Makes a unit's next call, or puts the unit down. */
  walkOn(unit: UnitRef, pages?: number, ahead?: number): void;
  /** One call, for one unit or for several. */
  callFor(node: Node, units: readonly UnitRef[], pages?: number, ahead?: number): void;
  /** Calls for as many as there may be in one; the rest when no more can come. */
  callGathered(node: Node): void;
}

export interface UnitCallEvents {
  /** Told what a call of these units has said, and how often the run had been resumed when the call was made. */
  readonly onFact: (units: readonly UnitRef[], resumesBefore: number, fact: PageFact) => void;
  /** Told when a call that waited was put down. */
  readonly onPutDown: () => void;
}

export function createUnitCalls(walk: WalkState, { onFact, onPutDown }: UnitCallEvents): UnitCalls {
  const { plan, nodes, runCalls } = walk;
  let hasWaited = false;

  const walkOn = (unit: UnitRef, pages?: number, ahead = 1): void => {
    const node = nodes.named(unit.node);
    if (isHeld(walk)) return putDown(node, [unit]);
    node.inHand.set(unit.id, unit);
    // Asked for with others, as soon as there are enough.
    if (node.plan.batch !== undefined) node.gathered = [...node.gathered, unit];
    else callFor(node, [unit], pages, ahead);
  };

  const callFor = (node: Node, units: readonly UnitRef[], pages?: number, ahead = 1): void => {
    if (isHeld(walk)) return putDown(node, units);
    const [unit, ...others] = units as [UnitRef, ...UnitRef[]];
    const ask = { node: node.plan, unit, others, pages };
    walk.open++;
    const resumesBefore = walk.resumes;
    const hear = (fact: PageFact): void => onFact(units, resumesBefore, fact);
    if (node.durableCallsLeft > 0) {
      if (!hasWaited) walk.of.onWait();
      hasWaited = true;
      walk.calls++;
      runCalls.durably(ask, hear, (error) => giveUp(units, error));
    } else {
      const count = Math.min(ahead, plan.maxHistoryEvents - walk.calls);
      walk.calls += count;
      runCalls.now(ask, count, hear);
    }
  };

  const callGathered = (node: Node): void => {
    const { batch = 1 } = node.plan;
    const mayGrow = node.mayHaveMore || node.isAsked || !nodes.hasParentEnded(node);
    const least = walk.stop || walk.isPaused || !mayGrow ? 1 : batch;
    while (node.gathered.length >= least) {
      const units = node.gathered.slice(0, batch);
      node.gathered = node.gathered.slice(batch);
      callFor(node, units);
    }
  };

  /** A call that waited when the walk was stopped: its unit's row says until when. */
  const giveUp = (units: readonly UnitRef[], error: unknown): void => {
    if (!walk.stop) return walk.fail(error);
    walk.open--;
    for (const unit of units) nodes.named(unit.node).inHand.delete(unit.id);
    onPutDown();
  };

  return { walkOn, callFor, callGathered };
}

function isHeld(walk: WalkState): boolean {
  return walk.isPaused || walk.stop !== undefined || isHistoryLong(walk);
}

function putDown(node: Node, units: readonly UnitRef[]): void {
  for (const { id } of units) node.inHand.delete(id);
  if (units.length > 0) node.mayHaveMore = true;
}
