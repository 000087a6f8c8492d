/**
 * One node of the tree: keeps a window of its units in hand and walks each one page by page. What is to be done and how
 * far it is stands in Postgres, so this workflow can drop everything at any page and be continued as new.
 * Next stop: `activity-proxies.ts`, then `activities/fetch-page.ts`.
 */
import {
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { FetchPageInput, PageFact, ResourceInput, UnitRef } from '../contracts/messages.ts';
import { fetchPageDurably, fetchPageNow, runStep } from './activity-proxies.ts';
import { parentDoneSignal, pauseSignal, resumeSignal, waitingSignal, wakeSignal } from './signals.ts';

const nextUnits = runStep('nextUnits');
const finishNode = runStep('finishNode');

/** After a call had to wait, this many calls in a row must not before calls are made inside workflow tasks again. */
const DURABLE_CALLS_AFTER_A_WAIT = 20;
/** The run is told what a node waits for at most this often: each time costs its history two events. */
const NOTE_INTERVAL_MS = 60_000;

export async function resource(input: ResourceInput): Promise<void> {
  const { runId, node, context, maxHistoryEvents } = input;
  const inHand = new Set<number>();
  let parentDone = input.parentDone ?? node.parent === null;
  let paused = input.paused ?? false;
  let resumes = 0;
  let mayHaveMore = true;
  let durableCallsLeft = 0;
  let failure: unknown;
  let notedAt = 0;

  setHandler(wakeSignal, () => void (mayHaveMore = true));
  setHandler(parentDoneSignal, () => {
    parentDone = true;
    mayHaveMore = true;
  });
  setHandler(pauseSignal, () => void (paused = true));
  setHandler(resumeSignal, () => {
    resumes++;
    paused = false;
    mayHaveMore = true;
  });

  const isHistoryLong = (): boolean => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength >= maxHistoryEvents;
  };

  const call = async (unit: UnitRef): Promise<PageFact> => {
    const request: Omit<FetchPageInput, 'mode'> = { runId, node: node.name, unit: unit.id, context };
    const summary = `${node.endpoint} ${unit.label}`.slice(0, 180);
    if (durableCallsLeft > 0) return fetchPageDurably({ ...request, mode: 'durable' }, node.callTimeoutMs, summary);
    return fetchPageNow({ ...request, mode: 'now' }, node.callTimeoutMs, summary);
  };

  /** Walks one unit until it has ended or has to be put down; its row in Postgres says where to go on. */
  const walk = async (unit: UnitRef): Promise<void> => {
    while (!paused && !isHistoryLong()) {
      const resumesBefore = resumes;
      const fact = await call(unit);
      switch (fact.state) {
        case 'later':
          durableCallsLeft = DURABLE_CALLS_AFTER_A_WAIT;
          await note(fact);
          break;
        case 'paused':
          // Unless the run was resumed while this answer was on its way, the signal that resumes it is still to come.
          if (resumes === resumesBefore) paused = true;
          break;
        case 'more':
        case 'ended':
          if (fact.wantsDurable) durableCallsLeft = DURABLE_CALLS_AFTER_A_WAIT;
          else if (durableCallsLeft > 0) durableCallsLeft--;
          if (fact.lanes) mayHaveMore = true;
          if (fact.state === 'ended') return;
      }
    }
    mayHaveMore = true;
  };

  const note = async ({ because, untilMs }: Extract<PageFact, { state: 'later' }>): Promise<void> => {
    const text = `waiting: ${because}${untilMs ? `, until ${new Date(untilMs).toISOString()}` : ''}`;
    setCurrentDetails(text);
    const now = Date.now();
    if (now - notedAt < NOTE_INTERVAL_MS) return;
    notedAt = now;
    const { parent } = workflowInfo();
    if (parent)
      await getExternalWorkflowHandle(parent.workflowId).signal(waitingSignal, { node: node.name, because: text });
  };

  const take = (unit: UnitRef): void => {
    inHand.add(unit.id);
    walk(unit)
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => inHand.delete(unit.id));
  };

  const room = (): number => node.window - inHand.size;
  // Asking for a few at a time would cost a step per unit.
  const shouldAsk = (): boolean => mayHaveMore && !paused && room() >= Math.ceil(node.window / 4);

  while (failure === undefined) {
    if (isHistoryLong()) {
      await condition(() => inHand.size === 0 || failure !== undefined);
      if (failure !== undefined) break;
      return continueAsNew<typeof resource>({ ...input, parentDone, paused });
    }
    if (shouldAsk()) {
      // Cleared before asking: a wake that arrives meanwhile must be heard.
      mayHaveMore = false;
      const asked = room();
      const units = await nextUnits({ runId, node: node.name, inHand: [...inHand], room: asked });
      if (units.length === asked) mayHaveMore = true;
      units.forEach(take);
    } else if (inHand.size === 0 && parentDone && !mayHaveMore) {
      return finishNode({ runId, node });
    } else {
      await condition(
        () =>
          failure !== undefined || shouldAsk() || isHistoryLong() || (inHand.size === 0 && parentDone && !mayHaveMore),
      );
    }
  }
  throw failure;
}
