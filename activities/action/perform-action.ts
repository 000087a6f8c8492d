/**
 * The next call of an action: exactly one, either the write or the look-up of a write whose fate is unknown. That it is
 * about to be sent is committed before it goes out, so a worker that dies in between leaves a write that is looked up and
 * not one that is repeated. Next stop: `action-call.ts`, then `db/stores/action/action-store.ts`.
 */
import type { ActionErrorType, ActionFact, PerformActionInput } from '../../contracts/action.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import {
  beginSending,
  countActionCall,
  loadActionStep,
  markDone,
  markFailed,
  markReady,
  markUnknown,
  type ActionStep,
} from '../../db/stores/action/action-store.ts';
import type { ActionDefinition } from '../../providers/define/define-action.ts';
import { makeActionCall, type ActionAnswer } from './action-call.ts';
import type { ActivityDeps } from '../deps.ts';
import { backoffMs } from '../call/backoff.ts';
import { actionFailed, retryLater, waitingFor } from '../call/to-failure.ts';
import type { Renewed } from '../call/make-call.ts';
import type { Sent } from '../call/with-permit.ts';

/** Everything that one attempt works with. */
interface Attempt {
  readonly deps: ActivityDeps;
  readonly request: PerformActionInput;
  readonly action: ActionDefinition;
  readonly step: ActionStep;
  readonly signal: AbortSignal | undefined;
}

/** A compensation is tried for hours: what it takes back is out there. */
const UNDO_ATTEMPTS = 50;

/**
 * @returns `done`, with the output stored; or `again` when the write has to be sent after a look-up.
 * @throws ApplicationFailure `Waiting` (benign) while its turn has not come, `ThirdPartyFailed` while it may still
 *   succeed, both with the delay to the next attempt; else, not retried, one of `ActionErrorType`.
 */
export async function performAction(
  deps: ActivityDeps,
  request: PerformActionInput,
  signal?: AbortSignal,
): Promise<ActionFact> {
  const step = await loadActionStep(deps.pool, request.workflowId);
  if (!step) throw actionFailed('bug', `Nothing is known of action ${request.workflowId}.`);
  const action = deps.actionNamed(`${step.provider}/${step.action}`);
  const attempt: Attempt = { deps, request, action, step, signal };
  switch (step.state) {
    case 'done':
      return { state: 'done' };
    case 'failed':
    case 'cancelled':
      throw actionFailed(step.errorType ?? 'bug', step.error ?? 'it has failed before');
    case 'ready':
      return request.settleOnly || step.isUnwanted ? cancelled(attempt) : write(attempt, false);
    case 'sending':
      // Whoever sent it did not live to say how it went.
      await markUnknown(deps.pool, step.workflowId, step.sending, { calls: 1, attempts: 0 }, LOST);
      return resolveUnknown(attempt, LOST);
    case 'unknown':
      return resolveUnknown(attempt, step.error ?? LOST);
  }
}

const LOST = 'the worker ended while it was being sent';

/** Looked up where that is possible, repeated where that does no harm, else for a person to decide. */
async function resolveUnknown(attempt: Attempt, reason: string): Promise<ActionFact> {
  const { action, step, request } = attempt;
  if (step.undoes !== null) return write(attempt, true);
  if (action.way.whenUnknown) {
    const waitMs = action.lookupAfterMs - (step.sinceSentMs ?? 0);
    if (waitMs > 0) throw waitingFor(`its fate is unknown (${reason}); it is looked up`, waitMs);
    return lookUp(attempt, reason);
  }
  if (action.idempotent && !request.settleOnly) return write(attempt, true);
  return fail(attempt, 'unknown-write', `${reason}; whether it happened is not known, and it can't be looked up`);
}

async function write(attempt: Attempt, repeats: boolean): Promise<ActionFact> {
  const { deps, step, request, action, signal } = attempt;
  let sending = step.sending;
  const undone = step.undoes === null ? undefined : await loadActionStep(deps.pool, step.undoes);
  const gate = {
    open: async () => {
      const begun = await beginSending(deps.pool, step, repeats);
      sending = begun ?? sending;
      return begun !== undefined;
    },
    close: async () => {
      const none = { calls: 0, attempts: 0 };
      // One that is repeated stays unknown: nothing was sent now, but something was before.
      if (repeats) await markUnknown(deps.pool, step.workflowId, sending, none, step.error ?? LOST);
      else await markReady(deps.pool, step.workflowId, sending, none);
    },
  };
  let sent: Sent<ActionAnswer>;
  try {
    const kind = step.undoes === null ? 'write' : 'undo';
    const ofUndone = undone ? { undone: { input: undone.input, output: undone.output } } : {};
    const ofSignal = signal ? { signal } : {};
    sent = await makeActionCall(deps, { action, step, request, kind, gate, ...ofUndone, ...ofSignal });
  } catch (error) {
    // The action's own function or its schema: mended in code, then asked for again with the same key.
    if (sending === step.sending && !repeats && isProgrammersError(error))
      return fail(attempt, 'bug', `${error.name}: ${error.message}`, error);
    throw error;
  }
  if (!sent.sent) return notSent(attempt, sent);
  return settleWrite(attempt, sent.value, sending, sent.isProbe ? 0 : 1);
}

/**
 * What the outcome means for a write. The union is closed: a new outcome does not compile until it is handled here.
 * @param costs attempts that a failure costs: none while the provider is taken for failing.
 */
async function settleWrite(attempt: Attempt, answer: ActionAnswer, sending: number, costs: 0 | 1): Promise<ActionFact> {
  const { deps, step } = attempt;
  const { outcome } = answer;
  const counted = { calls: 1, attempts: costs };
  switch (outcome.kind) {
    case 'ok':
      await markDone(deps.pool, step.workflowId, 'output' in answer ? answer.output : null, 1);
      return { state: 'done' };
    case 'limited':
      await markReady(deps.pool, step.workflowId, sending, { calls: 1, attempts: 0 });
      throw waitingFor(outcome.reason, outcome.afterMs ?? 1_000);
    case 'retry': {
      const attempts = await markReady(deps.pool, step.workflowId, sending, counted, outcome.reason);
      return tryAgain(attempt, attempts, outcome.reason, outcome.afterMs);
    }
    case 'refresh-auth': {
      const renewed = 'renewed' in answer ? answer.renewed : undefined;
      const refused = { ...counted, attempts: refusalCosts(renewed, costs), isRefusal: true };
      const attempts = await markReady(deps.pool, step.workflowId, sending, refused);
      if (renewed?.state === 'needs-reconnect') return fail(attempt, 'auth', renewed.reason);
      // What went wrong before is not hidden by a refusal at the end.
      const before = step.error === null ? '' : `; before that: ${step.error}`;
      return tryAgain(attempt, attempts, `${outcome.reason}${before}`, pauseAfter(renewed));
    }
    case 'flawed':
    case 'unknown-write': {
      const attempts = await markUnknown(deps.pool, step.workflowId, sending, counted, outcome.reason);
      if (attempts >= budget(attempt))
        return fail(attempt, 'unknown-write', `${outcome.reason} (${attempts} attempts)`);
      if (attempt.action.way.whenUnknown && step.undoes === null)
        throw waitingFor(`its fate is unknown (${outcome.reason}); it is looked up`, attempt.action.lookupAfterMs);
      if (attempt.action.idempotent || step.undoes !== null) throw retryLater(outcome.reason, backoffMs(attempts));
      return resolveUnknown(attempt, outcome.reason);
    }
    case 'permanent':
    case 'skip':
    case 'end-of-data':
    case 'shrink-page': {
      await markReady(deps.pool, step.workflowId, sending, counted);
      const type = errorTypeOf(outcome);
      // Taking back what is not there any more is done.
      if (step.undoes !== null && type === 'gone') {
        await markDone(deps.pool, step.workflowId, null, 0);
        return { state: 'done' };
      }
      return fail(attempt, type, outcome.reason);
    }
  }
}

/** Asks the third party whether the write is there. */
async function lookUp(attempt: Attempt, lost: string): Promise<ActionFact> {
  const { deps, step, request, action, signal } = attempt;
  const sent = await makeActionCall(deps, {
    action,
    step,
    request,
    kind: 'lookup',
    ...(signal ? { signal } : {}),
  });
  if (!sent.sent) return notSent(attempt, sent);
  const answer = sent.value;
  const { outcome } = answer;
  switch (outcome.kind) {
    case 'ok':
      await markDone(deps.pool, step.workflowId, 'output' in answer ? answer.output : null, 1);
      return { state: 'done' };
    case 'limited':
      await countActionCall(deps.pool, step.workflowId, 0);
      throw waitingFor(outcome.reason, outcome.afterMs ?? 1_000);
    case 'skip':
    case 'end-of-data':
    case 'permanent':
      if (errorTypeOf(outcome) === 'gone') {
        await markReady(deps.pool, step.workflowId, step.sending, { calls: 1, attempts: 0 });
        return request.settleOnly ? cancelled(attempt) : { state: 'again' };
      }
      await countActionCall(deps.pool, step.workflowId, 1);
      return fail(attempt, 'unknown-write', `${lost}; the look-up settled nothing: ${outcome.reason}`);
    case 'retry':
    case 'flawed':
    case 'shrink-page':
    case 'unknown-write':
    case 'refresh-auth': {
      const isRefusal = outcome.kind === 'refresh-auth';
      const renewed = 'renewed' in answer ? answer.renewed : undefined;
      const costs = sent.isProbe ? 0 : isRefusal ? refusalCosts(renewed, 1) : 1;
      const attempts = await countActionCall(deps.pool, step.workflowId, costs, isRefusal);
      const reason = `the look-up failed: ${outcome.reason}`;
      if (attempts >= budget(attempt))
        return fail(attempt, 'unknown-write', `${lost}; ${reason} (${attempts} attempts)`);
      throw retryLater(reason, pauseAfter(renewed) ?? backoffMs(attempts));
    }
  }
}

/** A wait for new credentials costs nothing; that new ones are refused does. */
function refusalCosts(renewed: Renewed | undefined, costs: 0 | 1): 0 | 1 {
  return renewed?.state === 'busy' && !renewed.wasNew ? 0 : costs;
}

/** Milliseconds until the call may be made with new credentials; undefined when there are none to wait for. */
function pauseAfter(renewed: Renewed | undefined): number | undefined {
  if (renewed?.state === 'ready') return 0;
  return renewed?.state === 'busy' ? renewed.retryAfterMs : undefined;
}

async function notSent(attempt: Attempt, sent: Extract<Sent<unknown>, { sent: false }>): Promise<never> {
  if (sent.mistake !== undefined) {
    const isReady = attempt.step.state === 'ready';
    return fail(
      attempt,
      isReady ? 'config' : 'unknown-write',
      isReady ? sent.mistake : `it can't be looked up: ${sent.mistake}`,
    );
  }
  if (!sent.needsReconnect) throw waitingFor(sent.because, sent.retryAfterMs);
  const type = attempt.step.state === 'ready' ? 'auth' : 'unknown-write';
  return fail(attempt, type, `the account must be connected again: ${sent.because}`);
}

function tryAgain(attempt: Attempt, attempts: number, reason: string, afterMs: number | undefined): Promise<never> {
  if (attempts >= budget(attempt)) return fail(attempt, 'attempts-spent', `${reason} (${attempts} attempts)`);
  throw retryLater(reason, afterMs ?? backoffMs(attempts));
}

async function fail(attempt: Attempt, type: ActionErrorType, error: string, cause?: Error): Promise<never> {
  return end(attempt, 'failed', type, error, cause);
}

function cancelled(attempt: Attempt): Promise<never> {
  const why = attempt.step.isUnwanted ? 'a later operation on the same entity has cancelled it' : 'it was cancelled';
  return end(attempt, 'cancelled', 'cancelled', `${why} before it was sent`);
}

async function end(
  { deps, step }: Attempt,
  state: 'failed' | 'cancelled',
  type: ActionErrorType,
  error: string,
  cause?: Error,
): Promise<never> {
  await markFailed(deps.pool, step.workflowId, { state, type, error });
  await deps.limiter.abandon(`action/${step.workflowId}`).catch(() => {
    // Its place in the queues ends by itself when it is not asked for any more.
  });
  throw actionFailed(type, error, cause);
}

function budget({ action, step }: Attempt): number {
  return step.undoes === null ? action.maxAttempts : Math.max(UNDO_ATTEMPTS, action.maxAttempts);
}

function errorTypeOf(outcome: Outcome): ActionErrorType {
  if (outcome.kind === 'permanent') return outcome.cause;
  return outcome.kind === 'shrink-page' ? 'bug' : 'gone';
}

/** Not of the database or the limiter: those have other names, and are tried again. */
function isProgrammersError(error: unknown): error is Error {
  return error instanceof Error && ['TypeError', 'RangeError', 'ReferenceError', 'ZodError'].includes(error.name);
}
