/**
 * Reports: written pending before a workflow is started, ended by the workflow or the reconciler, listed for the app.
 * Everything that goes in is cleaned of what has the shape of a secret.
 * Next: `report-outbox.ts` tells failures, `report-checks.ts` finds the ones that nobody ended.
 */
import { checkLimit, WHOLE_NUMBER } from '../../../contracts/values/list-page.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import type { Report, ReportEnd, ReportKind, ReportStatus } from '../../../contracts/report.ts';
import { oneOf } from '../../../contracts/values/one-of.ts';
import type { Queryable } from '../../pool.ts';

export interface NewReport {
  readonly id: string;
  readonly kind: ReportKind;
  readonly name: string;
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: string;
  readonly workflowId: string;
  readonly rootWorkflowId: string;
  readonly what: string;
  /** When the run is known already, i.e. when the workflow itself writes it. */
  readonly runId?: string;
}

// In code points.
const LONGEST_WHAT = 500;
const LONGEST_ERROR = 2_000;
const LONGEST_TRACEBACK = 8_000;

const INSERT = `
  insert into sluice.report (id, kind, name, account, tenant, started_by, workflow_id, root_workflow_id, what, run_id)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`;

/** Writes a pending report. Doing it twice changes nothing. */
export async function insertReport(db: Queryable, report: NewReport): Promise<void> {
  await db.query({
    name: 'insert_report',
    text: INSERT,
    values: [
      report.id,
      report.kind,
      report.name,
      report.account,
      report.tenant,
      report.startedBy,
      report.workflowId,
      report.rootWorkflowId,
      cleanText(redact(report.what), LONGEST_WHAT),
      report.runId ?? null,
    ],
  });
}

/** Temporal has accepted the start. */
export async function setReportRun(db: Queryable, id: string, runId: string): Promise<void> {
  const text = 'update sluice.report set run_id = $2 where id = $1 and run_id is null';
  await db.query({ name: 'set_report_run', text, values: [id, runId] });
}

/** How the start that has this report stands. By primary key. @returns undefined when there is none. */
export async function readReportStart(
  db: Queryable,
  id: string,
): Promise<
  { readonly runId: string | null; readonly status: ReportStatus; readonly errorType: string | null } | undefined
> {
  const { rows } = await db.query<{ runId: string | null; status: ReportStatus; errorType: string | null }>(
    'select run_id as "runId", status, error_type as "errorType" from sluice.report where id = $1',
    [id],
  );
  return rows[0];
}

/** The start attached to a run that has a report of its own. */
export async function removeUnstartedReport(db: Queryable, id: string): Promise<void> {
  await db.query(`delete from sluice.report where id = $1 and run_id is null and status = 'pending'`, [id]);
}

/** Ends a report, once. @returns false when it had ended before or is unknown. */
export async function endReport(db: Queryable, id: string, end: ReportEnd, runId: string | null): Promise<boolean> {
  const failed = end.status === 'failed' ? end : undefined;
  const error = end.status === 'ok' ? undefined : end.error;
  const { rows } = await db.query<{ ended: boolean }>({
    name: 'end_report',
    text: 'select sluice.end_report($1, $2, $3, $4, $5, $6) as ended',
    values: [
      id,
      end.status,
      error === undefined ? null : cleanText(redact(error), LONGEST_ERROR),
      failed?.errorType ?? (end.status === 'cancelled' ? 'cancelled' : null),
      failed?.traceback === undefined ? null : cleanText(redact(failed.traceback), LONGEST_TRACEBACK),
      runId,
    ],
  });
  return rows[0]?.ended === true;
}

export interface ReportFilter {
  readonly account?: string;
  readonly tenant?: string;
  readonly status?: ReportStatus;
  /** One kind, or several. */
  readonly kind?: ReportKind | readonly ReportKind[];
  readonly name?: string;
  readonly workflowId?: string;
  /** `sequence` of the last report seen; undefined from the beginning. */
  readonly after?: string;
  /** 1 … 1,000. Default 100. */
  readonly limit?: number;
  /** `newest` first, then `after` goes on to older ones. Default `oldest`. */
  readonly order?: 'oldest' | 'newest';
}

/** @throws TypeError when `status`, `kind`, `order`, `after` or `limit` is not what it should be. */
export async function listReports(db: Queryable, filter: ReportFilter = {}): Promise<Report[]> {
  const { after, limit = 100, order = 'oldest' } = filter;
  checkLimit(limit);
  if (after !== undefined && !WHOLE_NUMBER.test(after))
    throw new TypeError(`\`after\` is ${JSON.stringify(after)}; pass the \`sequence\` of a report.`);
  const status = oneOf('status', filter.status, STATUSES);
  for (const kind of kindsOf(filter)) oneOf('kind', kind, KINDS);
  oneOf('order', order, ORDERS);
  const values: unknown[] = [status === undefined ? STATUSES : [status], kindsOf(filter)];
  const conditions: string[] = [];
  const and = (sql: string, value: unknown): void => {
    if (value !== undefined) conditions.push(sql.replace('?', `$${values.push(value)}`));
  };
  and('r.account = ?', filter.account);
  and('r.tenant = ?', filter.tenant);
  and('r.name = ?', filter.name);
  and('r.workflow_id = ?', filter.workflowId);
  and(order === 'oldest' ? 'r.seq > ?::bigint' : 'r.seq < ?::bigint', after);
  // What belongs to one account or workflow is found by it; all else by status and kind.
  const isOfOne = filter.account !== undefined || filter.workflowId !== undefined;
  const { rows } = await db.query<ReportRow>(
    (isOfOne ? ofOne : ofMany)(conditions, order === 'oldest' ? 'asc' : 'desc', `$${values.push(limit)}`),
    values,
  );
  return rows.map(toReport);
}

const STATUSES: readonly ReportStatus[] = ['pending', 'ok', 'failed', 'cancelled'];
const ORDERS: readonly NonNullable<ReportFilter['order']>[] = ['oldest', 'newest'];
const KINDS: readonly ReportKind[] = ['sync', 'action', 'saga'];

function kindsOf({ kind }: ReportFilter): readonly ReportKind[] {
  if (kind === undefined) return KINDS;
  return typeof kind === 'string' ? [kind] : kind;
}

/** Indexes: report_by_workflow, report_by_account. */
const ofOne = (conditions: readonly string[], direction: string, limit: string): string => `
  select ${REPORT_COLUMNS} from sluice.report r
   where ${['r.status = any ($1)', 'r.kind = any ($2)', ...conditions].join(' and ')} order by r.seq ${direction} limit ${limit}`;

/** Index: report_by_status. Each status and kind is a scan of its own that stops after one page. */
const ofMany = (conditions: readonly string[], direction: string, limit: string): string => `
  select found.* from unnest($1::text[]) wanted_status (status), unnest($2::text[]) wanted_kind (kind)
    cross join lateral (
      select ${REPORT_COLUMNS} from sluice.report r
       where ${['r.status = wanted_status.status', 'r.kind = wanted_kind.kind', ...conditions].join(' and ')}
       order by r.seq ${direction} limit ${limit}) found
   order by seq ${direction} limit ${limit}`;

export const REPORT_COLUMNS = `id, seq, kind, name, account, tenant, started_by, workflow_id, run_id, status, what, error,
  error_type, traceback, attempts, started_at, ended_at`;

export interface ReportRow {
  id: string;
  seq: number;
  kind: ReportKind;
  name: string;
  account: string;
  tenant: string;
  started_by: string;
  workflow_id: string;
  run_id: string | null;
  status: ReportStatus;
  what: string;
  error: string | null;
  error_type: string | null;
  traceback: string | null;
  attempts: number;
  started_at: Date;
  ended_at: Date | null;
}

export function toReport(row: ReportRow): Report {
  return {
    id: row.id,
    sequence: String(row.seq),
    kind: row.kind,
    name: row.name,
    account: row.account,
    tenant: row.tenant,
    startedBy: row.started_by,
    workflowId: row.workflow_id,
    runId: row.run_id,
    status: row.status,
    what: row.what,
    error: row.error,
    errorType: row.error_type,
    traceback: row.traceback,
    attempts: row.attempts,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}
