/**
 * Walks the tree of a run. It keeps a window of lists of each node in hand and makes their calls page by page. It ends
 * a node when its parent has ended and nothing of it is open. What is to be done and how far it is stands in Postgres.
 * So the walk can drop everything at any page and go on in a new history.
 *
 * It is one event loop. One synchronous function handles every answer and signal, right where it arrives, and each
 * answer says itself which unit it is about. Many calls end inside one workflow task, and a replay may deliver in one
 * batch what came in several before. With coroutines of unequal length the commands would come in another order.
 * Next: `run-calls.ts`, then `activities/sync/fetch-page.ts`.
 */
import { workflowInfo } from '@temporalio/workflow';
import type { CallContext, OpenedRun, PageFact, UnitRef } from '../../contracts/messages.ts';
import { step } from '../activity-proxies.ts';
import { createRunCalls } from './run-calls.ts';
import { createNodeTree, type Node } from './run-node.ts';
import type { WalkEnd } from './walk-end.ts';
import { createWalkNotes } from './walk-notes.ts';

/** After a call had to wait, this many calls of its node in a row must not before calls are made inside workflow tasks again. */
const DURABLE_CALLS_AFTER_A_WAIT = 20;

export interface RunWalk {
  readonly end: Promise<WalkEnd>;
  pause(): void;
  resume(): void;
  /**
   * `over`: the run has ended in the database. `early`: all open units have been ended there, nothing more is read. `cut`: its
   * history ends, the rest is for a new one.
   */
  stop(why: 'cancelled' | 'over' | 'early' | 'cut'): void;
}

export interface RunToWalk {
  readonly runId: string;
  readonly context: CallContext;
  readonly opened: OpenedRun;
  /** Told of each change: what the nodes wait for, for people. */
  readonly describe: (notes: ReadonlyMap<string, string>) => void;
  /** Told when a call found the account not connected. */
  readonly onPaused: (because: string) => void;
  /** Told once, before the first call that may have to wait. */
  readonly onWait: () => void;
}

export function walkRun({ runId, context, opened, describe, onPaused, onWait }: RunToWalk): RunWalk {
  const { plan } = opened;
  const nodes = createNodeTree(opened);
  const notes = createWalkNotes(nodes.all, describe);
  let isPaused = opened.state === 'paused';
  let resumes = 0;
  let isAsking = false;
  let hasWaited = false;
  /** Why no more calls are made. */
  let stop: 'cut' | 'cancelled' | 'over' | 'early' | undefined;
  /** Calls and steps that are on their way. */
  let open = 0;
  let calls = 0;
  let settle!: (end: WalkEnd) => void;
  let fail!: (error: unknown) => void;
  const end = new Promise<WalkEnd>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  const runCalls = createRunCalls(runId, context);

  // Calls count as well: the length is told at the start of a workflow task, and one task can hold a thousand calls.
  const isHistoryLong = (): boolean =>
    workflowInfo().continueAsNewSuggested || Math.max(workflowInfo().historyLength, calls) >= plan.maxHistoryEvents;

  const take = <Result>(run: Parameters<typeof step<Result>>[0], then: (result: Result) => void): void => {
    open++;
    const onResult = (result: Result): void => {
      open--;
      then(result);
      pump();
    };
    step(run, onResult, fail);
  };

  /** Makes a unit's next call, or puts the unit down: its row in Postgres says where to go on. */
  const walkOn = (unit: UnitRef, pages?: number, ahead = 1): void => {
    const node = nodes.named(unit.node);
    if (isPaused || stop || isHistoryLong()) return putDown(node, [unit]);
    node.inHand.set(unit.id, unit);
    // Asked for with others, as soon as there are enough.
    if (node.plan.batch !== undefined) node.gathered = [...node.gathered, unit];
    else callFor(node, [unit], pages, ahead);
  };

  const putDown = (node: Node, units: readonly UnitRef[]): void => {
    for (const { id } of units) node.inHand.delete(id);
    if (units.length > 0) node.mayHaveMore = true;
  };

  /** One call, for one unit or for several. */
  const callFor = (node: Node, units: readonly UnitRef[], pages?: number, ahead = 1): void => {
    if (isPaused || stop || isHistoryLong()) return putDown(node, units);
    const [unit, ...others] = units as [UnitRef, ...UnitRef[]];
    const ask = { node: node.plan, unit, others, pages };
    open++;
    const onFact = onFactOf(units, resumes);
    if (node.durableCallsLeft > 0) {
      if (!hasWaited) onWait();
      hasWaited = true;
      calls++;
      runCalls.durably(ask, onFact, putDownOf(units));
    } else {
      const count = Math.min(ahead, plan.maxHistoryEvents - calls);
      calls += count;
      runCalls.now(ask, count, onFact);
    }
  };

  /** Calls for as many as there may be in one; the rest when no more can come. */
  const callGathered = (node: Node): void => {
    const { batch = 1 } = node.plan;
    const mayGrow = node.mayHaveMore || node.isAsked || !nodes.hasParentEnded(node);
    const least = stop || isPaused || !mayGrow ? 1 : batch;
    while (node.gathered.length >= least) {
      const units = node.gathered.slice(0, batch);
      node.gathered = node.gathered.slice(batch);
      callFor(node, units);
    }
  };

  /** A call that waited when the walk was stopped: its unit's row says until when. */
  const putDownOf = (units: readonly UnitRef[]) => (error: unknown) => {
    if (!stop) return fail(error);
    open--;
    for (const unit of units) nodes.named(unit.node).inHand.delete(unit.id);
    pump();
  };

  const onFactOf = (units: readonly UnitRef[], resumesBefore: number) => (fact: PageFact) => {
    open--;
    const [unit] = units as [UnitRef];
    const node = nodes.named(unit.node);
    switch (fact.state) {
      case 'later':
        node.durableCallsLeft = DURABLE_CALLS_AFTER_A_WAIT;
        notes.note(
          node,
          `waiting: ${fact.because}${fact.untilMs ? `, until ${new Date(fact.untilMs).toISOString()}` : ''}`,
        );
        break;
      case 'paused':
        // Unless the run was resumed while this answer was on its way.
        if (resumes !== resumesBefore || isPaused) break;
        isPaused = true;
        if (fact.because) onPaused(fact.because);
        break;
      case 'more':
      case 'ended':
        if (fact.wantsDurable) node.durableCallsLeft = DURABLE_CALLS_AFTER_A_WAIT;
        else if (node.durableCallsLeft > 0 && --node.durableCallsLeft === 0) notes.note(node);
        if (fact.lanes) node.mayHaveMore = true;
        if (fact.children) for (const child of nodes.childrenOf(node)) child.mayHaveMore = true;
        break;
      case 'over':
        stopBecause('over');
        break;
      // Never of all calls that were asked for at once.
      case 'idle':
    }
    if (fact.state === 'ended') for (const { id } of units) node.inHand.delete(id);
    else if (units.length > 1 || node.plan.batch !== undefined) goOnWith(node, units, fact);
    else if (fact.state === 'more') walkOn(unit, fact.pages, fact.ahead);
    else walkOn(unit);
    pump();
  };

  /** Of the call that was made with the opening. */
  const hearFirst = (unit: UnitRef, fact: PageFact): void => {
    nodes.named(unit.node).inHand.set(unit.id, unit);
    open++;
    calls++;
    onFactOf([unit], resumes)(fact);
  };

  /** The same units by one call again, or by two when that has failed. */
  const goOnWith = (node: Node, units: readonly UnitRef[], fact: PageFact): void => {
    const isSplit = fact.state === 'more' && fact.isSplit === true && units.length > 1;
    const half = isSplit ? Math.ceil(units.length / 2) : units.length;
    callFor(node, units.slice(0, half));
    if (isSplit) callFor(node, units.slice(half));
  };

  /** Decides what is next for the run as a whole. Called after every event. */
  const pump = (): void => {
    if (!stop && isHistoryLong()) stopBecause('cut');
    for (const node of nodes.all) callGathered(node);
    if (stop && stop !== 'early') {
      if (open === 0) settle({ how: stop });
      return;
    }
    if (!stop && !isPaused && !isAsking) ask();
    for (const node of nodes.all) if (mayEnd(node)) endNode(node);
  };

  /** Asks the database for units of all nodes whose windows have room. */
  const ask = (): void => {
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
        for (const unit of units) walkOn(unit);
      },
    );
  };

  const mayEnd = (node: Node): boolean =>
    !node.isEnding &&
    !node.isEnded &&
    !node.isAsked &&
    node.inHand.size === 0 &&
    (stop === 'early' || !node.mayHaveMore) &&
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

  /** Calls that wait at the server are put down; those that were sent are heard to their end. */
  const stopBecause = (why: NonNullable<typeof stop>): void => {
    stop = why;
    runCalls.putDown();
  };

  notes.tell();
  if (opened.state !== 'running' && opened.state !== 'paused') stop = 'over';
  for (const unit of opened.units) {
    if (opened.first?.unit === unit.id) hearFirst(unit, opened.first);
    else walkOn(unit);
  }
  if (nodes.haveEnded()) settle({ how: 'done' });
  pump();
  return {
    end,
    pause: () => {
      isPaused = true;
      notes.clear();
    },
    resume: () => {
      resumes++;
      isPaused = false;
      notes.clear();
      for (const node of nodes.all) node.mayHaveMore = true;
      notes.tell();
      pump();
    },
    stop: (why) => {
      if (stop && why !== 'cancelled') return;
      if (why === 'early') notes.clear();
      stopBecause(why);
      pump();
    },
  };
}
