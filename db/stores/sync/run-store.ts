/**
 * Runs and the state of their trees. "Done?" is one query here; client, CLI and workflows all ask it.
 */
import type { Plan } from '../../../contracts/plan.ts';
import type { Flaw, NodeProgress, RunMode, RunProgress, RunResult, RunState } from '../../../contracts/run.ts';
import type { Pool, Queryable } from '../../pool.ts';

export interface NewRun {
  readonly runId: string;
  readonly workflowId: string;
  readonly account: string;
  readonly tenant: string | undefined;
  readonly input: unknown;
  readonly plan: Plan;
  readonly mode: RunMode;
}

// Foreign keys are checked when the statement ends, so the order of its parts does not matter.
const OPEN = {
  name: 'open_run',
  text: `
    with opened as (
      insert into sluice.run (id, workflow_id, provider, sync, account, tenant, input, plan, mode)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing
    ), nodes as (
      insert into sluice.node (run_id, name, ordinal, parent, resource, waiting)
      select $1, n->>'name', o, n->>'parent', n->>'resource', case when n->>'parent' is null then 1 else 0 end
      from jsonb_array_elements($8::jsonb->'nodes') with ordinality x(n, o)
      on conflict (run_id, name) do nothing
    )
    insert into sluice.unit (run_id, node, parent_key)
    select $1, n->>'name', '' from jsonb_array_elements($8::jsonb->'nodes') n where n->>'parent' is null
    on conflict (run_id, node, parent_key, part, lane) do nothing`,
};

/** Creates the run, its nodes and the units of its roots. Doing it twice changes nothing. */
export async function openRun(pool: Pool, run: NewRun): Promise<void> {
  const { runId, workflowId, plan, account, tenant, input, mode } = run;
  await pool.query({
    ...OPEN,
    values: [
      runId,
      workflowId,
      plan.provider,
      plan.sync,
      account,
      tenant ?? null,
      JSON.stringify(input ?? null),
      JSON.stringify(plan),
      mode,
    ],
  });
}

const SET_STATE = `
  update sluice.run set state = $2, paused_by = case $2 when 'paused' then 'operator' end, paused_reason = null
  where id = $1 and state in ('running', 'paused')`;

// The account may have been given up again before the signal of its reconnection arrived. A run that is running is one that an attempt
// at this very step has resumed, whose answer was lost: its nodes are still to be told.
const RESUME_RECONNECTED = `
  update sluice.run r set state = 'running', paused_by = null, paused_reason = null from sluice.account a
  where r.id = $1 and (r.state = 'running' or r.state = 'paused' and r.paused_by = 'auth')
    and a.provider = r.provider and a.account = r.account and a.status = 'connected'`;

/**
 * Pauses or resumes a run that has not ended. Doing it twice gives the same answer.
 * @param isReconnected resume only what is paused for its account.
 * @returns false when it is not in that state now.
 */
export async function setRunState(
  db: Queryable,
  runId: string,
  state: 'running' | 'paused',
  isReconnected = false,
): Promise<boolean> {
  const { rowCount } = isReconnected
    ? await db.query(RESUME_RECONNECTED, [runId])
    : await db.query(SET_STATE, [runId, state]);
  return rowCount === 1;
}

// undefined_table, undefined_column: no worker has migrated this database yet, or one is at it.
const NOT_MIGRATED: ReadonlySet<string | undefined> = new Set(['42P01', '42703']);

// One index read: a run has few nodes, and their counters are kept by the pages themselves.
const PROGRESS = `
  select r.id, r.workflow_id, r.provider, r.sync, r.account, r.state, r.started_at, r.ended_at, r.error,
    r.paused_by, r.paused_reason,
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
  const { rows } = await db.query(query).catch((error: unknown) => {
    // A database that no worker has migrated yet knows no run.
    if (NOT_MIGRATED.has((error as { code?: string }).code)) return { rows: [] };
    throw error;
  });
  const row = rows[0] as RunRow | undefined;
  return row && toProgress(row);
}

// Grouped by reason: a million units with one reason are one entry.
const FLAWS = `
  select node, end_kind as kind, coalesce(reason, '') as reason, count(*)::int as count, min(parent_key) as example
  from sluice.unit where run_id = $1 and end_kind <> 'complete'
  group by node, end_kind, reason order by count(*) desc limit 50`;

const FINISH_NODE = `
  update sluice.node set state = $3 where run_id = $1 and name = $2 and state in ('waiting', 'running')`;

/** Ends a node. Its state follows from its units and the share of them that may be skipped. */
export async function finishNode(
  pool: Pool,
  runId: string,
  node: string,
  maxSkippedShare: number,
  isRoot: boolean,
): Promise<void> {
  const { rows } = await pool.query<{ done: number; failed: number; skipped: number }>(
    'select done, failed, skipped from sluice.node where run_id = $1 and name = $2',
    [runId, node],
  );
  const counts = rows[0];
  if (!counts) throw new Error(`Run ${runId} has no node "${node}".`);
  const { done, failed, skipped } = counts;
  const units = done + failed + skipped;
  const bad = failed + skipped;
  const tooMany = isRoot ? failed > 0 : units > 0 && bad / units > maxSkippedShare;
  await pool.query(FINISH_NODE, [
    runId,
    node,
    tooMany ? 'failed' : units > 0 && done === 0 && bad > 0 ? 'skipped' : 'done',
  ]);
}

const FINISH_RUN = `
  update sluice.run set state = $2, reasons = $3, error = $4, ended_at = clock_timestamp()
  where id = $1 and state in ('running', 'paused')`;

/**
 * Ends a run, once: a second call reads what the first one decided.
 * @returns undefined when there is no such run.
 */
export async function finishRun(
  pool: Pool,
  runId: string,
  how: { cancelled?: boolean; error?: string },
): Promise<RunResult | undefined> {
  const progress = await readProgress(pool, { runId });
  if (!progress) return undefined;
  const { rows: flaws } = await pool.query<Flaw>(FLAWS, [runId]);
  const failedNode = progress.nodes.find((node) => node.state === 'failed');
  const open = progress.nodes.some((node) => node.units.waiting + node.units.running > 0);
  const state = how.cancelled
    ? 'cancelled'
    : how.error !== undefined || failedNode
      ? 'failed'
      : flaws.length > 0 || open
        ? 'incomplete'
        : 'done';
  const error = how.error ?? (state === 'failed' ? failureText(failedNode?.name, flaws) : null);
  await pool.query(FINISH_RUN, [runId, state, JSON.stringify(flaws), error]);
  const ended = await readProgress(pool, { runId });
  return toResult(ended ?? progress, flaws);
}

function failureText(node: string | undefined, flaws: readonly Flaw[]): string {
  const worst = flaws.find((flaw) => flaw.node === node && (flaw.kind === 'failed' || flaw.kind === 'skipped'));
  return worst
    ? `${node}: ${worst.count} of its lists ${worst.kind}, e.g. "${worst.example}": ${worst.reason}`
    : `${node}: failed`;
}

function toResult(progress: RunProgress, flaws: readonly Flaw[]): RunResult {
  const sum = (pick: (node: NodeProgress) => number) => progress.nodes.reduce((total, node) => total + pick(node), 0);
  return {
    runId: progress.runId,
    state: progress.state as RunResult['state'],
    complete: progress.state === 'done',
    flaws,
    rows: sum((node) => node.rows),
    calls: sum((node) => node.calls),
  };
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
  paused_by: 'operator' | 'auth' | null;
  paused_reason: string | null;
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
    ...(row.state === 'paused' && row.paused_by ? { pausedBy: row.paused_by } : {}),
    ...(row.state === 'paused' && row.paused_reason ? { pausedReason: row.paused_reason } : {}),
    nodes: row.nodes.map(
      ({ name, parent, resource, state, waiting, running, done, failed, skipped, flawed, pages, rows, calls }) => ({
        name,
        parent,
        resource,
        state,
        units: { waiting, running, done, failed, skipped },
        flawed,
        pages,
        rows,
        calls,
      }),
    ),
  };
}
