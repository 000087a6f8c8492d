/**
 * What no workflow can do for itself. It ends the reports of workflows that were terminated, timed out or never
 * started. It frees the locks that such ones held, and tells a holder that was not told. Asks Temporal; any worker does
 * it, each row by one at a time. Next: `db/stores/report/report-checks.ts`.
 */
import type { Client } from '@temporalio/client';
import type { Log } from '../../activities/index.ts';
import { endOfSync, REPORT_MEMO, type ReportEnd } from '../../contracts/report.ts';
import type { RunResult } from '../../contracts/run.ts';
import {
  endFleetRun,
  endReport,
  finishRun,
  listSteps,
  loadActionStep,
  readProgress,
  lockPlacesToCheck,
  markFailed,
  pendingReportsToCheck,
  releaseLock,
  removeUnstartedReport,
  type PendingReport,
  type Pool,
  type QueuedPlace,
} from '../../db/index.ts';
import { endOfFailure } from '../../workflows/report-end.ts';
import { every } from './interval.ts';
import { chainIdOf, describeKnown, isOpen } from '../../client/describe-workflow.ts';

interface Deps {
  readonly pool: Pool;
  readonly client: Client;
  readonly tellLock: (workflowId: string) => Promise<void>;
}

const INTERVAL_MS = 5_000;
const ROOM = 50;
/** A start that Temporal does not know after this long was never made: its app died between the row and the call. */
const START_PATIENCE_MS = 60_000;
/**
 * A fleet that Temporal does not know after this long is not started any more. Those that were to be in it are started
 * by themselves.
 */
const FLEET_PATIENCE_MS = 300_000;

/** @returns a function that ends it. */
export function startReconciling(deps: Deps, log: Log): () => Promise<void> {
  return every(INTERVAL_MS, 'checking reports and locks against Temporal', log, async () => {
    const reports = await pendingReportsToCheck(deps.pool, ROOM);
    for (const report of reports) await checkReport(deps, report);
    const places = await lockPlacesToCheck(deps.pool, ROOM);
    for (const place of places) await checkPlace(deps, place);
    // Never more at once: whoever is busy is not asked all the time whether it is still there.
    return false;
  });
}

async function checkReport(deps: Deps, report: PendingReport): Promise<void> {
  const { pool } = deps;
  if (report.fleet !== null) return checkInFleet(deps, report, report.fleet);
  const found = await standing(deps.client, report);
  if (found === 'open') return;
  if (found === 'attached') return removeUnstartedReport(pool, report.id);
  let end = found;
  if (report.kind === 'sync' && report.runId !== null) end = await closeRun(pool, report.runId, found);
  if (report.kind === 'action') end = await closeAction(pool, report.workflowId, found);
  if (report.kind === 'saga') {
    const known = await endOfSaga(deps, report.workflowId, found);
    if (known === 'open') return;
    end = known;
  }
  await endReport(pool, report.id, end, report.runId);
}

/** A run that a fleet carries out ends with it at the latest. The id of such a run is its report's. */
async function checkInFleet({ pool, client }: Deps, report: PendingReport, fleet: string): Promise<void> {
  const known = await describeKnown(client, fleet);
  if (known ? isOpen(known) : report.ageMs < FLEET_PATIENCE_MS) return;
  const end = failed('terminated', 'the fleet that carried it out was ended from outside: start it again');
  await endFleetRun(pool, report.id, end);
}

/** How the workflow of a report ended, as Temporal tells it. */
async function standing(client: Client, report: PendingReport): Promise<'open' | 'attached' | ReportEnd> {
  const latest = await describeKnown(client, report.workflowId);
  const isYoung = report.ageMs < START_PATIENCE_MS;
  if (latest === undefined)
    return isYoung
      ? 'open'
      : failed('not-started', 'Temporal knows no such workflow: it was never started, or is long gone');
  const firstRunId = chainIdOf(latest);
  if (report.runId === null && latest.memo?.[REPORT_MEMO] !== report.id) {
    if (isYoung) return 'open';
    return latest.status.name === 'RUNNING' ? 'attached' : failed('not-started', 'it was never started');
  }
  const isLatest = report.runId === null || report.runId === firstRunId;
  const mine = isLatest ? latest : await describeKnown(client, report.workflowId, report.runId ?? undefined);
  if (mine === undefined) return failed('unknown', 'Temporal does not know this run any more');
  if (isOpen(mine)) return 'open';
  try {
    const result: unknown = await client.workflow.getHandle(report.workflowId, mine.runId).result();
    return report.kind === 'sync' ? endOfSync(result as RunResult) : { status: 'ok' };
  } catch (error) {
    return endOfFailure(error instanceof Error && error.cause ? error.cause : error);
  }
}

/**
 * A sync whose workflow was ended from outside, or ended after the moment to which the database was put back. Its tree
 * must not say `running` for ever.
 */
async function closeRun(pool: Pool, runId: string, end: ReportEnd): Promise<ReportEnd> {
  const known = await readProgress(pool, { runId });
  if (known?.state !== 'running' && known?.state !== 'paused') return end;
  // A workflow that ends by itself writes that down first.
  if (end.status === 'ok' || (end.status === 'failed' && end.errorType === 'incomplete')) {
    await finishRun(pool, runId, { error: LOST_END });
    return failed('gone', LOST_END);
  }
  await finishRun(pool, runId, end.status === 'cancelled' ? { cancelled: true } : { error: end.error });
  return end;
}

const LOST_END =
  'its workflow has ended, and the database does not have what it stored last: it was put back to an earlier moment. Start it again';

/** An action whose workflow was ended from outside: what is known of its write decides what is said. */
async function closeAction(pool: Pool, workflowId: string, end: ReportEnd): Promise<ReportEnd> {
  if (end.status === 'ok') return end;
  const step = await loadActionStep(pool, workflowId);
  if (!step) return end;
  if (step.state === 'done') return { status: 'ok' };
  const isLost = step.state === 'sending' || step.state === 'unknown';
  const error = isLost ? `${end.error}; whether its write happened is not known` : end.error;
  if (step.state !== 'failed' && step.state !== 'cancelled') {
    const type = isLost ? 'unknown-write' : 'cancelled';
    await markFailed(pool, workflowId, { state: isLost ? 'failed' : 'cancelled', type, error });
  }
  return isLost ? { status: 'failed', errorType: 'unknown-write', error } : end;
}

/**
 * A saga that was ended from outside takes back nothing more: what it leaves is named, as by one that ends by itself. Its step goes on without it:
 * what was not sent is not wanted any more, and what was sent is settled first.
 */
async function endOfSaga({ pool, client }: Deps, workflowId: string, end: ReportEnd): Promise<ReportEnd | 'open'> {
  if (end.status !== 'failed' || !FROM_OUTSIDE.includes(end.errorType)) return end;
  const steps = await listSteps(pool, workflowId);
  const open = steps.filter(({ state }) => !['done', 'failed', 'cancelled'].includes(state));
  for (const step of open.filter(({ undoes }) => undoes === null)) {
    const isThere = await describeKnown(client, step.workflowId);
    if (isThere && isOpen(isThere)) await client.workflow.getHandle(step.workflowId).cancel();
  }
  if (open.length > 0) return 'open';
  const done = steps.filter(({ state }) => state === 'done');
  const left = done.filter((step) => step.undoes === null && !done.some(({ undoes }) => undoes === step.workflowId));
  if (left.length === 0) return end;
  const names = left.toReversed().map((step) => step.workflowId.slice(workflowId.length + 1));
  return { ...end, errorType: 'compensation-failed', error: `${end.error}; NOT taken back: ${names.join(', ')}` };
}

const FROM_OUTSIDE = ['terminated', 'timed-out'];

async function checkPlace({ pool, client, tellLock }: Deps, place: QueuedPlace): Promise<void> {
  const owner = await describeKnown(client, place.workflowId);
  if (owner && isOpen(owner)) return place.isUntold ? tellLock(place.workflowId) : undefined;
  // A workflow of this id may have ended before, and the one that this place is for not be started yet.
  if (place.ageMs < START_PATIENCE_MS && (!owner?.closeTime || owner.closeTime.getTime() < place.takenAtMs))
    return undefined;
  const next = await releaseLock(pool, place.entity, place.workflowId);
  return next === undefined ? undefined : tellLock(next);
}

function failed(errorType: string, error: string): ReportEnd & { readonly status: 'failed' } {
  return { status: 'failed', errorType, error };
}
