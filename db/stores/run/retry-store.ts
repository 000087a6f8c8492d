/**
 * A run that reads only the failed lists of an ended one again: same plan, same tree. What the ended run had finished
 * is carried over as counts, its other flaws as units that have ended already. So the result speaks for the whole tree.
 * Next: `run-store.ts`; `sluice.commit_page` leaves out children that were read to the end before.
 */
import type { EndKind, RunState } from '../../../contracts/run.ts';
import { inTransaction, type Pool, type Queryable } from '../../pool.ts';
import { enterRun, type EnteredRun } from './run-store.ts';

export interface NewRetry {
  readonly runId: string;
  readonly workflowId: string;
  readonly of: string;
  /** Other ends than `failed` that are read again too. */
  readonly also: readonly EndKind[];
}

const INSERT_RUN = `
  insert into sluice.run (id, workflow_id, provider, sync, account, tenant, input, plan, mode, retry_of)
  select $1, $2, provider, sync, account, tenant, input, plan, mode, retry_of || id from sluice.run where id = $3
  on conflict (id) do nothing`;

// It asks for something else than whatever a fleet has begun meanwhile.
const MAY_OPEN = `select sluice.take_from_fleet($1, sync, account, null, mode, null) as may from sluice.run where id = $2`;

// Lists of which a unit failed, or was never finished. Read by the index on (run_id, node, parent_key, part, lane).
const AGAIN = `
  with again as (
    select node, parent_key, max(parent_record) as parent_record from sluice.unit
    where run_id = $2 and (end_kind = 'failed' or end_kind = any ($3) or state in ('waiting', 'running'))
    group by node, parent_key
  )`;

const INSERT_NODES = `${AGAIN}, taken as (
    select u.node, count(*) filter (where u.state = 'done') as done, count(*) filter (where u.state = 'failed') as failed,
      count(*) filter (where u.state = 'skipped') as skipped, count(*) filter (where u.end_kind <> 'complete') as flawed
    from sluice.unit u join again using (node, parent_key) where u.run_id = $2 group by u.node
  )
  insert into sluice.node (run_id, name, ordinal, parent, resource, waiting, done, failed, skipped, flawed)
  select $1, n.name, n.ordinal, n.parent, n.resource, (select count(*) from again a where a.node = n.name),
    n.done - coalesce(t.done, 0), n.failed - coalesce(t.failed, 0), n.skipped - coalesce(t.skipped, 0),
    n.flawed - coalesce(t.flawed, 0)
  from sluice.node n left join taken t on t.node = n.name where n.run_id = $2
  on conflict (run_id, name) do nothing`;

const INSERT_UNITS = `${AGAIN}
  insert into sluice.unit (run_id, node, parent_key, parent_record)
  select $1, node, parent_key, parent_record from again order by node, parent_key
  on conflict (run_id, node, parent_key, part, lane) do nothing`;

const COPY_FLAWS = `${AGAIN}
  insert into sluice.unit (run_id, node, parent_key, parent_record, part, lane, state, end_kind, reason)
  select $1, u.node, u.parent_key, u.parent_record, u.part, u.lane, u.state, u.end_kind, u.reason
  from sluice.unit u where u.run_id = $2 and u.end_kind <> 'complete'
    and not exists (select 1 from again a where a.node = u.node and a.parent_key = u.parent_key)
  order by u.node, u.parent_key
  on conflict (run_id, node, parent_key, part, lane) do nothing`;

/**
 * Creates the run. Doing it twice changes nothing. All of it is one view of the ended run: a last page of it may be stored meanwhile.
 * @returns undefined while a fleet has a run of the account.
 * @throws Error when the ended run is unknown.
 */
export async function openRetry(pool: Pool, retry: NewRetry): Promise<EnteredRun | undefined> {
  const values = [retry.runId, retry.of, retry.also];
  const isOpen = await inTransaction(
    pool,
    async (tx) => {
      const { rows } = await tx.query<{ may: boolean }>(MAY_OPEN, [retry.runId, retry.of]);
      if (rows[0]?.may === false) return false;
      await tx.query(INSERT_RUN, [retry.runId, retry.workflowId, retry.of]);
      const { rowCount } = await tx.query(INSERT_NODES, values);
      if (rowCount === 0) return true;
      await tx.query(INSERT_UNITS, values);
      await tx.query(COPY_FLAWS, values);
      return true;
    },
    'repeatable read',
  );
  if (!isOpen) return undefined;
  const entered = await enterRun(pool, retry.runId);
  if (!entered) throw new Error(`Run ${retry.of} can't be retried: it is unknown.`);
  return entered;
}

export interface Retriable {
  readonly runId: string;
  readonly sync: string;
  readonly provider: string;
  readonly account: string;
  readonly tenant: string | null;
  readonly input: unknown;
  readonly state: RunState;
  /** Whether any of its lists is one to read again. */
  readonly hasAny: boolean;
  /** How its other lists ended that were not read to their end, by name. */
  readonly otherEnds: readonly EndKind[];
}

/** Index: (run_id, node, parent_key, part, lane); the ends by unit_flawed. */
const RETRIABLE = `
  select r.id as "runId", r.sync, r.provider, r.account, r.tenant, r.input, r.state,
    exists (select 1 from sluice.unit u where u.run_id = r.id
      and (u.end_kind = 'failed' or u.end_kind = any ($2) or u.state in ('waiting', 'running'))) as "hasAny",
    array(select distinct u.end_kind from sluice.unit u where u.run_id = r.id and u.end_kind <> 'complete' order by 1) as "otherEnds"
  from sluice.run r where r.workflow_id = $1 order by r.started_at desc limit 1`;

/**
 * The newest run of a workflow id.
 * @param also ends that are to be read again besides `failed` and what was never finished. Default none.
 */
export async function readRetriable(
  db: Queryable,
  workflowId: string,
  also: readonly EndKind[] = [],
): Promise<Retriable | undefined> {
  return (await db.query<Retriable>(RETRIABLE, [workflowId, also])).rows[0];
}
