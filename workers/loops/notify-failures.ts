/**
 * Tells the app of failed runs, and of pending ones that can't continue by themselves, so that it can tell the person
 * who started one. It tells at least once, and those of one run in order.
 * Next: `db/stores/report/report-outbox.ts`.
 */
import type { Log } from '../../activities/index.ts';
import type { Report } from '../../contracts/report.ts';
import { claimReportsToTell, markReportTold, postponeTelling, type Pool, type ReportToTell } from '../../db/index.ts';
import { every } from './interval.ts';
import { TELL_INTERVAL_MS, TELL_LEASE_MS, TELL_ROOM, tellAgainMs, withinTime } from './telling.ts';

export type OnFailure = (report: Report) => Promise<void> | void;

/** @returns a function that ends it. */
export function startTelling(pool: Pool, onFailure: OnFailure, log: Log): () => Promise<void> {
  return every(TELL_INTERVAL_MS, 'telling the app of failures', log, async () => {
    const reports = await claimReportsToTell(pool, TELL_ROOM, TELL_LEASE_MS);
    await Promise.all(reports.map((each) => tell(pool, onFailure, log, each)));
    return reports.length > 0;
  });
}

async function tell(pool: Pool, onFailure: OnFailure, log: Log, { report, tries }: ReportToTell): Promise<void> {
  try {
    await withinTime(Promise.resolve(onFailure(report)));
  } catch (error) {
    const delayMs = tellAgainMs(tries);
    log.warn({ report: report.id, error: String(error), delayMs }, '`onFailure` has thrown; it is called again');
    await postponeTelling(pool, report.id, delayMs, String(error));
    return;
  }
  await markReportTold(pool, report);
}
