/**
 * Whether the task queues are served, by how many workers, and of which versions. Asked of Temporal: a worker shows itself by asking
 * for tasks. Used by `diagnose.ts`.
 */
import type { Client } from '@temporalio/client';
import { duration } from '../../contracts/values/duration.ts';
import { finding, type Check, type Finding } from '../../contracts/operate/finding.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { ROLES, taskQueueOf } from '../../contracts/names.ts';
import { SLUICE_VERSION, versionOf } from '../../contracts/version.ts';
import { toMs } from '../timestamps.ts';

/** A worker asks for tasks at least this often: its question is answered, or given up, after 60 to 70 s. */
const ASKS_WITHIN_MS = 75_000;
/** A task that waits longer is one that nobody has time for. */
const MOST_BACKLOG_MS = 30_000;
/** Open workflows whose task queues are looked at. */
const MOST_OPEN = 200;
/** `TASK_QUEUE_TYPE_WORKFLOW` and `…_ACTIVITY` of Temporal's API. */
const TYPES = { workflow: 1, activity: 2 } as const;
/** `WORKER_VERSIONING_MODE_VERSIONED` of Temporal's API. */
const VERSIONED = 2;
/** `RATE_LIMIT_SOURCE_API` of Temporal's API: an operator has set it. */
const SET_BY_OPERATOR = 1;

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

interface Queue {
  readonly taskQueue: string;
  /** Identities of workers that asked lately. */
  readonly workers: readonly string[];
  readonly lacks: readonly string[];
  readonly backlogMs: number;
  readonly ratePerSecond: number | undefined;
}

export interface WorkerFindings {
  readonly findings: readonly Finding[];
  readonly workers: number;
}

/** @param taskQueue where new runs go, each role to its own; those that open runs are on are looked at too. */
export async function checkWorkers(client: Client, taskQueue: string): Promise<WorkerFindings> {
  const names = [
    ...new Set([...ROLES.map((role) => taskQueueOf(taskQueue, role)), ...(await queuesOfOpenRuns(client))]),
  ];
  const queues = await Promise.all(names.map((name) => lookAt(client, name)));
  const workers = [...new Set(queues.flatMap((queue) => queue.workers))];
  return { workers: workers.length, findings: [...queues.flatMap(judgeQueue), judgeVersions(workers)] };
}

/** @returns none when the namespace has no visibility that answers, which another check says. */
async function queuesOfOpenRuns(client: Client): Promise<string[]> {
  const query = 'WorkflowType in ("sync", "action", "saga") and ExecutionStatus = "Running"';
  const found = new Set<string>();
  let left = MOST_OPEN;
  try {
    for await (const { taskQueue } of client.workflow.list({ query, pageSize: MOST_OPEN })) {
      found.add(taskQueue);
      if (--left === 0) break;
    }
  } catch {
    return [];
  }
  return [...found];
}

async function lookAt(client: Client, taskQueue: string): Promise<Queue> {
  const kinds = await Promise.all(
    Object.entries(TYPES).map(async ([kind, taskQueueType]) => {
      const described = await client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: taskQueue },
        // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum's package is no dependency of the client
        taskQueueType,
        reportStats: true,
        reportConfig: true,
      });
      const asking = (described.pollers ?? []).filter(
        ({ lastAccessTime }) => Date.now() - toMs(lastAccessTime) < ASKS_WITHIN_MS,
      );
      const isServed = asking.some(({ deploymentOptions }) => getsNewWork(deploymentOptions, described.versioningInfo));
      return { kind, described, isServed, workers: asking.map(({ identity }) => identity ?? '') };
    }),
  );
  const ages = kinds.map(({ described }) => Number(described.stats?.approximateBacklogAge?.seconds ?? 0) * 1_000);
  const rates = kinds.flatMap(({ described: { effectiveRateLimit } }) =>
    Number(effectiveRateLimit?.rateLimitSource) === SET_BY_OPERATOR ? [effectiveRateLimit?.requestsPerSecond ?? 0] : [],
  );
  return {
    taskQueue,
    workers: [...new Set(kinds.flatMap(({ workers }) => workers))],
    lacks: kinds.filter(({ isServed }) => !isServed).map(({ kind }) => kind),
    backlogMs: Math.max(...ages),
    ratePerSecond: rates.length === 0 ? undefined : Math.min(...rates),
  };
}

interface BuildOf {
  readonly deploymentName?: string | null;
  readonly buildId?: string | null;
}

/** A versioned worker gets what is new when its build is the current one, or ramps up; any other while no build is. */
function getsNewWork(
  worker: (BuildOf & { readonly workerVersioningMode?: unknown }) | null | undefined,
  queue:
    | { readonly currentDeploymentVersion?: BuildOf | null; readonly rampingDeploymentVersion?: BuildOf | null }
    | null
    | undefined,
): boolean {
  const current = queue?.currentDeploymentVersion;
  if (Number(worker?.workerVersioningMode ?? 0) !== VERSIONED) return !current?.buildId;
  return [current, queue?.rampingDeploymentVersion].some(
    (build) => build?.buildId === worker?.buildId && build?.deploymentName === worker?.deploymentName,
  );
}

function judgeQueue({ taskQueue, workers, lacks, backlogMs, ratePerSecond }: Queue): Finding[] {
  const name = `task queue "${taskQueue}"`;
  const served =
    lacks.length === 0
      ? finding(SERVED, 'ok', `${counted(workers.length, 'worker')} for ${name}`)
      : finding(SERVED, 'wrong', `nobody asks for ${lacks.map((kind) => `${kind} tasks`).join(' and ')} of ${name}`);
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

/** A worker's identity begins with its version. */
export function judgeVersions(identities: readonly string[]): Finding {
  const versions = new Map<string, number>();
  for (const version of identities.map((identity) => versionOf(identity) ?? 'another program'))
    versions.set(version, (versions.get(version) ?? 0) + 1);
  const found = [...versions].map(([version, count]) => `${count} × ${version}`).sort((a, b) => (a < b ? -1 : 1));
  const others = [...versions.keys()].filter((version) => version !== SLUICE_VERSION);
  return finding(VERSIONS, others.length === 0 ? 'ok' : 'advice', found.join(', ') || 'no worker to ask');
}
