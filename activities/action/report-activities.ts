/**
 * The database steps around the operations of workflows: a report is opened and ended, the lock of an entity is asked for
 * and given back. No third-party calls. Next: `db/stores/report/report-store.ts` and `db/stores/action/entity-lock-store.ts`.
 */
import type { LockInput } from '../../contracts/action.ts';
import type { EndReportInput, OpenReportInput } from '../../contracts/report.ts';
import { holdsLock, releaseLock } from '../../db/stores/action/entity-lock-store.ts';
import { endReport, insertReport } from '../../db/stores/report/report-store.ts';
import type { ActivityDeps } from '../deps.ts';

/** For workflows that nobody wrote a report for before they were started, e.g. by a schedule. */
export async function openReportActivity(deps: ActivityDeps, request: OpenReportInput): Promise<void> {
  await insertReport(deps.pool, request);
}

export async function endReportActivity(deps: ActivityDeps, { id, runId, end }: EndReportInput): Promise<void> {
  if (await endReport(deps.pool, id, end, runId)) deps.meter?.reported(end.status);
}

export async function holdsLockActivity(deps: ActivityDeps, { entity, workflowId }: LockInput): Promise<boolean> {
  return holdsLock(deps.pool, entity, workflowId);
}

/** Hands the lock to the next one and tells it. One that can't be told now is found by the reconciler. */
export async function releaseLockActivity(deps: ActivityDeps, { entity, workflowId }: LockInput): Promise<void> {
  const next = await releaseLock(deps.pool, entity, workflowId);
  if (next !== undefined) await deps.tellLock(next);
}
