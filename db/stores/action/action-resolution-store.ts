/**
 * A person's decision on a write that was left as `unknown-write`, or the output of one that was left as `output-lost`. Of two who decide, one does. Each statement touches one
 * row by primary key. Next: `action-store.ts` has the states of a row.
 */
import { cleanJson } from '../../../contracts/values/clean-json.ts';
import type { Queryable } from '../../pool.ts';

const LEFT_UNKNOWN = `workflow_id = $1 and state = 'failed' and error_type = 'unknown-write'`;
const LEFT_TO_A_PERSON = `workflow_id = $1 and state = 'failed' and error_type in ('unknown-write', 'output-lost')`;

/** It happened: the row is done, its report is no failure any more. @returns false when there is nothing to decide. */
export async function resolveAsDone(db: Queryable, workflowId: string, output: unknown, by: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sluice.action_step set state = 'done', output = $2, error = null, error_type = null, resolved_by = $3,
       resolved_at = clock_timestamp()
     where ${LEFT_TO_A_PERSON}`,
    [workflowId, cleanJson(output), by],
  );
  if (rowCount !== 1) return false;
  await reportAsDone(db, workflowId);
  return true;
}

/** By index; an app that was not told of the failure yet does not hear of it. */
export async function reportAsDone(db: Queryable, workflowId: string): Promise<void> {
  await db.query(
    `update sluice.report set status = 'ok', error = null, error_type = null, traceback = null,
       tell = case when tell = 'due' then 'no' else tell end
     where workflow_id = $1 and status = 'failed' and error_type in ('unknown-write', 'output-lost')`,
    [workflowId],
  );
}

/** It did not happen: it may be sent again, with a new budget. @returns false when there is nothing to decide. */
export async function reopenUnknown(db: Queryable, workflowId: string, by: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sluice.action_step set state = 'ready', attempts = 0, error = null, error_type = null, ended_at = null,
       resolved_by = $2, resolved_at = clock_timestamp()
     where ${LEFT_UNKNOWN} and root_workflow_id = workflow_id`,
    [workflowId, by],
  );
  return rowCount === 1;
}

/**
 * A step of a saga did not happen. Its saga has ended, so nobody sends it any more: it is closed, and its report with it.
 * @returns false when there is nothing to decide.
 */
export async function closeAsAbsent(db: Queryable, workflowId: string, by: string): Promise<boolean> {
  const { rows } = await db.query<{ error: string }>(
    `update sluice.action_step set state = 'cancelled', error_type = 'cancelled', resolved_by = $2,
       resolved_at = clock_timestamp(), error = 'it did not happen, as ' || $2 || ' has found; before that: ' || error
     where ${LEFT_UNKNOWN} and root_workflow_id <> workflow_id
     returning error`,
    [workflowId, by],
  );
  if (rows[0] === undefined) return false;
  // By index; an app that was not told of the failure yet does not hear of it.
  await db.query(
    `update sluice.report set status = 'cancelled', error = $2, error_type = 'cancelled', traceback = null,
       tell = case when tell = 'due' then 'no' else tell end
     where workflow_id = $1 and status = 'failed' and error_type = 'unknown-write'`,
    [workflowId, rows[0].error],
  );
  return true;
}
