/** Actions that have ended and are asked for again with the same key. Used by: `client/action/act.ts`. */
import type { Queryable } from '../../pool.ts';
import { unsettledFor } from './action-store.ts';

/** An ended action is asked for again with the same key: it may be tried anew, unless its write may have happened. */
export async function reopenActionStep(db: Queryable, workflowId: string): Promise<void> {
  await db.query(
    `update sluice.action_step set state = 'ready', attempts = 0, refusals = 0, error = null, error_type = null, ended_at = null
     where workflow_id = $1 and state in ('failed', 'cancelled') and error_type not in ('unknown-write', 'output-lost')`,
    [workflowId],
  );
}

/**
 * The same of one that was left unknown and may be repeated, because the third party still knows its key.
 * @returns false when it is not so.
 */
export async function reopenToRepeat(db: Queryable, workflowId: string, repeatWithinMs: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sluice.action_step s set state = 'unknown', attempts = 0, refusals = 0, error_type = null, ended_at = null
     where s.workflow_id = $1 and s.state = 'failed' and s.error_type = 'unknown-write' and ${unsettledFor('s')} < $2`,
    [workflowId, repeatWithinMs],
  );
  return rowCount === 1;
}
