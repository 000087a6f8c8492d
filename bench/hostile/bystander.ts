/**
 * Another provider in the same process while the hostile ones are called: two calls in flight at most, so a permit that is not given
 * back stops it. It counts what went wrong, and how long a call took. Used by `matrix.ts`.
 */
import { makeCall } from '../../activities/call/make-call.ts';
import type { ActivityDeps } from '../../activities/index.ts';
import { defineProvider, get, inflight, noAuth, window } from '../../providers/index.ts';

export interface BystanderBooks {
  readonly calls: number;
  /** Not made, or not answered as they should be; in words. */
  readonly failures: readonly string[];
  /** From asking for a permit to the answer. */
  readonly slowestMs: number;
  /** Both permits can be had when all is over. */
  readonly hasPermits: boolean;
}

export interface Bystander {
  /** A first call, with all that is made once. */
  warm(): Promise<void>;
  end(): Promise<BystanderBooks>;
}

const EVERY_MS = 100;
const PATIENCE_MS = 5_000;

export function startBystander(deps: ActivityDeps, url: string): Bystander {
  const provider = defineProvider({
    id: 'bystander',
    baseUrl: url,
    auth: noAuth(),
    limits: [inflight('at-once', { by: ['app'], max: 2 }), window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
  });
  const charges = provider.authCharges('probe', {
    account: 'calm',
    tenant: 'calm',
    settings: undefined,
    ip: 'default',
  });
  const failures: string[] = [];
  let calls = 0;
  let slowestMs = 0;
  const call = async (): Promise<void> => {
    const startedAt = performance.now();
    const made = await makeCall(deps, {
      provider,
      account: 'calm',
      tenant: 'calm',
      settings: undefined,
      callKey: `calm/${calls++}`,
      endpoint: 'calm',
      charges,
      weight: 1,
      priority: 'interactive',
      maxWaitMs: PATIENCE_MS,
      spec: get('/good'),
      totalMs: PATIENCE_MS,
      decide: ({ status }) => (status === 200 ? { kind: 'ok' } : { kind: 'retry', reason: `HTTP ${status}` }),
    });
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    if (!made.sent) failures.push(`no permit: ${made.because}`);
    else if (made.value.outcome.kind !== 'ok') failures.push(`answered as ${made.value.outcome.kind}`);
  };
  const over = new AbortController();
  const calling = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await call().catch((error: unknown) => failures.push(String(error)));
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  };
  let running: Promise<unknown> = Promise.resolve();
  return {
    warm: async () => {
      await call();
      slowestMs = 0;
      running = Promise.all([calling(), calling()]);
    },
    end: async () => {
      over.abort();
      await running;
      const ask = (callKey: string) =>
        deps.limiter.acquire({ callKey, charges, endpoint: 'calm', account: 'calm', maxWaitMs: PATIENCE_MS });
      const both = await Promise.all([ask('last/1'), ask('last/2')]);
      return { calls, failures, slowestMs, hasPermits: both.every(({ granted }) => granted) };
    },
  };
}
