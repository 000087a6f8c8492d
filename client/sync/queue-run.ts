/**
 * A start that is queued behind a run: a workflow of its own waits for its turn and then starts the run. Its place in the queue is taken
 * before, so that starts keep their order. Next: `workflows/run/one-per-account.ts`.
 */
import { randomUUID } from 'node:crypto';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import type { SyncInput } from '../../contracts/messages.ts';
import { queuedRunId, runQueue, searchAttributes, syncWorkflowId, taskQueueOf } from '../../contracts/names.ts';
import { lacksTable, pendingOperations, takeLock, type Pool } from '../../db/index.ts';
import { pageLink } from '../page-link.ts';
import { checkSize } from './start-run.ts';
import { placement, WORKFLOW_TASK_TIMEOUT, type ClientParts } from '../start-workflow.ts';

/** Whether starts are queued that have not ended: the one whose run is going on or about to begin, and those behind it. */
export async function isQueuedFor(pool: Pool, sync: string, account: string): Promise<boolean> {
  return (await pendingOperations(pool, runQueue(sync, account)).catch(noTableYet)).length > 0;
}

/** A database that no worker has migrated yet. */
function noTableYet(error: unknown): readonly never[] {
  if (lacksTable(error)) return [];
  throw error;
}

/** @returns its workflow id. @throws TypeError when its input is too large. */
export async function queueRun({ client, pool, taskQueue, pageUrl }: ClientParts, input: SyncInput): Promise<string> {
  const { sync, account, tenant = account, startedBy = 'system', priority = 'bulk', weight = 1 } = input;
  checkSize(sync, input.input);
  const workflowId = queuedRunId(sync, account, randomUUID());
  await takeLock(pool, {
    entity: runQueue(sync, account),
    workflowId,
    rootWorkflowId: workflowId,
    kind: 'sync',
    name: sync,
    account,
    startedBy,
    policy: 'wait',
  });
  const keyword = (name: keyof typeof searchAttributes, value: string) => ({
    key: defineSearchAttributeKey(searchAttributes[name], SearchAttributeType.KEYWORD),
    value,
  });
  await client.workflow.start('sync', {
    workflowId,
    taskQueue: taskQueueOf(taskQueue, priority),
    args: [{ ...input, ifRunning: 'queue' } satisfies SyncInput],
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    priority: placement(priority, tenant, weight),
    staticSummary: `${sync} of ${account}, queued`.slice(0, 180),
    ...(pageUrl && { staticDetails: pageLink(pageUrl, syncWorkflowId(sync, account)) }),
    typedSearchAttributes: new TypedSearchAttributes([
      keyword('account', account),
      keyword('sync', sync),
      keyword('tenant', tenant),
      keyword('status', 'queued'),
    ]),
  });
  return workflowId;
}
