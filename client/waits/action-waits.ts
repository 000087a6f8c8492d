/**
 * Why an action or a saga does not get on, in words: a turn at a limit, a call that failed, a step or a workflow task that
 * fails again and again, no worker. Asked of Temporal. Called by `client/action/action-handle.ts`; see `workflow-task-health.ts`.
 */
import type { Client } from '@temporalio/client';
import type { RunWait } from '../../contracts/run.ts';
import { describeKnown } from '../describe-workflow.ts';
import { waitingSteps } from './failing-activities.ts';
import { openWorkflows, stuckTasks } from './workflow-task-health.ts';

/** @returns nothing when nothing waits, or it is not going on. */
export async function readActionWaits(client: Client, workflowId: string): Promise<RunWait[]> {
  const root = await describeKnown(client, workflowId);
  if (root?.status.name !== 'RUNNING') return [];
  const open = await openWorkflows(client, root);
  const nowMs = Date.now();
  const waits = open.flatMap(({ workflowId: id, raw }) =>
    waitingSteps(raw.pendingActivities ?? [], nowMs).map((wait) => ({ ...wait, text: `${id}: ${wait.text}` })),
  );
  return [...(await stuckTasks(client, open)), ...waits];
}
