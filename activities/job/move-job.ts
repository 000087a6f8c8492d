/**
 * How a job is moved on in the row of its list, and what the workflow of the list hears. Used by: `prepare-job.ts`.
 */
import { randomUUID } from 'node:crypto';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import type { UnitJob } from '../../contracts/job.ts';
import type { PageFact } from '../../contracts/messages.ts';
import { setJob, type JobMove } from '../../db/stores/sync/job-store.ts';
import type { Job } from '../../providers/define/compile/compile-job.ts';
import { backoffMs } from '../call/backoff.ts';
import type { MadeCall } from '../call/make-call.ts';
import type { Sent } from '../call/with-permit.ts';
import { again, applyDecision, end, notNow } from '../sync/apply-decision.ts';
import type { Attempt } from '../sync/attempt.ts';
import { settle } from '../sync/settle-answer.ts';
import { changeUnit } from '../sync/write-down.ts';

export function isGood({ kind }: Outcome): boolean {
  return kind === 'ok' || kind === 'flawed';
}

export function move(
  attempt: Attempt,
  how: Omit<JobMove, 'why'>,
  why: string | null = null,
): Promise<UnitJob | undefined> {
  const { deps, unit } = attempt;
  return changeUnit(attempt, unit.pages, (fence) => setJob(deps.pool, fence, { ...how, why }));
}

export async function moveAndWait(attempt: Attempt, how: Omit<JobMove, 'why'>, why: string): Promise<PageFact> {
  const stored = await move(attempt, how, why);
  return stored ? notNow(attempt, why, how.delayMs ?? 0) : cameLate(attempt);
}

/** Another attempt has moved the job on, or the run has ended: the next call reads how it stands. */
export function cameLate(attempt: Attempt): PageFact {
  return notNow(attempt, 'another attempt has moved its job on', 0);
}

export function notSent(attempt: Attempt, call: Extract<Sent<MadeCall>, { sent: false }>): Promise<PageFact> {
  const { unit } = attempt;
  if (call.mistake !== undefined) return end(attempt, unit.pages, 'failed', call.mistake, 0);
  if (call.needsReconnect) return applyDecision(attempt, { do: 'pause' }, 0);
  return Promise.resolve().then(() => notNow(attempt, call.because, call.retryAfterMs));
}

/** An answer that brings the job no further, treated as that to any call of a list; but no list ends with it. */
export function decided(
  attempt: Attempt,
  { value, isProbe = false }: Extract<Sent<MadeCall>, { sent: true }>,
): Promise<PageFact> {
  const { kind } = value.outcome;
  if (kind === 'end-of-data')
    return costsAttempt(
      attempt,
      `HTTP ${value.answer.status}, which a rule takes for the end of a list, says nothing of its job`,
    );
  return settle(attempt, value, { isProbe, asksForChanges: false }, true);
}

export function costsAttempt(attempt: Attempt, reason: string): Promise<PageFact> {
  const { unit } = attempt;
  return again(attempt, unit.pages, unit.attempts, { do: 'again', costs: 'attempt', reason }, 1);
}

/** The job has failed, or its results are gone: another one is made, unless that was the last. @param calls not counted yet. */
export async function makeAnew(attempt: Attempt, { maxJobs }: Job, reason: string, calls: 0 | 1): Promise<PageFact> {
  const { unit } = attempt;
  const n = unit.job?.n ?? 1;
  if (n >= maxJobs) {
    const jobs = n === 1 ? 'its job has failed' : `${n} jobs have failed, the last one`;
    return end(attempt, unit.pages, 'failed', `${jobs}: ${reason}`, calls);
  }
  const delayMs = backoffMs(n);
  const now = { state: 'none', n: n + 1, key: randomUUID() } as const;
  return moveAndWait(attempt, { was: unit.job, now, calls, delayMs, begins: true }, `its job is made anew: ${reason}`);
}

/** One that somebody else has made is not made anew. */
export function hasFailed(attempt: Attempt, job: Job, reason: string): Promise<PageFact> {
  if (!job.known) return makeAnew(attempt, job, reason, 1);
  return end(attempt, attempt.unit.pages, 'failed', `its job has failed: ${reason}`, 1);
}
