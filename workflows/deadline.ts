/**
 * When a run is to be ended before it is done: its deadline has passed, or nothing has moved for too long. Both are off
 * unless the start asked for them. Next stop: `activities/sync/end-early.ts`.
 */
import { sleep } from '@temporalio/workflow';
import { duration } from '../contracts/duration.ts';
import type { SyncInput } from '../contracts/messages.ts';
import { runStep } from './activity-proxies.ts';

/** A run without progress is noticed late by at most this share of its patience. */
const CHECKS = 4;

/** Resolves with the reason, in words; never when neither is asked for. @throws CancelledFailure with the run. */
export async function reasonToEnd({ deadline, giveUpAfterMs }: SyncInput, runId: string): Promise<string> {
  const ways: Promise<string>[] = [];
  if (deadline !== undefined) ways.push(untilDeadline(deadline));
  if (giveUpAfterMs !== undefined) ways.push(untilStalled(giveUpAfterMs, runId));
  return Promise.race(ways);
}

async function untilDeadline(deadline: string): Promise<string> {
  await sleep(Math.max(1, Date.parse(deadline) - Date.now()));
  return `the deadline of the run, ${deadline}, has passed`;
}

async function untilStalled(giveUpAfterMs: number, runId: string): Promise<string> {
  let mark: number | null = null;
  let still = 0;
  while (still < CHECKS) {
    await sleep(Math.ceil(giveUpAfterMs / CHECKS));
    const now = await runStep((steps) => steps.progressMark({ runId }));
    still = now !== null && now === mark ? still + 1 : 0;
    mark = now;
  }
  return `the run made no progress for ${duration(giveUpAfterMs)}`;
}
