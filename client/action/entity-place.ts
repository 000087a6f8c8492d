/**
 * A place in the queue of an entity, taken while an operation is being accepted. Next: `db/stores/action/entity-lock-store.ts`.
 */
import type { LockPlace } from '../../contracts/action.ts';
import { pendingOperations, releaseLock, takeLock, type LockRequest, type PoolClient } from '../../db/index.ts';
import { signalNames } from '../../contracts/names.ts';
import { EntityBusy } from './action-errors.ts';
import { describeKnown, tellKnown } from '../describe-workflow.ts';
import type { ClientParts } from '../start-workflow.ts';

/** @throws EntityBusy when it is refused; the transaction must be rolled back then. */
export async function takePlace(tx: PoolClient, request: LockRequest): Promise<LockPlace> {
  const { entity, policy } = request;
  const answer = await takeLock(tx, request);
  if (answer.state === 'refused') throw new EntityBusy(entity, await pendingOperations(tx, entity));
  return { entity, mustWait: answer.state === 'waiting', cancels: policy === 'cancel-previous' ? answer.ahead : [] };
}

/**
 * Frees the places of operations whose workflow has ended without giving them back (it was terminated a moment ago). So
 * nobody is refused because of them.
 * @returns whether there were any.
 */
export async function freeClosedOwners({ client, pool }: ClientParts, busy: EntityBusy): Promise<boolean> {
  let freed = false;
  for (const { workflowId, requestedAt } of busy.pending) {
    // One that is not known is about to be started.
    const owner = await describeKnown(client, workflowId);
    if (!owner?.closeTime || owner.closeTime <= new Date(requestedAt)) continue;
    const next = await releaseLock(pool, busy.entity, workflowId);
    freed = true;
    if (next === undefined) continue;
    await tellKnown(client, next, signalNames.lockGranted);
  }
  return freed;
}
