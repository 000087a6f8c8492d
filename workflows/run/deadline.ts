/**
 * When a run is to be ended before it is done: its deadline has passed, or nothing has moved for too long. Both are off
 * unless the start asked for them. Next: `activities/run/end-early.ts`.
 */
import { sleep } from '@temporalio/workflow';
import { duration } from '../../contracts/values/duration.ts';
import type { SyncInput } from '../../contracts/messages.ts';
import { step } from '../activity-proxies.ts';

/** A run without progress is noticed late by at most this share of its patience. */
const CHECKS = 4;

/**
 * Both watches of a run. Without a wait a run always moves, so its progress is watched from the first one on: a short run costs no timer.
 * @param onLate is told the reason, in words, once; never when neither is asked for.
 * @returns call it before the first wait.
 */
export function watchTime(
  { deadline, giveUpAfterMs }: SyncInput,
  runId: string,
  onLate: (reason: string) => void,
  fail: (error: unknown) => void,
): () => void {
  if (deadline !== undefined)
    sleep(Math.max(1, Date.parse(deadline) - Date.now())).then(
      () => onLate(`the deadline of the run, ${deadline}, has passed`),
      fail,
    );
  return () => {
    if (giveUpAfterMs !== undefined) watchProgress(giveUpAfterMs, runId, onLate, fail);
  };
}

function watchProgress(
  giveUpAfterMs: number,
  runId: string,
  onLate: (reason: string) => void,
  fail: (error: unknown) => void,
): void {
  let mark: number | null = null;
  let still = 0;
  const look = (): void => {
    sleep(Math.ceil(giveUpAfterMs / CHECKS)).then(
      () => step((steps) => steps.progressMark({ runId }), onMark, fail),
      fail,
    );
  };
  const onMark = (now: number | null): void => {
    still = now !== null && now === mark ? still + 1 : 0;
    mark = now;
    if (still < CHECKS) look();
    else onLate(`the run made no progress for ${duration(giveUpAfterMs)}`);
  };
  look();
}
