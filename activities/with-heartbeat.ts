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
