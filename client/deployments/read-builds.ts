/**
 * How the builds of a deployment stand: asked of Temporal. Used by: `deployments.ts`.
 */
import type { Client } from '@temporalio/client';
import { pinnedTo, type Build, type BuildStanding, type BuildState } from '../../contracts/operate/deployment.ts';
import { isNotFound } from '../describe-workflow.ts';
import { describeQueue } from '../workers/task-queues.ts';

/** `WORKER_DEPLOYMENT_VERSION_STATUS_…` of Temporal's API, by number. */
const STATES: readonly BuildState[] = ['inactive', 'inactive', 'current', 'ramping', 'draining', 'drained', 'inactive'];

/** @returns none when the server knows no such deployment. */
export async function readBuilds(client: Client, deployment: string): Promise<readonly BuildStanding[]> {
  const { namespace } = client.options;
  const described = await found(
    client.workflowService.describeWorkerDeployment({ namespace, deploymentName: deployment }),
  );
  const { routingConfig, versionSummaries } = described?.workerDeploymentInfo ?? {};
  const known = await Promise.all(
    (versionSummaries ?? []).map(async ({ deploymentVersion, status }) => {
      const build: Build = { deployment, buildId: deploymentVersion?.buildId ?? '' };
      return { build, state: STATES[Number(status)] ?? 'inactive', taskQueues: await queuesOf(client, build) };
    }),
  );
  // Builds share their task queues: each is asked about once.
  const names = [...new Set(known.flatMap(({ taskQueues }) => taskQueues))];
  const asking = new Map(
    await Promise.all(
      names.map(async (name) => [name, (await describeQueue(client, name, 'workflow')).asking] as const),
    ),
  );
  const builds = await Promise.all(
    known.map(async ({ build, state, taskQueues }): Promise<BuildStanding> => {
      const { count } = await client.workflow.count(pinnedTo(build));
      const percent = state === 'ramping' ? { percent: routingConfig?.rampingVersionPercentage ?? 0 } : {};
      return { ...build, state, ...percent, runs: count, taskQueues, workers: workersOf(build, taskQueues, asking) };
    }),
  );
  const order = (state: BuildState): number => ['current', 'ramping', 'draining', 'inactive', 'drained'].indexOf(state);
  return builds.sort((a, b) => order(a.state) - order(b.state));
}

async function queuesOf(client: Client, { deployment, buildId }: Build): Promise<string[]> {
  // The server lists a build a moment before it can describe it.
  const described = await found(
    client.workflowService.describeWorkerDeploymentVersion({
      namespace: client.options.namespace,
      deploymentVersion: { deploymentName: deployment, buildId },
    }),
  );
  const { taskQueueInfos } = described?.workerDeploymentVersionInfo ?? {};
  return [...new Set((taskQueueInfos ?? []).map(({ name }) => name ?? ''))].sort();
}

type Asking = Awaited<ReturnType<typeof describeQueue>>['asking'];

/** Processes of a build among those that asked for tasks of its queues. */
function workersOf(build: Build, taskQueues: readonly string[], asking: ReadonlyMap<string, Asking>): number {
  const own = taskQueues
    .flatMap((name) => asking.get(name) ?? [])
    .filter(({ deploymentOptions: of }) => of?.deploymentName === build.deployment && of.buildId === build.buildId);
  return new Set(own.map(({ identity }) => identity ?? '')).size;
}

async function found<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
