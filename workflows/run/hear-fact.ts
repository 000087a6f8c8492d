/**
 * What a call has said, taken into the walk. It says how its node's next calls are made, who may have more, and whether
 * the run is paused or over. Then its units go on, all synchronously. Used by: `run-walk.ts`. Next: `unit-calls.ts`.
 */
import type { PageFact, UnitRef } from '../../contracts/messages.ts';
import type { Node } from './run-node.ts';
import type { UnitCalls } from './unit-calls.ts';
import { stopWalk, type WalkState } from './walk-state.ts';

/** After a call had to wait, this many calls of its node in a row must not before calls are made inside workflow tasks again. */
const DURABLE_CALLS_AFTER_A_WAIT = 20;

/** @param resumesBefore how often the run had been resumed when the call was made. */
export function hearFact(walk: WalkState, node: Node, fact: PageFact, resumesBefore: number): void {
  const { nodes, notes } = walk;
  switch (fact.state) {
    case 'later':
      node.durableCallsLeft = DURABLE_CALLS_AFTER_A_WAIT;
      notes.note(
        node,
        `waiting: ${fact.because}${fact.inMs ? `, until ${new Date(Date.now() + fact.inMs).toISOString()}` : ''}`,
      );
      break;
    case 'paused':
      // Unless the run was resumed while this answer was on its way.
      if (walk.resumes !== resumesBefore || walk.isPaused) break;
      walk.isPaused = true;
      if (fact.because) walk.of.onPaused(fact.because);
      break;
    case 'more':
    case 'ended':
      if (fact.wantsDurable) node.durableCallsLeft = DURABLE_CALLS_AFTER_A_WAIT;
      else if (node.durableCallsLeft > 0 && --node.durableCallsLeft === 0) notes.note(node);
      if (fact.lanes || fact.hasMoved) node.mayHaveMore = true;
      if (fact.children || fact.hasMoved) for (const child of nodes.childrenOf(node)) child.mayHaveMore = true;
      break;
    case 'over':
      stopWalk(walk, 'over');
      break;
    // Never of all calls that were asked for at once.
    case 'idle':
  }
}

/** The call's units: they have ended, or go on with their next call. */
export function goOnAfter(calls: UnitCalls, node: Node, units: readonly UnitRef[], fact: PageFact): void {
  const [unit] = units as [UnitRef];
  if (fact.state === 'ended') for (const { id } of units) node.inHand.delete(id);
  else if (units.length > 1 || node.plan.batch !== undefined) goOnTogether(calls, node, units, fact);
  else if (fact.state === 'more') calls.walkOn(unit, fact.pages, fact.ahead);
  else calls.walkOn(unit);
}

/** The same units by one call again, or by two when that has failed. */
function goOnTogether(calls: UnitCalls, node: Node, units: readonly UnitRef[], fact: PageFact): void {
  const isSplit = fact.state === 'more' && fact.isSplit === true && units.length > 1;
  const half = isSplit ? Math.ceil(units.length / 2) : units.length;
  calls.callFor(node, units.slice(0, half));
  if (isSplit) calls.callFor(node, units.slice(half));
}
