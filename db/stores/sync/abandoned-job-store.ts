/**
 * Jobs at third parties that nobody wants any more: their lists have ended without them. Used by: `activities/job/leave-abandoned.ts`,
 * `activities/job/leave-job.ts`.
 */
import type { UnitJob } from '../../../contracts/job.ts';
import type { Pool, Queryable } from '../../pool.ts';

export interface AbandonedJob {
  readonly unit: number;
  readonly runId: string;
  readonly sync: string;
  readonly node: string;
  readonly account: string;
  readonly job: Extract<UnitJob, { state: 'made' }>;
  /** The database's clock: `after` of a job is held against it. Epoch milliseconds. */
  readonly nowMs: number;
}

// By `unit_with_job`: the few jobs that are under way. A day after their run has ended they are left.
const NEXT = `
  select u.id::float8 as unit, u.run_id as "runId", r.sync, u.node, r.account, u.job, (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"
  from sluice.unit u join sluice.run r on r.id = u.run_id
  where u.job->>'state' = 'made' and (u.end_kind is not null or r.state not in ('running', 'paused'))
    and r.sync || '.' || u.node = any ($1::text[])
    and (r.ended_at is null or r.ended_at > now() - interval '1 day')
    and coalesce((u.job->>'after')::float8, 0) <= extract(epoch from clock_timestamp()) * 1000
  order by (u.job->>'after')::float8 nulls first, u.id limit 1`;

/** @param resources of which nodes: `sync.node`. */
export async function abandonedJob(pool: Pool, resources: readonly string[]): Promise<AbandonedJob | undefined> {
  const { rows } = await pool.query<AbandonedJob>({ name: 'abandoned_job', text: NEXT, values: [resources] });
  return rows[0];
}

/** By whoever is first. @returns false when it is another one by now. */
export async function moveJob(db: Queryable, unit: number, was: UnitJob, now: UnitJob): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'move_job',
    text: 'update sluice.unit set job = $3 where id = $1 and job = $2',
    values: [unit, JSON.stringify(was), JSON.stringify(now)],
  });
  return rowCount === 1;
}
