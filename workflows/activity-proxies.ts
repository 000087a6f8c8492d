/**
 * How workflows call activities: every retry policy is here. `now` runs inside the workflow task. It is a local
 * activity: a call that can be made at once costs one history event and no round trip to the server. The server
 * schedules `durable`, where waiting holds nothing. Next: `activities/sync/fetch-page.ts`.
 */
import { ActivityCancellationType, isCancellation, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { LONGEST_FIRST_CALL_MS, STORING_PATIENCE_MS } from '../contracts/messages.ts';

/** In-place wait, store and margin on top of the call's own ceiling. A lost worker is noticed by its task or its heartbeat. */
const CALL_MARGIN_MS = STORING_PATIENCE_MS + 20_000;
/**
 * An answer to a write is in hand and must be recorded, also while the database fails over. A lost worker is noticed
 * by its heartbeat.
 */
const RECORDING_MARGIN_MS = 600_000;
/** Calls that were asked for ahead wait for those before them; a slow one among them ends the row. */
const ROW_MARGIN_MS = 20_000;

/**
 * The next call of a unit, made inside the workflow task. Never waits, never retries: what can't be done at once is
 * answered as `later`, and the durable way then sits it out.
 */
export function callNow(callTimeoutMs: number, summary: string): Activities['fetchPage'] {
  return proxyLocalActivities<Activities>({
    startToCloseTimeout: callTimeoutMs + CALL_MARGIN_MS + ROW_MARGIN_MS,
    retry: { maximumAttempts: 1 },
    summary,
  }).fetchPage;
}

/**
 * The same call by the server's retry policy: for as long as it takes; the activity itself says when to come back. Cancelled,
 * one that waits ends at once, and one whose call was sent ends with its answer.
 */
export function callDurably(callTimeoutMs: number, summary: string): Activities['fetchPage'] {
  return proxyActivities<Activities>({
    startToCloseTimeout: callTimeoutMs + CALL_MARGIN_MS,
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    // Priority and fairness come with the workflow. These delays are used when the activity does not name one itself:
    // its database is away, its worker was killed.
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    summary,
  }).fetchPage;
}

/**
 * A call of an action: never inside the workflow task, whose loss would repeat it. A cancellation waits until what was sent
 * has been recorded.
 */
export function performDurably(callTimeoutMs: number, summary: string): Activities['performAction'] {
  return proxyActivities<Activities>({
    startToCloseTimeout: callTimeoutMs + RECORDING_MARGIN_MS,
    heartbeatTimeout: '6 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    summary,
  }).performAction;
}

/** One call of a run in a fleet, made inside the workflow task. */
export function fleetStep(callTimeoutMs: number): Activities['stepOfFleet'] {
  return proxyLocalActivities<Activities>({
    startToCloseTimeout: callTimeoutMs + CALL_MARGIN_MS + ROW_MARGIN_MS,
    retry: { maximumAttempts: 1 },
  }).stepOfFleet;
}

type Steps = Omit<Activities, 'fetchPage' | 'performAction' | 'stepOfFleet'>;

/** Database steps of a run, made inside the workflow task. */
const quickSteps: Steps = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
});

/**
 * Opens a run, and makes its first call. Not cancelled, and heard to its end: a call that was sent is to be known of.
 */
export const openingStep: Steps['openRun'] = proxyLocalActivities<Activities>({
  startToCloseTimeout: LONGEST_FIRST_CALL_MS + CALL_MARGIN_MS + ROW_MARGIN_MS,
  retry: { maximumAttempts: 1 },
}).openRun;

const STURDY = {
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
} as const;

/** The same steps, retried by the server until they work. */
export const sturdySteps: Steps = proxyActivities<Activities>(STURDY);

/** The same, cancelled: an attempt that is under way is heard to its end, so that what it has written is known. */
export const heardSteps: Steps = proxyActivities<Activities>({
  ...STURDY,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/**
 * A step at once where possible, else the sturdy way. For event loops: all results of local activities reach their
 * handlers after equally many promises. So a replay, which delivers several at once, handles them in the order in which
 * they came.
 */
export function step<Result>(
  run: (steps: Steps) => Promise<Result>,
  onResult: (result: Result) => void,
  onError: (error: unknown) => void,
): void {
  run(quickSteps).then(onResult, () => void run(sturdySteps).then(onResult, onError));
}

/** The same for workflows that do one thing at a time. */
export function runStep<Result>(step: (steps: Steps) => Promise<Result>): Promise<Result> {
  return step(quickSteps).catch((error: unknown) => {
    if (isCancellation(error)) throw error;
    return step(sturdySteps);
  });
}
