/**
 * What accepting an action and a saga have in common: one transaction, and in it the place in the queue of an entity.
 * Next: `entity-place.ts`.
 */
import type { LockPlace } from '../../contracts/action.ts';
import { entityOf } from '../../contracts/names.ts';
import type { StartedBy } from '../../contracts/report.ts';
import { inTransaction, isDataError, lacksTable, migrate, pendingOperations, type PoolClient } from '../../db/index.ts';
import type { Conflicts } from '../../providers/define/define-action.ts';
import { EntityBusy } from './action-errors.ts';
import { freeClosedOwners, takePlace } from './entity-place.ts';
import type { ClientParts } from '../start-workflow.ts';

export interface Asker {
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: StartedBy;
  readonly workflowId: string;
  readonly kind: 'action' | 'saga';
  readonly name: string;
  /** It was accepted before: only a place that it has already counts. */
  readonly isAgain?: boolean;
  /** The tenant that its client sees alone. */
  readonly boundTo?: string | undefined;
}

/** A place in the queue of the operation's entity, if it has one. @throws EntityBusy */
export async function placeFor(
  tx: PoolClient,
  conflicts: Required<Conflicts<unknown>> | undefined,
  input: unknown,
  asker: Asker,
): Promise<LockPlace | undefined> {
  if (!conflicts) return undefined;
  const entity = entityOf(conflicts.entity(input, { account: asker.account }), asker.boundTo);
  if (asker.isAgain) {
    const queue = await pendingOperations(tx, entity);
    if (!queue.some(({ workflowId }) => workflowId === asker.workflowId)) return undefined;
  }
  return takePlace(tx, { ...asker, entity, rootWorkflowId: asker.workflowId, policy: conflicts.policy });
}

/**
 * Twice where that helps: the schema may not be there yet, and an owner of a lock may have ended without giving it back.
 * @throws TypeError when the database can't hold what is given: a NUL or half an emoji in a text, a name that is too long.
 */
export async function inOneTransaction<T>(parts: ClientParts, work: (tx: PoolClient) => Promise<T>): Promise<T> {
  try {
    return await inTransaction(parts.pool, work);
  } catch (error) {
    if (isDataError(error)) throw new TypeError(`It can't be stored: ${(error as Error).message}`, { cause: error });
    if (lacksTable(error)) await migrate(parts.pool);
    else if (!(error instanceof EntityBusy) || !(await freeClosedOwners(parts, error))) throw error;
    return inTransaction(parts.pool, work);
  }
}
