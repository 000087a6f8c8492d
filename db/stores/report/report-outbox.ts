/**
 * Failed reports, and pending ones with a notice, on their way to the app: leased, told, told again until the app has taken them.
 * Those of one run (a saga with its steps) one after another in the order in which they ended. Next: `workers/loops/notify-failures.ts`.
 */
import { cleanText } from '../../../contracts/values/clean-text.ts';
import type { Report } from '../../../contracts/report.ts';
import type { Pool, Queryable } from '../../pool.ts';
import { REPORT_COLUMNS, toReport, type ReportRow } from './report-store.ts';

export interface ReportToTell {
  readonly report: Report;
  /** Times that it was tried before. */
  readonly tries: number;
}

// Only the oldest due report of each run, so none overtakes; a leased one stays `due` and holds the later ones back.
const CLAIM = `
  with next as (
    select r.id from sluice.report r
    where r.tell = 'due' and r.tell_at <= clock_timestamp() and not exists (
      select 1 from sluice.report e
      where e.tell = 'due' and e.root_workflow_id = r.root_workflow_id and e.end_seq < r.end_seq)
    order by r.end_seq limit $1 for no key update of r skip locked
  )
  update sluice.report r set tell_at = clock_timestamp() + make_interval(secs => $2 / 1000.0), tell_tries = r.tell_tries + 1
  from next where r.id = next.id and r.tell = 'due'
  returning ${REPORT_COLUMNS.replaceAll(/\b(?=[a-z])/g, 'r.')}, r.tell_tries`;

/** Leases up to `room` reports for `leaseMs`. */
export async function claimReportsToTell(pool: Pool, room: number, leaseMs: number): Promise<ReportToTell[]> {
  const { rows } = await pool.query<ReportRow & { tell_tries: number }>(CLAIM, [room, leaseMs]);
  return rows.map((row) => ({ report: toReport(row), tries: row.tell_tries - 1 }));
}

/** The app has taken it. A pending one that has failed since, or has something else to tell, is still to be told. */
export async function markReportTold(
  db: Queryable,
  { id, status, errorType }: Pick<Report, 'id' | 'status' | 'errorType'>,
): Promise<void> {
  await db.query(
    `update sluice.report set tell = 'told', tell_error = null
     where id = $1 and tell = 'due' and status = $2 and error_type is not distinct from $3`,
    [id, status, errorType],
  );
}

/** The app's handler threw: again after `delayMs`. */
export async function postponeTelling(db: Queryable, id: string, delayMs: number, error: string): Promise<void> {
  await db.query(
    `update sluice.report set tell_at = clock_timestamp() + make_interval(secs => $2 / 1000.0), tell_error = $3
     where id = $1 and tell = 'due'`,
    [id, delayMs, cleanText(error, 500)],
  );
}
