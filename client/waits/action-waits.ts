/**
 * Why an action or a saga does not get on, in words. It may wait for an earlier operation on its entity, for its turn
 * at a limit, or after a failed call. Or a step or a workflow task fails again and again, or there is no worker. Asked
 * of Temporal, and of the lock's queue. Called by `client/action/action-handle.ts`; see `workflow-task-health.ts`.
 */
import type { Client } from '@temporalio/client';
import { duration } from '../../contracts/values/duration.ts';
import type { RunWait } from '../../contracts/run.ts';
import { pendingAhead, type Pool } from '../../db/index.ts';
import { describeKnown } from '../describe-workflow.ts';
import { waitingSteps } from './failing-activities.ts';
import { openWorkflows, stuckTasks } from './workflow-task-health.ts';

/** @returns nothing when nothing waits, or it is not going on. */
export async function readActionWaits(client: Client, pool: Pool, workflowId: string): Promise<RunWait[]> {
  const root = await describeKnown(client, workflowId);
  if (root?.status.name !== 'RUNNING') return [];
  const open = await openWorkflows(client, root);
  const nowMs = Date.now();
  const waits = open.flatMap(({ workflowId: id, raw }) =>
    waitingSteps(raw.pendingActivities ?? [], nowMs).map((wait) => ({ ...wait, text: `${id}: ${wait.text}` })),
  );
  const queues = await Promise.all(open.map((workflow) => entityWait(pool, workflow.workflowId, nowMs)));
  return [...(await stuckTasks(client, open)), ...queues.flat(), ...waits];
}

/** Behind which operation it waits for its entity. */
async function entityWait(pool: Pool, workflowId: string, nowMs: number): Promise<RunWait[]> {
  const ahead = await pendingAhead(pool, workflowId);
  const [holder] = ahead;
  if (!holder) return [];
  const { entity, name, workflowId: holderId, acquiredAt } = holder;
  const since = acquiredAt === null ? '' : `, which has it for ${duration(nowMs - Date.parse(acquiredAt))}`;
  const others = ahead.length > 1 ? `, and ${ahead.length - 1} more before it` : '';
  return [
    {
      kind: 'entity',
      calls: 0,
      text: `${workflowId}: waits for "${entity}" behind ${name} (${holderId})${since}${others}`,
    },
  ];
}
