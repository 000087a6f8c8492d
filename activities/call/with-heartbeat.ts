/**
 * Tells Temporal every second that an activity's process lives, so that the work of a killed one is taken up by another
 * within the heartbeat timeout, and cancellations arrive.
 */
import { Context } from '@temporalio/activity';

const INTERVAL_MS = 1_000;

export async function withHeartbeat<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), INTERVAL_MS);
  try {
    return await work(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
}

/**
 * For a call that should not be interrupted as long as somebody wants its answer: fires when the workflow has ended, the
 * worker stops or the attempt was given up, but not when a workflow that is about to be continued as new asks for an end of
 * all waiting. The answer of a call that was sent is then still taken.
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
