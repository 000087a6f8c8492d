/**
 * Who serves the task queues, as Temporal sees it: a worker shows itself by asking for tasks. Next: `task-queues.ts`; used by
 * `workers.ts`.
 */
import type { Client } from '@temporalio/client';
import type { ServingWorker, WorkerList } from '../../contracts/operate/worker-list.ts';
import { versionOf } from '../../contracts/version.ts';
import { readControlled, type Pool } from '../../db/index.ts';
import { readTaskQueues } from './task-queues.ts';

/** @param taskQueue where new runs go, each role to its own; those that open runs are on are looked at too. */
export async function listWorkers(client: Client, pool: Pool, taskQueue: string): Promise<WorkerList> {
  const controlled = await readControlled(pool);
  const queues = await readTaskQueues(client, taskQueue, new Set(controlled.map(({ identity }) => identity)));
  const controls = new Map(controlled.toReversed().map(({ identity, ...control }) => [identity, control]));
  const workers = new Map<string, ServingWorker>();
  for (const { taskQueue: name, asking } of queues)
    for (const { identity, askedAt } of asking) {
      const known = workers.get(identity);
      workers.set(identity, {
        identity,
        version: versionOf(identity) ?? null,
        taskQueues: [...new Set([...(known?.taskQueues ?? []), name])],
        askedAt: known && known.askedAt > askedAt ? known.askedAt : askedAt,
        control: controls.get(identity) ?? null,
      });
    }
  return {
    workers: [...workers.values()].toSorted((a, b) => (a.identity < b.identity ? -1 : 1)),
    queues: queues.map(({ taskQueue: name, lacks, workers: of, backlogMs }) => ({
      taskQueue: name,
      workers: lacks.length > 0 ? 0 : of.length,
      backlogMs,
    })),
  };
}
