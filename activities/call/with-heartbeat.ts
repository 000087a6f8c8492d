/**
 * Tells Temporal every second that an activity's process lives. So the work of a killed one is taken up by another
 * within the heartbeat timeout, and cancellations arrive.
 */
import { Context } from '@temporalio/activity';

const INTERVAL_MS = 1_000;

/**
 * @param work gets a way to tell later attempts something, at once and with every heartbeat. It outlives the process,
 *   and is known to Temporal also when the database has lost it.
 */
export async function withHeartbeat<T>(
  work: (signal: AbortSignal, tell: (details: unknown) => void) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  let details: unknown = context.info.heartbeatDetails;
  const beat = (): void => context.heartbeat(details);
  const tell = (latest: unknown): void => {
    details = latest;
    beat();
  };
  const timer = setInterval(beat, INTERVAL_MS);
  try {
    return await work(context.cancellationSignal, tell);
  } finally {
    clearInterval(timer);
  }
}

/**
 * For a call that should not be interrupted as long as somebody wants its answer. It fires when the workflow has ended,
 * the worker stops or the attempt was given up. It does not when a workflow that is about to be continued as new asks
 * for an end of all waiting. The answer of a call that was sent is then still taken.
 */
export async function withHeartbeatWhileWanted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  return withHeartbeat((cancelled) => {
    const unwanted = new AbortController();
    const hear = (): void => {
      if (context.cancellationDetails?.cancelRequested !== true) unwanted.abort(cancelled.reason);
    };
    if (cancelled.aborted) hear();
    cancelled.addEventListener('abort', hear, { once: true });
    return work(unwanted.signal);
  });
}
