/**
 * Walks the tree of a run. It keeps a window of lists of each node in hand and makes their calls page by page. It ends
 * a node when its parent has ended and nothing of it is open. What is to be done and how far it is stands in Postgres.
 * So the walk can drop everything at any page and go on in a new history.
 *
 * It is one event loop. One synchronous function handles every answer and signal, right where it arrives, and each
 * answer says itself which unit it is about. Many calls end inside one workflow task, and a replay may deliver in one
 * batch what came in several before. With coroutines of unequal length the commands would come in another order.
 * Next: `unit-calls.ts`, `hear-fact.ts`, `node-steps.ts`, then `activities/sync/fetch-page.ts`.
 */
import type { PageFact, UnitRef } from '../../contracts/messages.ts';
import { goOnAfter, hearFact } from './hear-fact.ts';
import { createNodeSteps } from './node-steps.ts';
import { createUnitCalls } from './unit-calls.ts';
import type { WalkEnd } from './walk-end.ts';
import { createWalkState, isHistoryLong, stopWalk, type RunToWalk, type WalkStop } from './walk-state.ts';

export interface RunWalk {
  readonly end: Promise<WalkEnd>;
  pause(): void;
  resume(): void;
  stop(why: WalkStop): void;
}

export function walkRun(run: RunToWalk): RunWalk {
  const { opened } = run;
  const walk = createWalkState(run);
  const { nodes, notes, settle, end } = walk;

  const onFact = (units: readonly UnitRef[], resumesBefore: number, fact: PageFact): void => {
    walk.open--;
    const node = nodes.named((units as [UnitRef])[0].node);
    hearFact(walk, node, fact, resumesBefore);
    goOnAfter(calls, node, units, fact);
    pump();
  };

  /** Decides what is next for the run as a whole. Called after every event. */
  const pump = (): void => {
    if (!walk.stop && isHistoryLong(walk)) stopWalk(walk, 'cut');
    for (const node of nodes.all) calls.callGathered(node);
    if (walk.stop && walk.stop !== 'early') {
      if (walk.open === 0) settle({ how: walk.stop });
      return;
    }
    if (!walk.stop && !walk.isPaused) steps.askForUnits();
    for (const node of nodes.all) if (steps.mayEnd(node)) steps.endNode(node);
  };

  const calls = createUnitCalls(walk, { onFact, onPutDown: pump });
  const steps = createNodeSteps(walk, { onUnit: (unit) => calls.walkOn(unit), onStep: pump });

  /** Of the call that was made with the opening. */
  const hearFirst = (unit: UnitRef, fact: PageFact): void => {
    nodes.named(unit.node).inHand.set(unit.id, unit);
    walk.open++;
    walk.calls++;
    onFact([unit], walk.resumes, fact);
  };

  notes.tell();
  if (opened.state !== 'running' && opened.state !== 'paused') walk.stop = 'over';
  for (const unit of opened.units) {
    if (opened.first?.unit === unit.id) hearFirst(unit, opened.first);
    else calls.walkOn(unit);
  }
  if (nodes.haveEnded()) settle({ how: 'done' });
  pump();
  return {
    end,
    pause: () => {
      walk.isPaused = true;
      notes.clear();
    },
    resume: () => {
      walk.resumes++;
      walk.isPaused = false;
      notes.clear();
      for (const node of nodes.all) node.mayHaveMore = true;
      notes.tell();
      pump();
    },
    stop: (why) => {
      if (walk.stop && why !== 'cancelled') return;
      if (why === 'early') notes.clear();
      stopWalk(walk, why);
      pump();
    },
  };
}
