/**
 * How workflows call activities: every retry policy is here. `now` runs inside the workflow task (a local activity: a
 * call that can be made at once costs one history event and no round trip to the server); `durable` is scheduled by the
 * server, where waiting holds nothing. Next stop: `activities/fetch-page.ts`.
 */
import { ActivityCancellationType, isCancellation, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { FetchPageInput, PageFact } from '../contracts/messages.ts';

/** In-place wait, store and margin on top of the call's own ceiling. */
const CALL_MARGIN_MS = 20_000;

/**
 * The next call of a unit, made inside the workflow task. Never waits, never retries: what can't be done at once is
 * answered as `later`, and so is a worker's own trouble (its database is away), which the durable way then sits out.
 */
export async function fetchPageNow(input: FetchPageInput, callTimeoutMs: number, summary: string): Promise<PageFact> {
  const { fetchPage } = proxyLocalActivities<Activities>({
    startToCloseTimeout: callTimeoutMs + CALL_MARGIN_MS,
    retry: { maximumAttempts: 1 },
    summary,
  });
  try {
    return await fetchPage(input);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { state: 'later', because: 'the worker could not make the call at once' };
  }
}

/** The same call by the server's retry policy: for as long as it takes; the activity itself says when to come back. */
export function fetchPageDurably(input: FetchPageInput, callTimeoutMs: number, summary: string): Promise<PageFact> {
  const { fetchPage } = proxyActivities<Activities>({
    startToCloseTimeout: callTimeoutMs + CALL_MARGIN_MS,
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    // Priority and fairness come with the workflow. These delays are used when the activity does not name a delay itself: its database is away, its worker was killed.
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    summary,
  });
  return fetchPage(input);
}

type StepName = Exclude<keyof Activities, 'fetchPage'>;
type Step<Name extends StepName> = Activities[Name];

/** A database step of a run: at once where possible, else retried by the server until it works. */
export function runStep<Name extends StepName>(name: Name, nonRetryable: string[] = []): Step<Name> {
  const quick = proxyLocalActivities<Activities>({ startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 1 } });
  const sturdy = proxyActivities<Activities>({
    startToCloseTimeout: '30 seconds',
    retry: {
      initialInterval: '500 milliseconds',
      backoffCoefficient: 2,
      maximumInterval: '30 seconds',
      nonRetryableErrorTypes: nonRetryable,
    },
  });
  const call = async (input: never): Promise<unknown> => {
    try {
      return await (quick[name] as (input: never) => Promise<unknown>)(input);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return (sturdy[name] as (input: never) => Promise<unknown>)(input);
    }
  };
  return call as Step<Name>;
}
