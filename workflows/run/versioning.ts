/**
 * Which build of the workers a workflow belongs to, where workers are versioned (docs/operate/rolling-deploys.md). A
 * run is pinned to the build that it began with, and moves to the current one where it begins a new history. A workflow
 * that is short, or only waits for others, moves at its next task. Without versioned workers all of this says nothing.
 * Used by: `workflows/index.ts`, `run-signals.ts`.
 */
import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';
import { isRunId } from '../../contracts/names.ts';
import { versionText } from '../../contracts/operate/deployment.ts';

/**
 * A workflow that starts a run, or waits for its turn, only waits: it has the same name as a run, and another id. A server refuses what
 * a worker without a deployment says of builds.
 */
export function setVersioning(workflows: {
  readonly runs: (...args: never[]) => Promise<unknown>;
  readonly short: readonly ((...args: never[]) => Promise<unknown>)[];
}): void {
  const set = (workflow: (...args: never[]) => Promise<unknown>, isPinned: (workflowId: string) => boolean): void =>
    setWorkflowOptions(() => {
      const { workflowId, currentDeploymentVersion: build } = workflowInfo();
      return !build?.deploymentName ? {} : { versioningBehavior: isPinned(workflowId) ? 'PINNED' : 'AUTO_UPGRADE' };
    }, workflow);
  set(workflows.runs, isRunId);
  for (const workflow of workflows.short) set(workflow, () => false);
}

/** Whether workers of another build than this one are at work here. @param version `deployment:buildId`; none: of the same. */
export function isOtherBuild(version: string | undefined): boolean {
  const { currentDeploymentVersion: own } = workflowInfo();
  return (
    own !== undefined && version !== undefined && version !== versionText({ ...own, deployment: own.deploymentName })
  );
}
