/**
 * Notices runs that can't continue by themselves, for `onFailure`: their account must be connected again, or nothing has moved for too
 * long. Any worker does it, whichever task queue it serves. Next: `db/stores/report/report-notices.ts`, `notify-failures.ts`.
 */
import type { Log } from '../../activities/index.ts';
import { toWait } from '../../client/waits/run-waits.ts';
import { duration } from '../../contracts/values/duration.ts';
import {
  noteProgress,
  noteReconnects,
  noteStalled,
  readWaits,
  stalledRuns,
  type Pool,
  type StalledRun,
} from '../../db/index.ts';
import { every } from './interval.ts';

const RECONNECT_INTERVAL_MS = 5_000;
/** One that stands still is noticed late by at most this share of the time. */
const LOOKS = 10;
const ROOM = 50;

/** Long enough for what continues by itself: a limit's window, a short outage. */
export const STALLED_AFTER_MS = 3_600_000;

/** @returns a function that ends it. */
export function startWatchingRuns(pool: Pool, log: Log, stalledAfterMs = STALLED_AFTER_MS): () => Promise<void> {
  const stopReconnects = every(RECONNECT_INTERVAL_MS, 'looking for runs that wait for their account', log, async () => {
    await noteReconnects(pool);
    return false;
  });
  const intervalMs = Math.ceil(stalledAfterMs / LOOKS);
  const stopProgress = every(intervalMs, 'looking for runs that stand still', log, async () => {
    await noteProgress(pool);
    const stalled = await stalledRuns(pool, stalledAfterMs, ROOM);
    for (const run of stalled) await noteStalled(pool, run, await whyStalled(pool, run));
    return stalled.length === ROOM;
  });
  return async () => {
    await Promise.all([stopReconnects(), stopProgress()]);
  };
}

async function whyStalled(pool: Pool, { workflowId, runId, stillMs }: StalledRun): Promise<string> {
  const still = `nothing has moved for ${duration(stillMs)}`;
  if (runId === null) return `${still}: no worker has taken it up; \`npx sluice status ${workflowId}\` may know why`;
  const waits = (await readWaits(pool, runId)).map((row) => toWait(row).text);
  return waits.length > 0
    ? `${still}: ${waits.join('; ')}`
    : `${still}; \`npx sluice status ${workflowId}\` may know why`;
}
