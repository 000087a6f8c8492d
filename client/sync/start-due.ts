/**
 * Starts the run of an account that is due, in the same way as an app does, and once. The run's report has the id of
 * this start, so a worker that takes over from a killed one finds what was started. Next: `start-sync.ts`; called by
 * `workers/schedules/run-schedules.ts`.
 */
import { REPORT_MEMO } from '../../contracts/report.ts';
import { syncWorkflowId } from '../../contracts/names.ts';
import { readReportStart } from '../../db/index.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { describeKnown } from '../describe-workflow.ts';
import type { ClientParts } from '../start-workflow.ts';
import { SyncBusy } from './sync-busy.ts';
import { startSync, type StartOptions } from './start-sync.ts';

/** `ending`: a run that was cancelled has not ended yet. It is not waited for here, where all starts of a worker wait in a row. */
export type DueStart = 'started' | 'joined' | 'busy' | 'ending';

export async function startDue(
  parts: ClientParts,
  sync: Sync,
  options: StartOptions<unknown>,
  startId: string,
): Promise<DueStart> {
  try {
    const run = await startSync(parts, sync as Sync<unknown>, options, { reportId: startId, mostEndingMs: 0 });
    return run.attached ? 'joined' : 'started';
  } catch (error) {
    if (error instanceof SyncBusy) return error.running.isEnding ? 'ending' : 'busy';
    throw error;
  }
}

/**
 * What became of a start that a worker has begun and not settled. `not`: it did not get through. `over`: it was written down as never
 * begun, and its id is not used again.
 */
export async function standingOfStart(
  { pool, client }: ClientParts,
  { sync, account, startId }: { readonly sync: string; readonly account: string; readonly startId: string },
): Promise<'started' | 'not' | 'over'> {
  const report = await readReportStart(pool, startId);
  if (!report) return 'not';
  if (report.runId !== null) return 'started';
  if (report.status !== 'pending') return report.errorType === 'not-started' ? 'over' : 'started';
  const there = await describeKnown(client, syncWorkflowId(sync, account));
  return there?.memo?.[REPORT_MEMO] === startId ? 'started' : 'not';
}
