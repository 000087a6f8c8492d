/**
 * Cancels a job that nobody wants any more, once at most. That it is left stands in the unit's row before the first
 * byte is sent. What is known not to have arrived is sent again later. Used by: `prepare-job.ts`, `leave-abandoned.ts`.
 * Next: `job-call.ts`.
 */
import type { UnitJob } from '../../contracts/job.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { moveJob } from '../../db/stores/sync/abandoned-job-store.ts';
import type { Job } from '../../providers/define/compile/compile-job.ts';
import type { Attempt } from '../sync/attempt.ts';
import { callOfJob } from './job-call.ts';

export type Left =
  | { readonly state: 'left'; readonly job: UnitJob; readonly said: string }
  /** Nothing of it has arrived, or it is not to be left any more. */
  | { readonly state: 'later'; readonly afterMs: number };

type Made = Extract<UnitJob, { state: 'made' }>;

const LATER_MS = 60_000;

/** @throws UserCodeError with what `job.cancel` throws. */
export async function leaveJob(attempt: Attempt, job: Job, was: Made, signal: AbortSignal | undefined): Promise<Left> {
  const { deps, request, input, of } = attempt;
  const { n, key, id, at } = was;
  const leaving = { state: 'left', n, key, id, at } as const;
  const move = (from: UnitJob, to: UnitJob): Promise<boolean> => moveJob(deps.pool, request.unit, from, to);
  const call = await callOfJob(attempt, {
    kind: 'cancel',
    job,
    spec: () => (job.cancel as NonNullable<Job['cancel']>)(id, input, of),
    gate: { open: () => move(was, leaving), close: async () => void (await move(leaving, was)) },
    signal,
  });
  if (!call.sent) {
    // Until somebody connects the account again, each minute is often enough.
    if (call.mistake === undefined)
      return { state: 'later', afterMs: call.needsReconnect ? LATER_MS : Math.max(call.retryAfterMs, 1_000) };
    const left = { ...leaving, said: call.mistake };
    await move(was, left);
    return { state: 'left', job: left, said: call.mistake };
  }
  const { outcome, answer } = call.value;
  if (isRefused(outcome) || answer.error?.isUnsent === true) {
    await move(leaving, was);
    return { state: 'later', afterMs: (outcome.kind === 'limited' ? outcome.afterMs : undefined) ?? LATER_MS };
  }
  const said = outcome.kind === 'ok' ? 'cancelled' : outcome.reason;
  const left = { ...leaving, said };
  await move(leaving, left);
  return { state: 'left', job: left, said };
}

/** It was not looked at: a limit, or credentials that are renewed. */
function isRefused({ kind }: Outcome): boolean {
  return kind === 'limited' || kind === 'refresh-auth';
}
