/**
 * Asks the third party whether a write of unknown fate is there. Next: `action-call.ts`, then `attempt.ts` for how it ends.
 */
import type { ActionFact } from '../../contracts/action.ts';
import { newChange } from '../../db/new-change.ts';
import { countAttempt, markAbsent } from '../../db/stores/action/action-sendings.ts';
import { backoffMs } from '../call/backoff.ts';
import { retryLater, waitingFor } from '../call/to-failure.ts';
import type { Sent } from '../call/with-permit.ts';
import { makeActionCall, type ActionAnswer } from './action-call.ts';
import {
  budget,
  cancelled,
  done,
  errorTypeOf,
  fail,
  failUnsent,
  isUnwanted,
  notSent,
  type Attempt,
} from './attempt.ts';
import { pauseAfter, refusalCosts } from './refusal.ts';
import { recorded } from './recorded.ts';

/** @param lost why its fate is unknown. */
export async function lookUp(attempt: Attempt, lost: string): Promise<ActionFact> {
  const { deps, step, request, action, life } = attempt;
  const ofSignal = life.signal ? { signal: life.signal } : {};
  let sent: Sent<ActionAnswer>;
  try {
    sent = await makeActionCall(deps, { action, step, request, kind: 'lookup', ...ofSignal });
  } catch (error) {
    return failUnsent(attempt, error);
  }
  if (!sent.sent) return notSent(attempt, sent);
  const answer = sent.value;
  const { outcome } = answer;
  const change = newChange();
  const count = (attempts: 0 | 1, isRefusal = false) =>
    recorded(life, () => countAttempt(deps.pool, step.workflowId, { calls: 1, attempts, isRefusal }, change));
  switch (outcome.kind) {
    case 'ok':
      return done(attempt, 'output' in answer ? answer.output : null, 1);
    case 'limited':
      await count(0);
      throw waitingFor(outcome.reason, outcome.afterMs ?? 1_000);
    case 'skip':
    case 'end-of-data':
    case 'dead-cursor':
    case 'capped':
    case 'permanent':
      if (errorTypeOf(outcome) === 'gone') {
        await recorded(life, () => markAbsent(deps.pool, step.workflowId, step.sending, change));
        return isUnwanted(attempt) ? cancelled(attempt) : { state: 'again' };
      }
      return fail(attempt, 'unknown-write', `${lost}; the look-up settled nothing: ${outcome.reason}`, {
        calls: 1,
        attempts: 1,
      });
    case 'retry':
    case 'flawed':
    case 'shrink-page':
    case 'checkpoint-expired':
    case 'unknown-write':
    case 'refresh-auth': {
      const isRefusal = outcome.kind === 'refresh-auth';
      const renewed = 'renewed' in answer ? answer.renewed : undefined;
      const attempts = await count(sent.isProbe ? 0 : isRefusal ? refusalCosts(renewed, 1) : 1, isRefusal);
      const reason = `the look-up failed: ${outcome.reason}`;
      if (attempts >= budget(attempt))
        return fail(attempt, 'unknown-write', `${lost}; ${reason} (${attempts} attempts)`);
      throw retryLater(reason, pauseAfter(renewed) ?? backoffMs(attempts));
    }
  }
}
