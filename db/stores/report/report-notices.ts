/**
 * Pending reports of runs that can't continue by themselves: the account must be connected again, or nothing has moved for too long.
 * Each is told to the app once (`report-outbox.ts`), and forgotten when the run continues. Next: `workers/loops/watch-runs.ts`.
 */
import { redact } from '../../../contracts/secrets/redact.ts';
import type { Pool } from '../../pool.ts';

// Index: run_paused_for_auth, then report_pending_sync. One that another worker is at is left to it.
const NOTE_RECONNECTS = `
  with paused as (
    select r.id, run.paused_reason from sluice.run run join sluice.report r on r.run_id = run.id
    where run.state = 'paused' and run.paused_by = 'auth' and r.status = 'pending' and r.kind = 'sync'
      and r.notice is distinct from 'needs-reconnect'
    for no key update of r skip locked
  )
  update sluice.report r set notice = 'needs-reconnect', error_type = 'needs-reconnect', progress_at = clock_timestamp(),
    error = 'the account must be connected again: ' || coalesce(p.paused_reason, 'it is not connected'),
    tell = 'due', tell_at = clock_timestamp(), tell_tries = 0
  from paused p where r.id = p.id and r.status = 'pending'`;

// Index: report_noticed.
const FORGET_RECONNECTS = `
  update sluice.report r set notice = null, error = null, error_type = null, tell = 'no', progress_at = clock_timestamp()
  from sluice.run run
  where r.notice = 'needs-reconnect' and r.status = 'pending' and run.id = r.run_id
    and not (run.state = 'paused' and run.paused_by = 'auth')`;

/** Runs that wait for their account since the last look are to be told; those that continue have nothing to tell. */
export async function noteReconnects(pool: Pool): Promise<void> {
  await pool.query(FORGET_RECONNECTS);
  await pool.query(NOTE_RECONNECTS);
}

// Only those that have moved are written. In a pause no time passes.
const NOTE_PROGRESS = `
  with seen as (
    select r.id, run.state,
      (select coalesce(sum(n.pages + n.done + n.failed + n.skipped), 0) from sluice.node n where n.run_id = r.run_id) as mark
    from sluice.report r left join sluice.run run on run.id = r.run_id
    where r.status = 'pending' and r.kind = 'sync'
  ), moved as (
    select r.id, s.mark from sluice.report r join seen s on s.id = r.id
    where r.progress <> s.mark or s.state = 'paused'
    for no key update of r skip locked
  )
  update sluice.report r set progress = m.mark, progress_at = clock_timestamp(),
    notice = nullif(r.notice, 'no-progress'),
    error = case when r.notice = 'no-progress' then null else r.error end,
    error_type = case when r.notice = 'no-progress' then null else r.error_type end,
    tell = case when r.notice = 'no-progress' then 'no' else r.tell end
  from moved m where r.id = m.id and r.status = 'pending'`;

/** Keeps in mind which pending runs have moved. */
export async function noteProgress(pool: Pool): Promise<void> {
  await pool.query(NOTE_PROGRESS);
}

export interface StalledRun {
  readonly reportId: string;
  readonly workflowId: string;
  /** Null when no worker has taken it up. */
  readonly runId: string | null;
  readonly stillMs: number;
}

/** Pending runs in which nothing has moved for so long, and of which that was not told yet. */
export async function stalledRuns(pool: Pool, stalledAfterMs: number, room: number): Promise<StalledRun[]> {
  const { rows } = await pool.query<StalledRun>(
    `select r.id as "reportId", r.workflow_id as "workflowId", run.id as "runId",
       (extract(epoch from clock_timestamp() - r.progress_at) * 1000)::float8 as "stillMs"
     from sluice.report r left join sluice.run run on run.id = r.run_id
     where r.status = 'pending' and r.kind = 'sync' and r.notice is null and coalesce(run.state, 'running') = 'running'
       and r.progress_at < clock_timestamp() - make_interval(secs => $1 / 1000.0)
     order by r.progress_at limit $2`,
    [stalledAfterMs, room],
  );
  return rows;
}

/** A run that stands still is to be told. Nothing happens when it has moved or was told since. */
export async function noteStalled(pool: Pool, { reportId }: StalledRun, why: string): Promise<void> {
  await pool.query(
    `update sluice.report set notice = 'no-progress', error_type = 'no-progress', error = $2,
       tell = 'due', tell_at = clock_timestamp(), tell_tries = 0
     where id = $1 and status = 'pending' and notice is null`,
    [reportId, redact(why).slice(0, 2_000)],
  );
}
