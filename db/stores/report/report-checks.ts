/**
 * Pending reports that are due to be checked against Temporal, places in lock queues likewise, and the end of old rows.
 * Next: `workers/loops/reconcile.ts`.
 */
import type { ReportKind } from '../../../contracts/report.ts';
import type { Pool } from '../../pool.ts';

export interface PendingReport {
  readonly id: string;
  readonly kind: ReportKind;
  readonly workflowId: string;
  readonly runId: string | null;
  /** Workflow id of the fleet that has its run in hand. */
  readonly fleet: string | null;
  readonly ageMs: number;
}

/** Young ones soon again, old ones more rarely. The new check_at is the lease: another worker does not take it too. */
const nextCheck = (atMost: string): string =>
  `clock_timestamp() + least(interval '${atMost}', greatest(interval '20 seconds', age / 5))`;

/** Takes up to `room` pending reports to look at. */
export async function pendingReportsToCheck(pool: Pool, room: number): Promise<PendingReport[]> {
  const { rows } = await pool.query<PendingReport>(
    `with due as (
       select id, clock_timestamp() - started_at as age from sluice.report
       where status = 'pending' and check_at <= clock_timestamp() order by check_at limit $1 for no key update skip locked
     )
     update sluice.report r set check_at = ${nextCheck('10 minutes')} from due where r.id = due.id
     returning r.id, r.kind, r.workflow_id as "workflowId", r.run_id as "runId",
       (select f.fleet from sluice.run f where f.id = r.id and f.state in ('running', 'paused')) as fleet,
       (extract(epoch from due.age) * 1000)::float8 as "ageMs"`,
    [room],
  );
  return rows;
}

export interface QueuedPlace {
  readonly entity: string;
  readonly workflowId: string;
  readonly ageMs: number;
  /** When it was taken, by the database's clock: epoch milliseconds. */
  readonly takenAtMs: number;
  /** Holds the lock and has not heard of it. */
  readonly isUntold: boolean;
}

/** Takes up to `room` places of lock queues to look at: is their owner still there, does a holder know? */
export async function lockPlacesToCheck(pool: Pool, room: number): Promise<QueuedPlace[]> {
  const { rows } = await pool.query<QueuedPlace>(
    `with due as (
       select ticket, clock_timestamp() - requested_at as age from sluice.entity_lock
       where check_at <= clock_timestamp() order by check_at limit $1 for no key update skip locked
     )
     update sluice.entity_lock l set check_at = ${nextCheck('1 minute')} from due where l.ticket = due.ticket
     returning l.entity, l.workflow_id as "workflowId", (extract(epoch from due.age) * 1000)::float8 as "ageMs",
       (extract(epoch from l.requested_at) * 1000)::float8 as "takenAtMs", not l.is_told and not exists (
         select 1 from sluice.entity_lock f where f.entity = l.entity and f.ticket < l.ticket) as "isUntold"`,
    [room],
  );
  return rows;
}
