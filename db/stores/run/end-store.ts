/**
 * Ends of runs: once each, with what was decided for whoever asks again. Next: `db/functions/runs/finish-run.sql`, `db/functions/runs/end-read.sql`;
 * `run-ending-store.ts` ends what is open before its time.
 */
import type { ReportRef } from '../../../contracts/report.ts';
import type { RunResult } from '../../../contracts/run.ts';
import type { Pool, Queryable } from '../../pool.ts';
import { ROOM, type Settling } from '../sync/list-store.ts';

/**
 * Ends a run, once: a second call reads what the first one decided.
 * @returns undefined when there is no such run.
 */
export async function finishRun(
  db: Queryable,
  runId: string,
  { cancelled, error }: { readonly cancelled?: boolean; readonly error?: string },
): Promise<RunResult | undefined> {
  const how = cancelled ? 'cancelled' : error === undefined ? 'read' : 'failed';
  const { rows } = await db.query<{ result: FinishedRun | null }>({
    name: 'finish_run',
    text: 'select sluice.finish_run($1, $2, $3) as result',
    values: [runId, how, error ?? null],
  });
  const result = rows[0]?.result;
  return result ? toResult(runId, result) : undefined;
}

export interface EndOfRead extends Settling {
  readonly maxSkippedShare: number;
  /** Only a run that is running and has nothing open. */
  readonly ifIdle: boolean;
  readonly report: ReportRef | undefined;
}

export interface EndedRead {
  readonly result: RunResult;
  readonly isReported: boolean;
}

const END_READ = {
  name: 'end_read',
  text: 'select sluice.end_read($1, $2, $3, $4, $5, $6, $7, $8, $9) as ended',
};
const END_READS = {
  name: 'end_reads',
  text: `select sluice.end_read(run, node, deletes, empties, share, room, idle, report, report_run) as ended
    from unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[], $5::float8[], $6::int[], $7::boolean[], $8::uuid[], $9::uuid[])
      with ordinality as x (run, node, deletes, empties, share, room, idle, report, report_run, place) order by place`,
};

/**
 * Ends a run whose last node has been read, with that node, and with its report where all is right: one statement instead of four.
 * @returns undefined when it is to be done step by step, or not yet.
 */
export async function endRead(pool: Pool, runId: string, node: string, how: EndOfRead): Promise<EndedRead | undefined> {
  const { rows } = await pool.query<EndRow>({ ...END_READ, values: endValues(runId, node, how) });
  return rows[0] && toEnded(runId, rows[0]);
}

/** The same for several runs, in one transaction. @returns in the same order. */
export async function endReads(
  pool: Pool,
  ends: readonly { readonly runId: string; readonly node: string; readonly how: EndOfRead }[],
): Promise<(EndedRead | undefined)[]> {
  const each = ends.map(({ runId, node, how }) => endValues(runId, node, how));
  const columns = (each[0] ?? []).map((_, column) => each.map((values) => values[column]));
  const { rows } = await pool.query<EndRow>({ ...END_READS, values: columns });
  return ends.map(({ runId }, index) => rows[index] && toEnded(runId, rows[index]));
}

interface EndRow {
  readonly ended: (FinishedRun & { readonly isReported: boolean }) | null;
}

function endValues(
  runId: string,
  node: string,
  { marksDeletions, allowsEmpty, maxSkippedShare, ifIdle, report }: EndOfRead,
): unknown[] {
  return [
    runId,
    node,
    marksDeletions,
    allowsEmpty,
    maxSkippedShare,
    ROOM,
    ifIdle,
    report?.id ?? null,
    report?.runId ?? null,
  ];
}

function toEnded(runId: string, { ended }: EndRow): EndedRead | undefined {
  if (!ended) return undefined;
  const { isReported, ...result } = ended;
  return { result: toResult(runId, result), isReported };
}

type FinishedRun = Omit<RunResult, 'runId' | 'complete'>;

function toResult(runId: string, result: FinishedRun): RunResult {
  return { runId, complete: result.state === 'done', ...result };
}
