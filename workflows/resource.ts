/**
 * One node of the tree: keeps a window of its units in hand and walks each one page by page. What is to be done and how
 * far it is stands in Postgres, so this workflow can drop everything at any page and be continued as new.
 *
 * It is one event loop: every answer and signal is handled by one synchronous function, right where it arrives, and each
 * answer says itself which unit it is about. Many calls end inside one workflow task, and a replay may deliver in one
 * batch what came in several before; with coroutines of unequal length the commands would then come in another order.
 * Next stop: `activity-proxies.ts`, then `activities/sync/fetch-page.ts`.
 */
import {
  CancellationScope,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { FetchPageInput, PageFact, ResourceInput, UnitRef } from '../contracts/messages.ts';
import { callDurably, callNow, quickSteps, runStep, sturdySteps } from './activity-proxies.ts';
import { callAhead } from './prefetch.ts';
import { endEarlySignal, parentDoneSignal, pauseSignal, resumeSignal, waitingSignal, wakeSignal } from './signals.ts';

/** After a call had to wait, this many calls in a row must not before calls are made inside workflow tasks again. */
const DURABLE_CALLS_AFTER_A_WAIT = 20;
/** The run is told what a node waits for at most this often: each time costs its history two events. */
const NOTE_INTERVAL_MS = 60_000;

export async function resource(input: ResourceInput): Promise<void> {
  const { runId, node, context, maxHistoryEvents } = input;
  const inHand = new Map<number, UnitRef>();
  let parentDone = input.parentDone ?? node.parent === null;
  let paused = input.paused ?? false;
  let isEnded = false;
  let resumes = 0;
  /** Calls that wait at the server. Their places in the limiter's queue are kept when they are cancelled. */
  const durableCalls = new CancellationScope();
  let isCutting = false;
  /** The database may have units that are not in hand. */
  let mayHaveMore = true;
  let isAsking = false;
  let durableCallsLeft = 0;
  let calls = 0;
  let notedAt = 0;
  let settle: (end: 'done' | 'cut') => void;
  let fail: (error: unknown) => void;
  const end = new Promise<'done' | 'cut'>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });

  // Calls count as well: the length is told at the start of a workflow task, and one task can hold a thousand calls.
  const isHistoryLong = (): boolean => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || Math.max(historyLength, calls) >= maxHistoryEvents;
  };

  /** Makes a unit's next call, or puts the unit down: its row in Postgres says where to go on. */
  const walkOn = (unit: UnitRef, pages?: number, ahead = 1): void => {
    if (paused || isEnded || isHistoryLong()) {
      inHand.delete(unit.id);
      mayHaveMore = true;
      return;
    }
    inHand.set(unit.id, unit);
    const count = durableCallsLeft > 0 ? 1 : Math.min(ahead, maxHistoryEvents - calls);
    calls += count;
    const request: Omit<FetchPageInput, 'mode'> = {
      runId,
      node: node.name,
      unit: unit.id,
      context,
      ...(pages === undefined ? {} : { pages }),
    };
    const summary = `${node.endpoint} ${unit.label}`.slice(0, 180);
    if (durableCallsLeft > 0) {
      const call = (): Promise<void> =>
        callDurably(
          node.callTimeoutMs,
          summary,
        )({ ...request, mode: 'durable' }).then(onFact(resumes), putDown(unit.id));
      durableCalls.run(call).catch(fail);
    } else {
      // What can't be done at once, for whatever reason, is done durably.
      const putOff = (error: unknown): void =>
        isCancellation(error)
          ? fail(error)
          : onFact(resumes)({
              unit: unit.id,
              state: 'later',
              because: 'the worker could not make the call at once',
              atMs: 0,
            });
      callAhead(callNow(node.callTimeoutMs, summary), { ...request, mode: 'now' }, count, onFact(resumes), putOff);
    }
  };

  /** At a cut a call that was still waiting is left to the next workflow. */
  const putDown =
    (unit: number) =>
    (error: unknown): void => {
      if (!isCutting) return fail(error);
      inHand.delete(unit);
      pump();
    };

  const onFact =
    (resumesBefore: number) =>
    (fact: PageFact): void => {
      const unit = inHand.get(fact.unit);
      switch (fact.state) {
        case 'later':
          durableCallsLeft = DURABLE_CALLS_AFTER_A_WAIT;
          note(fact);
          break;
        case 'paused':
          // Unless the run was resumed while this answer was on its way, the signal that resumes it is still to come.
          if (resumes !== resumesBefore || paused) break;
          paused = true;
          if (fact.because) note({ ...fact, because: fact.because, isPaused: true });
          break;
        case 'more':
        case 'ended':
          if (fact.wantsDurable) durableCallsLeft = DURABLE_CALLS_AFTER_A_WAIT;
          else if (durableCallsLeft > 0) durableCallsLeft--;
          if (fact.lanes) mayHaveMore = true;
          break;
        // Never of all calls that were asked for at once.
        case 'idle':
      }
      if (fact.state === 'ended') inHand.delete(fact.unit);
      else if (unit && fact.state === 'more') walkOn(unit, fact.pages, fact.ahead);
      else if (unit) walkOn(unit);
      pump();
    };

  const onUnits =
    (asked: number) =>
    (units: UnitRef[]): void => {
      isAsking = false;
      if (units.length === asked) mayHaveMore = true;
      for (const unit of units) walkOn(unit);
      pump();
    };

  /** Decides what is next for the node as a whole. Called after every event. */
  const pump = (): void => {
    if (isAsking || isEnded) return;
    const room = node.window - inHand.size;
    if (isHistoryLong()) {
      if (inHand.size === 0) settle('cut');
      // One call that waits for its next attempt would keep all others of the node waiting for the cut.
      else if (!isCutting) {
        isCutting = true;
        durableCalls.cancel();
      }
    } else if (mayHaveMore && !paused && room >= Math.ceil(node.window / 4)) {
      // Asking for a few at a time would cost a step per unit. Cleared before asking: a wake meanwhile must be heard.
      mayHaveMore = false;
      isAsking = true;
      const request = { runId, node: node.name, inHand: [...inHand.keys()], room };
      const askAgain = (error: unknown): void => {
        if (isCancellation(error)) return fail(error);
        sturdySteps.nextUnits(request).then(onUnits(room), fail);
      };
      quickSteps.nextUnits(request).then(onUnits(room), askAgain);
    } else if (inHand.size === 0 && parentDone && !mayHaveMore) {
      settle('done');
    }
  };

  const note = (fact: { because: string; untilMs?: number; isPaused?: boolean; atMs?: number }): void => {
    const { because, untilMs, isPaused = false, atMs } = fact;
    const until = untilMs ? `, until ${new Date(untilMs).toISOString()}` : '';
    const text = isPaused ? `paused: ${because}` : `waiting: ${because}${until}`;
    setCurrentDetails(text);
    const { parent } = workflowInfo();
    // The time that the activity recorded (0: nobody has): the workflow's own depends on how a replay delivers the answers.
    const nowMs = atMs ?? Date.now();
    if (!parent || (!isPaused && nowMs - notedAt < NOTE_INTERVAL_MS)) return;
    notedAt = nowMs;
    // A note for people: a run that is just ending does not need it.
    getExternalWorkflowHandle(parent.workflowId)
      .signal(waitingSignal, { node: node.name, because: text, ...(isPaused ? { isPaused } : {}) })
      .catch(() => {});
  };

  setHandler(wakeSignal, () => {
    mayHaveMore = true;
    pump();
  });
  setHandler(parentDoneSignal, () => {
    parentDone = true;
    mayHaveMore = true;
    pump();
  });
  setHandler(endEarlySignal, () => {
    isEnded = true;
    settle('done');
  });
  setHandler(pauseSignal, () => void (paused = true));
  setHandler(resumeSignal, () => {
    resumes++;
    paused = false;
    mayHaveMore = true;
    pump();
  });

  // With no call on its way, in a pause or before its parent has rows, nothing else would tell of a cancellation.
  CancellationScope.current().cancelRequested.catch((error: unknown) => fail(error));
  pump();
  try {
    if ((await end) === 'cut') return await continueAsNew<typeof resource>({ ...input, parentDone, paused });
    await runStep((steps) => steps.finishNode({ runId, node }));
  } finally {
    // What it waited for last is over.
    setCurrentDetails('');
  }
}
