/**
 * The next call of an action: exactly one, either the write or the look-up of a write whose fate is unknown. That it is
 * about to be sent is committed before it goes out. So a worker that dies in between leaves a write that is looked up
 * and not one that is repeated. Next: `action-call.ts`, then `settle-write.ts` or `look-up.ts`.
 */
import type { ActionFact, PerformActionInput } from '../../contracts/action.ts';
import { newChange } from '../../db/new-change.ts';
import { beginSending, markForgotten, markRefused, markUnknown } from '../../db/stores/action/action-sendings.ts';
import { loadActionStep, type ActionStep } from '../../db/stores/action/action-store.ts';
import { isInfrastructure } from '../call/infrastructure.ts';
import { inPlace, NO_PLACE } from '../call/call-places.ts';
import { actionFailed, FULL, noRoom, waitingFor } from '../call/to-failure.ts';
import type { SendGate, Sent } from '../call/with-permit.ts';
import type { ActivityDeps } from '../deps.ts';
import { makeActionCall, type ActionAnswer } from './action-call.ts';
import {
  budget,
  cancelled,
  fail,
  failUnsent,
  isUnwanted,
  LOST,
  NO_COUNTS,
  notSent,
  repeatWithinMs,
  type Attempt,
} from './attempt.ts';
import { lookUp } from './look-up.ts';
import { recorded, type Life } from './recorded.ts';
import { cannotTell, settleWrite } from './settle-write.ts';

/**
 * @returns `done`, with the output stored; or `again` when the write has to be sent after a look-up.
 * @throws ApplicationFailure `Waiting` (benign) while its turn has not come, `ThirdPartyFailed` while it may still
 *   succeed. Both have the delay to the next attempt. Else, not retried, one of `ActionErrorType`.
 */
export async function performAction(
  deps: ActivityDeps,
  request: PerformActionInput,
  life: Life = {},
): Promise<ActionFact> {
  const step = await load(deps, request, life);
  if (!step) throw actionFailed('bug', `Nothing is known of action ${request.workflowId}.`);
  // Of one that was not sent nothing need be known: a worker that lacks it can end it.
  if (step.state === 'ready' && isUnwanted({ step, request })) return cancelled({ deps, step, life });
  const action = deps.actionNamed(`${step.provider}/${step.action}`);
  const attempt: Attempt = { deps, request, action, step, life };
  switch (step.state) {
    case 'done':
      return { state: 'done' };
    case 'failed':
    case 'cancelled':
      throw actionFailed(step.errorType ?? 'bug', step.error ?? 'it has failed before');
    case 'ready':
      if (deps.isFull?.()) throw noRoom(FULL);
      // Counted, and then the worker ended before it could end the action.
      if (step.attempts >= budget(attempt))
        return fail(attempt, 'attempts-spent', `it did not succeed (${step.attempts} attempts)`);
      return writeInPlace(attempt);
    case 'sending': {
      // Whoever sent it did not live to say how it went.
      const { attempts } = await markUnknown(deps.pool, step.workflowId, step.sending, { calls: 1, attempts: 1 }, LOST);
      return resolveUnknown({ ...attempt, step: { ...step, state: 'unknown', attempts, error: LOST } });
    }
    case 'unknown':
      return resolveUnknown(attempt);
  }
}

async function writeInPlace(attempt: Attempt): Promise<ActionFact> {
  const fact = await inPlace(attempt.deps, attempt.request.priority, () => write(attempt));
  if (!fact) throw noRoom(NO_PLACE);
  return fact;
}

/** As it stands in the database, or as an earlier attempt has told when the database knows less. */
async function load(deps: ActivityDeps, request: PerformActionInput, life: Life): Promise<ActionStep | undefined> {
  const { workflowId } = request;
  const step = await loadActionStep(deps.pool, workflowId);
  const { lastSending = 0 } = life;
  if (!step || step.sending >= lastSending) return step;
  await markForgotten(deps.pool, workflowId, lastSending, 'it was sent, and the database has lost what became of it');
  return loadActionStep(deps.pool, workflowId);
}

/** Looked up where that is possible, repeated where that does no harm, else for a person to decide. */
async function resolveUnknown(attempt: Attempt): Promise<ActionFact> {
  const { action, step } = attempt;
  const reason = step.error ?? LOST;
  if (step.undoes === null && action.way.whenUnknown) {
    const waitMs = action.lookupAfterMs - (step.sinceSentMs ?? 0);
    if (waitMs > 0) throw waitingFor(`its fate is unknown (${reason}); it is looked up`, waitMs);
    return lookUp(attempt, reason);
  }
  if (step.attempts >= budget(attempt)) return fail(attempt, 'unknown-write', `${reason} (${step.attempts} attempts)`);
  const withinMs = repeatWithinMs(attempt);
  if ((step.unsettledMs ?? 0) < withinMs) return write(attempt);
  const tooLate = withinMs > 0 ? `; the third party knows its key for ${withinMs} ms only, which are over` : '';
  return fail(attempt, 'unknown-write', cannotTell(`${reason}${tooLate}`));
}

async function write(attempt: Attempt): Promise<ActionFact> {
  const { deps, step, request, action, life } = attempt;
  let sending = step.sending;
  const change = newChange();
  const undone = step.undoes === null ? undefined : await loadActionStep(deps.pool, step.undoes);
  const gate: SendGate = {
    open: async () => {
      // A database that has taken it, and could not say so, would leave a write of unknown fate that was never sent.
      const begun = await recorded(life, () => beginSending(deps.pool, step, repeatWithinMs(attempt), change));
      if (begun === undefined) return false;
      sending = begun;
      life.tellSending?.(begun);
      return true;
    },
    close: async () => {
      await recorded(life, () => markRefused(deps.pool, step.workflowId, sending, NO_COUNTS));
    },
  };
  let sent: Sent<ActionAnswer>;
  try {
    sent = await makeActionCall(deps, {
      action,
      step,
      request,
      kind: step.undoes === null ? 'write' : 'undo',
      gate,
      ...(undone ? { undone: { input: undone.input, output: undone.output } } : {}),
      ...(life.signal ? { signal: life.signal } : {}),
    });
  } catch (error) {
    if (sending === step.sending) return failUnsent(attempt, error);
    if (isInfrastructure(error)) throw error;
    // Ours, and after the gate: it may have gone out.
    return settleWrite(attempt, { outcome: { kind: 'unknown-write', reason: String(error) } }, sending, 1);
  }
  if (!sent.sent) return notSent(attempt, sent);
  return settleWrite(attempt, sent.value, sending, sent.isProbe ? 0 : 1);
}
