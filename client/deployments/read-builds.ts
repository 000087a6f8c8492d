/**
 * How the builds of a deployment stand: asked of Temporal. Used by: `deployments.ts`.
 */
import type { Client } from '@temporalio/client';
import { pinnedTo, type Build, type BuildStanding, type BuildState } from '../../contracts/operate/deployment.ts';
import { toMs } from '../timestamps.ts';

/** A worker asks for tasks at least this often: its question is answered, or given up, after 60 to 70 s. */
const ASKS_WITHIN_MS = 75_000;
/** `WORKER_DEPLOYMENT_VERSION_STATUS_…` of Temporal's API, by number. */
const STATES: readonly BuildState[] = ['inactive', 'inactive', 'current', 'ramping', 'draining', 'drained', 'inactive'];
/** `NOT_FOUND` of gRPC. */
const NOT_FOUND = 5;

/** @returns none when the server knows no such deployment. */
export async function readBuilds(client: Client, deployment: string): Promise<readonly BuildStanding[]> {
  const { namespace } = client.options;
  const described = await found(
    client.workflowService.describeWorkerDeployment({ namespace, deploymentName: deployment }),
  );
  const { routingConfig, versionSummaries } = described?.workerDeploymentInfo ?? {};
  const builds = await Promise.all(
    (versionSummaries ?? []).map(async ({ deploymentVersion, status }): Promise<BuildStanding> => {
      const build: Build = { deployment, buildId: deploymentVersion?.buildId ?? '' };
      const state = STATES[Number(status)] ?? 'inactive';
      const taskQueues = await queuesOf(client, build);
      const [runs, workers] = await Promise.all([
        client.workflow.count(pinnedTo(build)),
        workersOf(client, build, taskQueues),
      ]);
      const percent = state === 'ramping' ? { percent: routingConfig?.rampingVersionPercentage ?? 0 } : {};
      return { ...build, state, ...percent, runs: runs.count, taskQueues, workers };
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

async function workersOf(client: Client, build: Build, taskQueues: readonly string[]): Promise<number> {
  const asking = new Set<string>();
  for (const name of taskQueues) {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name },
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum's package is no dependency of the client
      taskQueueType: 1,
    });
    for (const { identity, deploymentOptions, lastAccessTime } of pollers ?? [])
      if (
        deploymentOptions?.deploymentName === build.deployment &&
        deploymentOptions.buildId === build.buildId &&
        Date.now() - toMs(lastAccessTime) < ASKS_WITHIN_MS
      )
        asking.add(identity ?? '');
  }
  return asking.size;
}

async function found<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if ((error as { code?: number }).code === NOT_FOUND) return undefined;
    throw error;
  }
}
