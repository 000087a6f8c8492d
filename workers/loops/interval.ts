/**
 * A chore that a worker does again and again beside its work. It never ends the worker: what goes wrong is logged, and the
 * next round comes anyway.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../activities/index.ts';

/**
 * @param round says whether there was more to do than it did; then the next one follows at once.
 * @returns a function that ends it after the round that is under way.
 */
export function every(intervalMs: number, name: string, log: Log, round: () => Promise<boolean>): () => Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  // Spread, so that workers started together do not work in step. An ended sleep is no error.
  const sleep = (): Promise<void> =>
    delay(intervalMs * (0.8 + 0.4 * Math.random()), undefined, { ref: false, signal }).catch(() => {});
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const hasMore = await round().catch((error: unknown) => {
        log.warn({ error: String(error) }, `${name} failed; it is tried again`);
        return false;
      });
      if (!hasMore) await sleep();
    }
  };
  const running = run();
  return async () => {
    ending.abort();
    await running;
  };
}
