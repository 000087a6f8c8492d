/** Builds of the workers side by side, as Temporal's worker deployments keep them (docs/operate/rolling-deploys.md). */

import { quoted } from '../names.ts';

/** One build of one deployment: Temporal calls it a version, `deployment:buildId`. */
export interface Build {
  readonly deployment: string;
  readonly buildId: string;
}

/** @param deployment default: the name of the task queue, with `-` where Temporal allows no dot and no colon. */
export function buildOf(taskQueue: string, buildId: string, deployment = deploymentOf(taskQueue)): Build {
  return { deployment, buildId };
}

export function deploymentOf(taskQueue: string): string {
  return taskQueue.replaceAll(/[.:\s]/g, '-');
}

/** As Temporal writes it, and as its visibility knows it. */
export function versionText({ deployment, buildId }: Build): string {
  return `${deployment}:${buildId}`;
}

/** A list of Temporal's visibility: open runs that are pinned to a build. */
export function pinnedTo(build: Build): string {
  return `TemporalWorkerDeploymentVersion = ${quoted(versionText(build))} and TemporalWorkflowVersioningBehavior = "Pinned" and ExecutionStatus = "Running"`;
}

/**
 * `current`: new runs go to it. `ramping`: a share of them does. `draining`: it has runs that are pinned to it, and gets no new ones.
 * `drained`: its workers may be ended. `inactive`: it was never made current.
 */
export type BuildState = 'current' | 'ramping' | 'draining' | 'drained' | 'inactive';

export interface BuildStanding extends Build {
  readonly state: BuildState;
  /** Per cent of new runs, while it is `ramping`. */
  readonly percent?: number;
  /** Open runs that are pinned to it. Visibility may be some seconds behind. */
  readonly runs: number;
  /** Task queues that workers of this build have asked for tasks. */
  readonly taskQueues: readonly string[];
  /** Processes of this build that asked for tasks lately. */
  readonly workers: number;
}
