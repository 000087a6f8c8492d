/**
 * Accepts an action and starts its workflow, the first time or once more. One transaction has its place in the queue of
 * its entity, its report, and whatever makes its row ready. Next: `accept.ts`, `client/start-workflow.ts`, then
 * `workflows/action.ts`.
 */
import type { ActionInput, LockPlace } from '../../contracts/action.ts';
import type { Priority } from '../../contracts/limits/limit.ts';
import type { StartedBy } from '../../contracts/report.ts';
import { insertReport, type PoolClient } from '../../db/index.ts';
import type { ActionDefinition } from '../../providers/define/define-action.ts';
import { inOneTransaction, placeFor } from './accept.ts';
import { startReported, type ClientParts } from '../start-workflow.ts';

export interface ActionStart {
  readonly workflowId: string;
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: StartedBy;
  readonly priority: Priority;
  readonly weight: number;
  /** As the action's schema has parsed it. */
  readonly input: unknown;
}

/**
 * @param makeReady in the transaction; returns false when there is nothing to start.
 * @throws EntityBusy when its policy is `refuse` and its entity is being worked on; nothing is changed then.
 */
export async function launchAction(
  parts: ClientParts,
  definition: ActionDefinition,
  start: ActionStart,
  makeReady: (tx: PoolClient) => Promise<boolean>,
): Promise<void> {
  const { workflowId, account, tenant, startedBy, priority, weight, input } = start;
  const { id } = definition;
  const reportId = crypto.randomUUID();
  const accepted = await inOneTransaction(parts, async (tx): Promise<{ readonly lock?: LockPlace } | undefined> => {
    if (!(await makeReady(tx))) return undefined;
    const lock = await placeFor(tx, definition.conflicts, input, {
      ...start,
      kind: 'action',
      name: id,
      boundTo: parts.boundTo,
    });
    await insertReport(tx, {
      id: reportId,
      kind: 'action',
      name: id,
      account,
      tenant,
      startedBy,
      workflowId,
      rootWorkflowId: workflowId,
      what: definition.what(input),
    });
    return lock ? { lock } : {};
  });
  if (!accepted) return;
  const message: ActionInput = {
    action: id,
    account,
    tenant,
    startedBy,
    priority,
    weight,
    callTimeoutMs: definition.totalTimeoutMs,
    ...accepted,
  };
  await startReported(parts, {
    workflow: 'action',
    workflowId,
    input: message,
    reportId,
    summary: `${id} of ${account}`,
    provider: definition.provider.id,
    name: id,
    account,
    tenant,
    priority,
    weight,
    mayRunAgain: true,
  });
}
