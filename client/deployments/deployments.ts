/**
 * Which builds of the workers serve, and which of them gets new runs: Temporal's worker deployments as an operator handles them.
 * Used by: `client/connect.ts`, `cli/commands/operate/deployments.ts`. Next: `read-builds.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import {
  deploymentOf,
  pinnedTo,
  versionText,
  type Build,
  type BuildStanding,
} from '../../contracts/operate/deployment.ts';
import { quoted, signalNames } from '../../contracts/names.ts';
import { readBuilds } from './read-builds.ts';

export interface Deployments {
  /**
   * The builds of a deployment, the current one first. Empty where no versioned worker has ever served.
   * @param deployment default: that of the task queue of this client.
   */
  list(deployment?: string): Promise<readonly BuildStanding[]>;
  /**
   * New runs go to this build, and what is going on moves to it: runs at their next page, everything else at its next task.
   * With `percent` (above 0, below 100) a share of new runs does, and `promote` again ends that.
   * @throws Error when no worker of this build serves one of the task queues that the current build serves.
   */
  promote(build: ChosenBuild & { readonly percent?: number }): Promise<readonly BuildStanding[]>;
  /**
   * Takes the runs that are pinned to a build off it, so that workers of the current one go on with them. It is for a
   * build whose workers are gone for good. Asks Temporal for it and does not wait; some 50 runs a second.
   * @throws Error when it is the current build.
   */
  release(build: ChosenBuild): Promise<readonly BuildStanding[]>;
}

export interface ChosenBuild {
  readonly buildId: string;
  /** Default: that of the task queue of this client. */
  readonly deployment?: string;
}

export function createDeployments(client: Client, taskQueue: string): Deployments {
  const { namespace } = client.options;
  const named = ({ buildId, deployment = deploymentOf(taskQueue) }: ChosenBuild): Build => ({ buildId, deployment });
  const list = (deployment = deploymentOf(taskQueue)) => readBuilds(client, deployment);
  return {
    list,
    promote: async ({ percent, ...chosen }) => {
      const build = named(chosen);
      if (percent !== undefined && !(percent > 0 && percent < 100))
        throw new TypeError(
          `\`percent\` is ${percent}; it must be above 0 and below 100, or be left out for all runs.`,
        );
      const before = await list(build.deployment);
      checkKnown(build, before);
      const how = { namespace, deploymentName: build.deployment, buildId: build.buildId };
      if (percent === undefined) await client.workflowService.setWorkerDeploymentCurrentVersion(how);
      else await client.workflowService.setWorkerDeploymentRampingVersion({ ...how, percentage: percent });
      await untilRouted(client, build.deployment);
      const input = { payloads: await toPayloads(client, versionText(build)) };
      const queues = [...new Set(before.flatMap(({ taskQueues }) => taskQueues))];
      if (before.length > 1 && queues.length > 0)
        await overRuns(client, build, openRuns(queues), {
          signalOperation: { signal: signalNames.newBuild, input, identity: 'sluice' },
        });
      return list(build.deployment);
    },
    release: async (chosen) => {
      const build = named(chosen);
      const builds = await list(build.deployment);
      checkKnown(build, builds);
      if (builds.some(({ buildId, state }) => buildId === build.buildId && state === 'current'))
        throw new Error(
          `Build "${build.buildId}" is the current one: what is taken off it would wait for its workers all the same. ` +
            'Start one of them, or promote another build first.',
        );
      await overRuns(client, build, pinnedTo(build), {
        updateWorkflowOptionsOperation: {
          identity: 'sluice',
          workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
          updateMask: { paths: ['versioning_override'] },
        },
      });
      return list(build.deployment);
    },
  };
}

/** As the client itself would: workers decode what they are given. */
async function toPayloads(client: Client, text: string): Promise<Payload[]> {
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  let payloads: Payload[] = [payloadConverter.toPayload(text)];
  for (const codec of payloadCodecs) payloads = await codec.encode(payloads);
  return payloads;
}

/** `ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS` of Temporal's API: some task queues do not know yet which build is current. */
const IN_PROGRESS = 1;
const ROUTED_WITHIN_MS = 10_000;

/** What is started before that may still go to the build before, and would not be told. */
async function untilRouted(client: Client, deploymentName: string): Promise<void> {
  const end = performance.now() + ROUTED_WITHIN_MS;
  for (;;) {
    const { namespace } = client.options;
    const described = await client.workflowService.describeWorkerDeployment({ namespace, deploymentName });
    const state = described.workerDeploymentInfo?.routingConfigUpdateState as number | undefined;
    if (state !== IN_PROGRESS || performance.now() > end) return;
    await delay(100);
  }
}

function checkKnown(build: Build, builds: readonly BuildStanding[]): void {
  if (builds.some(({ buildId }) => buildId === build.buildId)) return;
  const known = builds.length === 0 ? 'no build has' : `these have: ${builds.map(({ buildId }) => buildId).join(', ')}`;
  throw new Error(
    `No worker of build "${build.buildId}" has served deployment "${build.deployment}"; ${known}. ` +
      'Start its workers first (SLUICE_BUILD_ID).',
  );
}

type BatchRequest = Parameters<Client['workflowService']['startBatchOperation']>[0];

/** Not by their build: of a run whose first task is still at work, the server knows none. Who is there already takes no notice. */
const openRuns = (taskQueues: readonly string[]): string =>
  `WorkflowType = "sync" and ExecutionStatus = "Running" and TaskQueue in (${taskQueues.map(quoted).join(', ')})`;

/** One request for all of these runs: Temporal carries it out. */
async function overRuns(
  client: Client,
  build: Build,
  visibilityQuery: string,
  operation: Pick<BatchRequest, 'signalOperation' | 'updateWorkflowOptionsOperation'>,
): Promise<void> {
  await client.workflowService.startBatchOperation({
    namespace: client.options.namespace,
    visibilityQuery,
    jobId: `sluice-${versionText(build)}-${Date.now()}`,
    reason: `builds of ${build.deployment} change`,
    ...operation,
  });
}
