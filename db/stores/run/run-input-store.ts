/** What the newest run of a workflow id was asked for: to ask for it again. Next: `client/sync/start-again.ts`. */
import type { Queryable } from '../../pool.ts';

export interface RunRequest {
  readonly provider: string;
  readonly sync: string;
  readonly account: string;
  readonly tenant: string | null;
  readonly input: unknown;
}

/** Index: run_by_workflow. A run that was ended before it was opened does not know its provider. */
const NEWEST = `
  select provider, sync, account, tenant, input from sluice.run
   where workflow_id = $1 and provider <> '' order by started_at desc limit 1`;

/** @returns undefined when no run of it was ever opened. */
export async function readRunRequest(db: Queryable, workflowId: string): Promise<RunRequest | undefined> {
  return (await db.query<RunRequest>(NEWEST, [workflowId])).rows[0];
}
