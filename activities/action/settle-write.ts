/**
 * What an outcome means for a write, written down. The union of outcomes is closed: a new one does not compile until it is handled
 * here. Next: `recorded.ts`, then `db/stores/action/action-sendings.ts`, and `db/stores/action/action-store.ts` for how it ends.
 */
import type { ActionFact } from '../../contracts/action.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { markRefused, markUnknown } from '../../db/stores/action/action-sendings.ts';
import type { Counts } from '../../db/stores/action/action-store.ts';
import { backoffMs } from '../call/backoff.ts';
import { retryLater, waitingFor } from '../call/to-failure.ts';
import type { ActionAnswer } from './action-call.ts';
import { budget, done, errorTypeOf, fail, LOST, repeatWithinMs, tryAgain, type Attempt } from './attempt.ts';
import { pauseAfter, refusalCosts } from './refusal.ts';
import { recorded } from './recorded.ts';

/**
 * @param sending its number.
 * @param costs attempts that a failure costs: none while the provider is taken for failing.
 */
export async function settleWrite(
  begun: Attempt,
  answer: ActionAnswer,
  sending: number,
  costs: 0 | 1,
): Promise<ActionFact> {
  const { outcome } = answer;
  // What it ends takes its own sending into account, and no later one.
  const attempt: Attempt = { ...begun, step: { ...begun.step, sending } };
  const counts: Counts = { calls: 1, attempts: costs };
  switch (outcome.kind) {
    case 'ok':
      return done(attempt, 'output' in answer ? answer.output : null, 1);
    case 'limited':
      await refused(attempt, sending, { calls: 1, attempts: 0 });
      throw waitingFor(outcome.reason, outcome.afterMs ?? 1_000);
    case 'retry': {
      const { state, attempts } = await refused(attempt, sending, counts, outcome.reason);
      if (state === 'unknown') return stillUnknown(attempt, attempts, outcome.reason);
      return tryAgain(attempt, attempts, outcome.reason, outcome.afterMs);
    }
    case 'refresh-auth': {
      const renewed = 'renewed' in answer ? answer.renewed : undefined;
      const ofRefusal: Counts = { calls: 1, attempts: refusalCosts(renewed, costs), isRefusal: true };
      const { state, attempts } = await refused(attempt, sending, ofRefusal);
      if (state === 'unknown') return stillUnknown(attempt, attempts, outcome.reason);
      if (renewed?.state === 'needs-reconnect') return fail(attempt, 'auth', renewed.reason);
      // What went wrong before is not hidden by a refusal at the end.
      const { error } = attempt.step;
      const before = error === null ? '' : `; before that: ${error}`;
      return tryAgain(attempt, attempts, `${outcome.reason}${before}`, pauseAfter(renewed));
    }
    case 'flawed':
    case 'unknown-write': {
      const { step, deps, life } = attempt;
      const mark = () => markUnknown(deps.pool, step.workflowId, sending, counts, outcome.reason);
      const { attempts } = await recorded(life, mark);
      const isSame = 'isAccepted' in answer && answer.isAccepted && step.error === outcome.reason;
      return afterUnknown(attempt, attempts, outcome.reason, isSame);
    }
    case 'permanent':
    case 'skip':
    case 'end-of-data':
    case 'dead-cursor':
    case 'capped':
    case 'shrink-page':
    case 'checkpoint-expired':
      return refusedForGood(attempt, outcome, sending, counts);
  }
}

async function refusedForGood(
  attempt: Attempt,
  outcome: Extract<Outcome, { readonly reason: string }>,
  sending: number,
  counts: Counts,
): Promise<ActionFact> {
  const type = errorTypeOf(outcome);
  // Taking back what is not there any more is done.
  if (attempt.step.undoes !== null && type === 'gone') return done(attempt, null, 1);
  if (attempt.step.state !== 'unknown') return fail(attempt, type, outcome.reason, counts);
  await refused(attempt, sending, counts);
  // Refused before it came to what it repeats, or because that is there: only somebody who looks can tell.
  return fail(attempt, 'unknown-write', `${lostBefore(attempt)}; repeated, it was refused: ${outcome.reason}`);
}

function refused({ deps, step, life }: Attempt, sending: number, counts: Counts, error?: string) {
  return recorded(life, () => markRefused(deps.pool, step.workflowId, sending, counts, error));
}

/** A repeat was refused, or did not arrive; what became of the one before it is as unknown as it was. */
function stillUnknown(attempt: Attempt, attempts: number, reason: string): Promise<ActionFact> {
  if (attempts >= budget(attempt))
    return fail(attempt, 'unknown-write', `${lostBefore(attempt)}; repeated: ${reason} (${attempts} attempts)`);
  throw retryLater(reason, backoffMs(attempts));
}

/** Looked up, repeated or left to a person by the next attempt: see `perform-action.ts`. */
function afterUnknown(attempt: Attempt, attempts: number, reason: string, isSame: boolean): Promise<ActionFact> {
  const { action, step } = attempt;
  if (step.undoes === null && action.way.whenUnknown)
    throw waitingFor(`its fate is unknown (${reason}); it is looked up`, action.lookupAfterMs);
  // Taken, and repeated: it would be answered so once more.
  if (isSame) return fail(attempt, 'unknown-write', `${reason} (the same answer twice)`);
  if (attempts >= budget(attempt)) return fail(attempt, 'unknown-write', `${reason} (${attempts} attempts)`);
  if (repeatWithinMs(attempt) > 0) throw retryLater(reason, backoffMs(attempts));
  return fail(attempt, 'unknown-write', cannotTell(reason));
}

/** What is said of a write that is left to a person. */
export function cannotTell(reason: string): string {
  return `${reason}; whether it happened is not known, and it can't be looked up`;
}

function lostBefore({ step }: Attempt): string {
  return step.error ?? LOST;
}
