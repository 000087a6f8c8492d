/**
 * Says what this worker serves, hears what an operator wants of it, and knows whether another one may serve what it
 * lacks. A run's tree is that of the build that began it, and two programs may share a task queue. Next:
 * `db/stores/operate/worker-store.ts`.
 */
import { randomUUID } from 'node:crypto';
import type { ActivityDeps, Log } from '../../activities/index.ts';
import { treeOf } from '../../contracts/plan.ts';
import { forgetWorker, isTreeServed, tellWorker, type Pool, type ToldWorker, type WorkerWish } from '../../db/index.ts';
import type { Sync } from '../../providers/index.ts';
import { every } from './interval.ts';

const INTERVAL_MS = 10_000;

export interface Serving {
  readonly othersMayServe: NonNullable<ActivityDeps['othersMayServe']>;
  readonly stop: () => Promise<void>;
}

/**
 * @param deployMinutes for so long after its start, workers of the build before may still be there that say nothing.
 * @param obey told each time what is wanted of it.
 */
export async function startServing(
  pool: Pool,
  worker: Pick<ToldWorker, 'identity' | 'taskQueue' | 'queues' | 'concurrency'>,
  syncs: readonly Sync[],
  deployMinutes: number,
  obey: (wish: WorkerWish) => void,
  log: Log,
): Promise<Serving> {
  const { taskQueue } = worker;
  const startedAt = performance.now();
  const id = randomUUID();
  const serves = Object.fromEntries(syncs.map(({ definition: { name, plan } }) => [name, treeOf(plan.nodes)]));
  const tell = async (): Promise<void> => obey(await tellWorker(pool, { ...worker, id, serves }));
  await tell();
  const stopTelling = every(INTERVAL_MS, 'saying what this worker serves', log, () => tell().then(() => false));
  return {
    othersMayServe: async (sync, tree) =>
      performance.now() - startedAt < deployMinutes * 60_000 || (await isTreeServed(pool, taskQueue, sync, tree)),
    stop: async () => {
      await stopTelling();
      await forgetWorker(pool, id).catch(() => undefined);
    },
  };
}
