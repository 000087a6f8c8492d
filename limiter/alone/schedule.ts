/**
 * Runs any function when the limits allow it, and tells the limiter how it went. Used by: `limit-fetch.ts`, and apps that have clients
 * of their own. Next: `limiter/acquire/acquire.ts`.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Limiter } from '../create-limiter.ts';
import type { AcquireRequest, Observation, Permit } from '../types.ts';
import { isFresh } from '../acquire/permit.ts';
import { observeAnswer } from './observe-answer.ts';

export interface ScheduleOptions<Result> extends Omit<AcquireRequest, 'callKey' | 'maxWaitMs'> {
  /** Keep the place in the queue over restarts of the process: the same key for the same call. Default: a new one. */
  readonly callKey?: string;
  /** Waits for its turn at most this long, in milliseconds. Default: as long as it takes, or until `signal`. */
  readonly timeoutMs?: number;
  /** What the limiter is to learn from what came. Default: a `Response` by its status and headers, anything else was `ok`. */
  readonly observe?: (result: Result) => Observation;
}

/** The turn of a call has not come in time. Nothing was sent. */
export class TurnNotCome extends Error {
  override readonly name = 'TurnNotCome';
}

const LOOK_IN_MS = 30_000;

/**
 * @throws TurnNotCome after `timeoutMs`, the signal's reason when it is aborted, LimiterUnavailable when the store can't be asked, and
 * whatever `call` throws.
 * @example
 * const issue = await schedule(limiter, { account: 'acct_42', charges: shop({ account: 'acct_42' }) }, () => client.issues.get(7));
 */
export async function schedule<Result>(
  limiter: Limiter,
  options: ScheduleOptions<Result>,
  call: (signal?: AbortSignal) => Promise<Result> | Result,
): Promise<Result> {
  const permit = await takeTurn(limiter, options);
  const startedAt = performance.now();
  const tell = (observation: Observation) =>
    limiter.report(permit, { latencyMs: performance.now() - startedAt, ...observation });
  let result: Result;
  try {
    result = await call(options.signal);
  } catch (error) {
    await tell({ result: 'failed', isMaybeItsOwn: true, isEndedByUs: options.signal?.aborted === true });
    throw error;
  }
  await tell(options.observe ? options.observe(result) : observeAnswer(result));
  return result;
}

async function takeTurn(limiter: Limiter, options: ScheduleOptions<never>): Promise<Permit> {
  const { timeoutMs = Infinity, callKey = randomUUID(), observe: _, ...request } = options;
  const { signal } = request;
  const until = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = until - performance.now();
    const acquired = await limiter.acquire({
      ...request,
      callKey,
      maxWaitMs: Math.max(0, Math.min(LOOK_IN_MS, leftMs)),
    });
    if (acquired.granted) {
      if (isFresh(acquired.permit)) return acquired.permit;
      await limiter.report(acquired.permit, { result: 'not-sent' });
      continue;
    }
    const { retryAfterMs, wait } = acquired;
    if (signal?.aborted || performance.now() + retryAfterMs > until) {
      await limiter.abandon(callKey);
      signal?.throwIfAborted();
      throw new TurnNotCome(`${wait.detail}; given up after ${timeoutMs} ms`);
    }
    await sleep(retryAfterMs, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}
