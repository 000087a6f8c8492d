/** Whose calls wait for a limit: the list of a run, by the key that the call has in the queue. Used by: `client/limits.ts`. */
import type { Queryable } from '../../pool.ts';

export interface ListOfCall {
  readonly callKey: string;
  /** Of its run. */
  readonly workflowId: string;
  readonly node: string;
  /** Key of the parent's row; null for the list of a root, of which there is one. */
  readonly parentKey: string | null;
}

/** Primary keys of unit and run. More digits are no id of ours. */
const LISTS = `
  select c.key as "callKey", r.workflow_id as "workflowId", u.node, case when u.parent_record is not null then u.parent_key end as "parentKey"
    from unnest($1::text[]) c (key)
    join sluice.unit u on u.id = case when c.key ~ '^unit/[0-9]{1,18}$' then substr(c.key, 6)::bigint end
    join sluice.run r on r.id = u.run_id`;

/** Calls of anything else, and of lists that are gone, are left out. */
export async function readListsOfCalls(db: Queryable, callKeys: readonly string[]): Promise<ListOfCall[]> {
  return (await db.query<ListOfCall>(LISTS, [callKeys])).rows;
}
