/**
 * Says what this worker serves, and knows whether another one may serve what it lacks: a run's tree is that of the build that began it,
 * and two programs may share a task queue. Next: `db/stores/operate/worker-store.ts`.
 */
import { randomUUID } from 'node:crypto';
import type { ActivityDeps, Log } from '../../activities/index.ts';
import { treeOf } from '../../contracts/plan.ts';
import { forgetWorker, isTreeServed, tellWorker, type Pool } from '../../db/index.ts';
import type { Sync } from '../../providers/index.ts';
import { every } from './interval.ts';

const INTERVAL_MS = 30_000;

export interface Serving {
  readonly othersMayServe: NonNullable<ActivityDeps['othersMayServe']>;
  readonly stop: () => Promise<void>;
}

/** @param deployMinutes for so long after its start, workers of the build before may still be there that say nothing. */
export async function startServing(
  pool: Pool,
  taskQueue: string,
  syncs: readonly Sync[],
  deployMinutes: number,
  log: Log,
): Promise<Serving> {
  const startedAt = performance.now();
  const id = randomUUID();
  const serves = Object.fromEntries(syncs.map(({ definition: { name, plan } }) => [name, treeOf(plan.nodes)]));
  const tell = () => tellWorker(pool, { id, taskQueue, serves });
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
