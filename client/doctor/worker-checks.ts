/**
 * Whether the task queues are served, by how many workers, and of which versions. Next: `client/workers/task-queues.ts`; used by
 * `diagnose.ts`.
 */
import type { Client } from '@temporalio/client';
import { duration } from '../../contracts/values/duration.ts';
import { finding, type Check, type Finding } from '../../contracts/operate/finding.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { SLUICE_VERSION, versionOf } from '../../contracts/version.ts';
import { ASKS_WITHIN_MS, readTaskQueues, type TaskQueueStanding } from '../workers/task-queues.ts';

/** A task that waits longer is one that nobody has time for. */
const MOST_BACKLOG_MS = 30_000;

const SERVED: Check = {
  check: 'workers',
  wanted: 'a worker for every task queue that runs are on',
  todo: 'Start one: `npx sluice worker` serves all roles of SLUICE_TASK_QUEUE, unless SLUICE_ROLES or `--role` leave some out. Or start runs on a queue that is served (SLUICE_TASK_QUEUE of the app). Versioned workers are given work when their build is promoted: `npx sluice deployments list`.',
};
const BACKLOG: Check = {
  check: 'backlog',
  wanted: `no task waits for longer than ${duration(MOST_BACKLOG_MS)}`,
  todo: 'Start more workers for it, or look at their CPU and their logs.',
};
const RATE: Check = {
  check: 'task-queue-rate',
  wanted: 'no rate set for the task queue',
  todo: 'Take it back: `temporal task-queue config set --task-queue <name> --queue-rps-limit default`. Limits of third parties are kept by Sluice; this one only makes it late.',
};
const VERSIONS: Check = {
  check: 'worker-versions',
  wanted: "one version of Sluice, and this command's",
  todo: 'End the roll-out: restart the workers that are left behind. While it goes on, nothing has to be done.',
};
const CODE: Check = {
  check: 'worker-code',
  wanted: 'the same syncs in all workers of a task queue',
  todo: 'Give programs with other syncs a task queue of their own (SLUICE_TASK_QUEUE), for the app that starts them too. Until then a call that comes to a worker without its sync is handed on, which makes it late. During a deploy nothing has to be done.',
};

export interface WorkerFindings {
  readonly findings: readonly Finding[];
  readonly workers: number;
}

/**
 * @param taskQueue where new runs go, each role to its own; those that open runs are on are looked at too.
 * @param alive identities of the workers that are there; undefined: nobody knows.
 */
export async function checkWorkers(
  client: Client,
  taskQueue: string,
  alive: ReadonlySet<string> | undefined,
): Promise<WorkerFindings> {
  const queues = await readTaskQueues(client, taskQueue, alive);
  const workers = [...new Set(queues.flatMap((queue) => queue.workers))];
  return { workers: workers.length, findings: [...queues.flatMap(judgeQueue), judgeVersions(workers)] };
}

export function judgeQueue(standing: TaskQueueStanding): Finding[] {
  const { taskQueue, workers, ended, lacks, backlogMs, ratePerSecond } = standing;
  const name = `task queue "${taskQueue}"`;
  const asked = `asked within the last ${duration(ASKS_WITHIN_MS)}`;
  const gone = ended.length === 0 ? '' : `; ${counted(ended.length, 'other')} ${asked} and has ended`;
  const lost =
    ended.length === 0 ? '' : `; ${counted(ended.length, 'worker')} ${asked}, and has ended or has another database`;
  const served =
    lacks.length === 0
      ? finding(SERVED, 'ok', `${counted(workers.length, 'worker')} for ${name} (${asked})${gone}`)
      : finding(
          SERVED,
          'wrong',
          `nobody asks for ${lacks.map((kind) => `${kind} tasks`).join(' and ')} of ${name}${lost}`,
        );
  return [
    served,
    finding(
      BACKLOG,
      backlogMs > MOST_BACKLOG_MS ? 'wrong' : 'ok',
      `${name}: the oldest waits for ${duration(backlogMs)}`,
    ),
    ...(ratePerSecond === undefined ? [] : [finding(RATE, 'advice', `${name}: ${ratePerSecond} tasks a second`)]),
  ];
}

/** @param served the syncs of each worker that is there. */
export function judgeServed(
  served: readonly { readonly taskQueue: string; readonly syncs: readonly string[] }[],
): Finding {
  const byQueue = new Map<string, Set<string>>();
  for (const { taskQueue, syncs } of served)
    byQueue.set(taskQueue, (byQueue.get(taskQueue) ?? new Set()).add(syncs.join(', ') || 'no sync'));
  const mixed = [...byQueue].filter(([, sets]) => sets.size > 1);
  const found = mixed.map(([queue, sets]) => `task queue "${queue}": some workers have ${[...sets].join('; others ')}`);
  return finding(CODE, mixed.length === 0 ? 'ok' : 'advice', found.join('. ') || 'no worker has others');
}

/** A worker's identity begins with its version. */
export function judgeVersions(identities: readonly string[]): Finding {
  const versions = new Map<string, number>();
  for (const version of identities.map((identity) => versionOf(identity) ?? 'another program'))
    versions.set(version, (versions.get(version) ?? 0) + 1);
  const found = [...versions].map(([version, count]) => `${count} × ${version}`).sort((a, b) => (a < b ? -1 : 1));
  const others = [...versions.keys()].filter((version) => version !== SLUICE_VERSION);
  return finding(VERSIONS, others.length === 0 ? 'ok' : 'advice', found.join(', ') || 'no worker to ask');
}
