/**
 * The task queues that runs go to or are on, and who asks for their tasks. Used by: `list-workers.ts`, `client/doctor/worker-checks.ts`.
 */
import type { Client } from '@temporalio/client';
import { ROLES, taskQueueOf } from '../../contracts/names.ts';
import { SLUICE_VERSION, versionOf } from '../../contracts/version.ts';
import { toMs } from '../timestamps.ts';

/** A worker asks for tasks at least this often: its question is answered, or given up, after 60 to 70 s. */
export const ASKS_WITHIN_MS = 75_000;
/** Open workflows whose task queues are looked at. */
const MOST_OPEN = 200;
/** `TASK_QUEUE_TYPE_WORKFLOW` and `…_ACTIVITY` of Temporal's API. */
const TYPES = { workflow: 1, activity: 2 } as const;
/** `WORKER_VERSIONING_MODE_VERSIONED` of Temporal's API. */
const VERSIONED = 2;
/** `RATE_LIMIT_SOURCE_API` of Temporal's API: an operator has set it. */
const SET_BY_OPERATOR = 1;

export interface TaskQueueStanding {
  readonly taskQueue: string;
  /** Who asked lately; once for each kind of task. */
  readonly asking: readonly { readonly identity: string; readonly askedAt: string }[];
  /** Their identities. */
  readonly workers: readonly string[];
  /** Workers of ours that asked lately, and have ended since: they have told so. */
  readonly ended: readonly string[];
  /** Kinds of tasks that nobody asks for who gets new ones. */
  readonly lacks: readonly string[];
  readonly backlogMs: number;
  /** Tasks a second that an operator has set; undefined: none. */
  readonly ratePerSecond: number | undefined;
}

/**
 * @param taskQueue where new runs go, each role to its own; those that open runs are on come with them.
 * @param alive identities of the workers that have told that they are there (`db/stores/operate/worker-store.ts`), which they do before
 *   they ask for a task, until they end. Temporal goes on naming one that has ended. Undefined: nobody knows.
 */
export async function readTaskQueues(
  client: Client,
  taskQueue: string,
  alive: ReadonlySet<string> | undefined,
): Promise<TaskQueueStanding[]> {
  const own = ROLES.map((role) => taskQueueOf(taskQueue, role));
  const names = [...new Set([...own, ...(await queuesOfOpenRuns(client))])];
  return Promise.all(names.map((name) => lookAt(client, name, alive)));
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

/** @returns what Temporal says of one kind of its tasks, and who asked for them lately. */
export async function describeQueue(
  client: Client,
  taskQueue: string,
  kind: keyof typeof TYPES,
  more: { readonly reportStats?: boolean; readonly reportConfig?: boolean } = {},
) {
  const described = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum's package is no dependency of the client
    taskQueueType: TYPES[kind],
    ...more,
  });
  const asking = (described.pollers ?? []).filter(
    ({ lastAccessTime }) => Date.now() - toMs(lastAccessTime) < ASKS_WITHIN_MS,
  );
  return { described, asking };
}

async function lookAt(
  client: Client,
  taskQueue: string,
  alive: ReadonlySet<string> | undefined,
): Promise<TaskQueueStanding> {
  // One of another version may tell it in another way.
  const hasEnded = (identity: string): boolean =>
    alive !== undefined && versionOf(identity) === SLUICE_VERSION && !alive.has(identity);
  const ended = new Set<string>();
  const kinds = await Promise.all(
    (['workflow', 'activity'] as const).map(async (kind) => {
      const more = { reportStats: true, reportConfig: true };
      const { described, asking: asked } = await describeQueue(client, taskQueue, kind, more);
      for (const { identity } of asked) if (hasEnded(identity ?? '')) ended.add(identity ?? '');
      const asking = asked.filter(({ identity }) => !hasEnded(identity ?? ''));
      const isServed = asking.some(({ deploymentOptions }) => getsNewWork(deploymentOptions, described.versioningInfo));
      return {
        kind,
        described,
        isServed,
        asking: asking.map(({ identity, lastAccessTime }) => ({
          identity: identity ?? '',
          askedAt: new Date(toMs(lastAccessTime)).toISOString(),
        })),
      };
    }),
  );
  const ages = kinds.map(({ described }) => Number(described.stats?.approximateBacklogAge?.seconds ?? 0) * 1_000);
  const rates = kinds.flatMap(({ described: { effectiveRateLimit } }) =>
    Number(effectiveRateLimit?.rateLimitSource) === SET_BY_OPERATOR ? [effectiveRateLimit?.requestsPerSecond ?? 0] : [],
  );
  return {
    taskQueue,
    asking: kinds.flatMap(({ asking }) => asking),
    ended: [...ended],
    workers: [...new Set(kinds.flatMap(({ asking }) => asking.map(({ identity }) => identity)))],
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
