/**
 * Runs and the state of their trees. "Done?" is one query here; client, CLI and workflows all ask it.
 */
import type { Plan } from '../../../contracts/plan.ts';
import type { NodeProgress, PausedBy, RunMode, RunProgress, RunState } from '../../../contracts/run.ts';
import type { Pool, Queryable } from '../../pool.ts';
import { noRowsYet } from '../../unmigrated.ts';
import type { OpenUnit } from '../sync/unit-store.ts';

export interface NewRun {
  readonly runId: string;
  readonly workflowId: string;
  readonly account: string;
  readonly tenant: string | undefined;
  readonly input: unknown;
  readonly plan: Plan;
  readonly mode: RunMode;
  /** Names of the lists of roots, by node. Default: the input. */
  readonly rootKeys?: Readonly<Record<string, string>>;
  /** Id of its report. */
  readonly reportId?: string | undefined;
}

/** What a workflow must know that begins or goes on with a run. */
export interface EnteredRun {
  readonly state: RunState;
  readonly pausedReason: string | null;
  readonly plan: Plan;
  /** Nodes that have ended. */
  readonly ended: readonly string[];
  /** Open units, as many of each node as its window holds; none while the run is paused. */
  readonly units: readonly OpenUnit[];
}

/**
 * Creates the run, its nodes and the units of its roots, unless they are there, or takes over what a fleet has begun of it.
 * @returns undefined while a fleet has a run of the account that was asked for something else.
 */
export async function openRun(pool: Pool, run: NewRun): Promise<EnteredRun | undefined> {
  const { runId, workflowId, plan, account, tenant = null, input = null, mode, rootKeys = {}, reportId = null } = run;
  const [asked, planned, keys] = [input, plan, rootKeys].map((value) => JSON.stringify(value));
  const { rows } = await pool.query<{ entered: EnteredRun | null }>({
    name: 'open_run',
    text: 'select sluice.open_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as entered',
    values: [runId, workflowId, plan.provider, plan.sync, account, tenant, asked, planned, mode, keys, reportId],
  });
  return rows[0]?.entered ?? undefined;
}

/** The same for a run that is there. @returns undefined when it is not. */
export async function enterRun(db: Queryable, runId: string): Promise<EnteredRun | undefined> {
  const { rows } = await db.query<{ entered: EnteredRun | null }>('select sluice.enter_run($1) as entered', [runId]);
  return rows[0]?.entered ?? undefined;
}

export interface RunTree {
  readonly sync: string;
  readonly nodes: readonly { readonly name: string; readonly parent: string | null }[];
}

/** The tree that a run began with. @returns undefined when there is no such run. */
export async function readTree(db: Queryable, runId: string): Promise<RunTree | undefined> {
  const { rows } = await db.query<RunTree>(`select sync, plan->'nodes' as nodes from sluice.run where id = $1`, [
    runId,
  ]);
  return rows[0];
}

/** A run that is ended before it was opened. One that has been opened meanwhile stays as it is. */
export async function closeUnopened(
  pool: Pool,
  runId: string,
  { workflowId, sync, account }: { workflowId: string; sync: string; account: string },
): Promise<void> {
  await pool.query(
    `insert into sluice.run (id, workflow_id, provider, sync, account, input, plan)
     values ($1, $2, '', $3, $4, 'null', '{"nodes": []}') on conflict (id) do nothing`,
    [runId, workflowId, sync, account],
  );
}

const SET_STATE = `
  update sluice.run set state = $2, paused_by = case $2 when 'paused' then 'operator' end, paused_reason = null
  where id = $1 and state in ('running', 'paused') and paused_by is distinct from 'cancel'
    and ($2 = 'paused' or $3::int is null or pauses <= $3)`;

// The account may have been given up again before the signal of its reconnection arrived. A run that is running is one
// that an attempt at this very step has resumed, whose answer was lost. Its nodes are still to be told.
const RESUME_RECONNECTED = `
  update sluice.run r set state = 'running', paused_by = null, paused_reason = null from sluice.account a
  where r.id = $1 and (r.state = 'running' or r.state = 'paused' and r.paused_by = 'auth')
    and a.provider = r.provider and a.account = r.account and a.status = 'connected'`;

/**
 * Pauses or resumes a run that has not ended; one that is being cancelled stays paused. Asked again, it answers the
 * same. A worker that was frozen asks long after another one has gone on. Neither a pause that is written nor a resume
 * that was counted changes anything then.
 * @param how `isReconnected`: resume only what is paused for its account. `pauses`: only when it was paused from outside no more often.
 *   `isWritten`: of a pause that `askRun` has written: the state is only read.
 * @returns the state of the run now; undefined when there is no such run.
 */
export async function setRunState(
  db: Queryable,
  runId: string,
  state: 'running' | 'paused',
  how: { readonly isReconnected?: boolean; readonly pauses?: number; readonly isWritten?: boolean } = {},
): Promise<RunState | undefined> {
  const { isReconnected = false, pauses, isWritten = false } = how;
  if (isReconnected) await db.query(RESUME_RECONNECTED, [runId]);
  else if (!isWritten) await db.query(SET_STATE, [runId, state, pauses ?? null]);
  const { rows } = await db.query<{ state: RunState }>('select state from sluice.run where id = $1', [runId]);
  return rows[0]?.state;
}

/**
 * Stops the calls of a run from outside, whether or not a worker has opened it. A workflow that is making calls hears
 * of it some seconds later. A run that has ended stays as it is. After a `cancel` no resume lets it go on, also one
 * that was asked for before.
 * @returns whether it is written down: false in a database that nobody has migrated.
 */
export async function askRun(db: Queryable, runId: string, what: 'pause' | 'cancel'): Promise<boolean> {
  const { rows } = await db.query('select sluice.ask_run($1, $2)', [runId, what]).catch(noRowsYet);
  return rows.length > 0;
}

/** @returns how often a run was paused from outside; undefined of one that no worker has opened. */
export async function readPauses(db: Queryable, runId: string): Promise<number | undefined> {
  const { rows } = await db
    .query<{ pauses: number }>('select pauses from sluice.run where id = $1', [runId])
    .catch(noRowsYet);
  return rows[0]?.pauses;
}

// One index read: a run has few nodes, and their counters are kept by the pages themselves.
const PROGRESS = `
  select r.id, r.workflow_id, r.provider, r.sync, r.account, r.state, r.started_at, r.ended_at, r.error,
    r.paused_by, r.paused_reason, r.fleet,
    (select coalesce(jsonb_agg(to_jsonb(n) order by n.ordinal), '[]') from sluice.node n where n.run_id = r.id) as nodes
  from sluice.run r`;
const PROGRESS_BY_RUN = { name: 'progress_by_run', text: `${PROGRESS} where r.id = $1` };
// Index: run_by_workflow.
const PROGRESS_BY_WORKFLOW = {
  name: 'progress_by_workflow',
  text: `${PROGRESS} where r.workflow_id = $1 order by r.started_at desc limit 1`,
};

/**
 * The state of a run, by run id or, for the newest one, by workflow id.
 * @returns undefined when no such run is known.
 */
export async function readProgress(
  db: Queryable,
  run: { runId: string } | { workflowId: string },
): Promise<RunProgress | undefined> {
  const query =
    'runId' in run
      ? { ...PROGRESS_BY_RUN, values: [run.runId] }
      : { ...PROGRESS_BY_WORKFLOW, values: [run.workflowId] };
  const { rows } = await db.query(query).catch(noRowsYet);
  const row = rows[0] as RunRow | undefined;
  return row && toProgress(row);
}

/** Ends a node. Its state follows from its lists and the share of them that may be skipped. @returns false when there is none. */
export async function finishNode(pool: Pool, runId: string, node: string, maxSkippedShare: number): Promise<boolean> {
  const { rows } = await pool.query<{ found: boolean }>({
    name: 'finish_node',
    text: 'select sluice.finish_node($1, $2, $3) as found',
    values: [runId, node, maxSkippedShare],
  });
  return rows[0]?.found === true;
}

interface NodeRow {
  name: string;
  parent: string | null;
  resource: string;
  state: NodeProgress['state'];
  waiting: number;
  running: number;
  done: number;
  failed: number;
  skipped: number;
  flawed: number;
  pages: number;
  rows: number;
  calls: number;
}

interface RunRow {
  id: string;
  workflow_id: string;
  provider: string;
  sync: string;
  account: string;
  state: RunState;
  started_at: Date;
  ended_at: Date | null;
  error: string | null;
  paused_by: PausedBy | null;
  paused_reason: string | null;
  fleet: string | null;
  nodes: NodeRow[];
}

function toProgress(row: RunRow): RunProgress {
  return {
    runId: row.id,
    workflowId: row.workflow_id,
    provider: row.provider,
    sync: row.sync,
    account: row.account,
    state: row.state,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    error: row.error,
    ...(row.fleet === null ? {} : { fleet: row.fleet }),
    ...(row.state === 'paused' && row.paused_by ? { pausedBy: row.paused_by } : {}),
    ...(row.state === 'paused' && row.paused_reason ? { pausedReason: row.paused_reason } : {}),
    nodes: row.nodes.map((node) => toNode(node, row.ended_at !== null)),
  };
}

/** In a run that was ended before its lists were nothing waits or runs any more. */
function toNode(node: NodeRow, hasRunEnded: boolean): NodeProgress {
  const { name, parent, resource, waiting, running, done, failed, skipped, flawed, pages, rows, calls } = node;
  const isLeft = hasRunEnded && (node.state === 'waiting' || node.state === 'running');
  const open = isLeft ? { waiting: waiting + running, running: 0 } : { waiting, running };
  const units = { ...open, done, failed, skipped };
  return { name, parent, resource, state: isLeft ? 'unread' : node.state, units, flawed, pages, rows, calls };
}
