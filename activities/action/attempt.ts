/**
 * One attempt at an action: what it works with, and how it ends. Nothing is sent again because its end could not be recorded:
 * what the database refuses for good becomes an end of its own. Used by `perform-action.ts`, `settle-write.ts` and `look-up.ts`.
 */
import type { ActionErrorType, ActionFact, ActionState, PerformActionInput } from '../../contracts/action.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { unwritable } from '../../contracts/answers/unwritable.ts';
import { isDataError } from '../../db/data-error.ts';
import { newChange } from '../../db/new-change.ts';
import { countAttempt } from '../../db/stores/action/action-sendings.ts';
import { markDone, markFailed, type ActionStep, type Counts } from '../../db/stores/action/action-store.ts';
import { reportAsDone } from '../../db/stores/action/action-resolution-store.ts';
import type { ActionDefinition } from '../../providers/define/define-action.ts';
import { backoffMs } from '../call/backoff.ts';
import { isInfrastructure } from '../call/infrastructure.ts';
import { actionFailed, retryLater, waitingFor } from '../call/to-failure.ts';
import type { Sent } from '../call/with-permit.ts';
import type { ActivityDeps } from '../deps.ts';
import { UserCodeError } from '../sync/user-code.ts';
import { recorded, type Life } from './recorded.ts';

export interface Attempt {
  readonly deps: ActivityDeps;
  readonly request: PerformActionInput;
  readonly action: ActionDefinition;
  readonly step: ActionStep;
  readonly life: Life;
}

/** A compensation is tried for hours: what it takes back is out there. */
const UNDO_ATTEMPTS = 50;

/** Why the fate of a write is not known when its worker was lost. */
export const LOST = 'the worker ended while it was being sent';
export const NO_COUNTS: Counts = { calls: 0, attempts: 0 };

/** Real attempts that it may take. */
export function budget({ action, step }: Pick<Attempt, 'action' | 'step'>): number {
  return step.undoes === null ? action.maxAttempts : Math.max(UNDO_ATTEMPTS, action.maxAttempts);
}

/** How long a write of unknown fate may be repeated after it was first sent, in milliseconds. */
export function repeatWithinMs({ action, step, request }: Attempt): number {
  if (step.undoes !== null) return Number.POSITIVE_INFINITY;
  return isUnwanted({ step, request }) ? 0 : action.repeatWithinMs;
}

/** Nothing more is to be sent: only what became of it is to be found out. */
export function isUnwanted({ step, request }: Pick<Attempt, 'step' | 'request'>): boolean {
  return request.settleOnly === true || step.isUnwanted;
}

/**
 * It happened. An output that can't be kept is no reason to send it again, nor to say that it did not happen: a person gives it.
 * @throws ApplicationFailure `output-lost`, not retried.
 */
export async function done(attempt: Attempt, output: unknown, calls: 0 | 1): Promise<ActionFact> {
  const { deps, step, life } = attempt;
  try {
    const wrong = unwritable(output);
    if (wrong !== undefined) throw new TypeError(wrong);
    const before = await recorded(life, () => markDone(deps.pool, step.workflowId, output, calls));
    // Its worker was taken for lost, and it was left to a person meanwhile.
    if (before === 'failed') await recorded(life, () => reportAsDone(deps.pool, step.workflowId));
  } catch (error) {
    if (!isUnstorable(error)) throw error;
    const reason = `it happened, but its output can't be kept: ${(error as Error).message}`;
    return fail(attempt, 'output-lost', reason, { calls, attempts: 0 });
  }
  return { state: 'done' };
}

/** Refused by Postgres, or no JSON: nested too deep, a BigInt, a circle. */
function isUnstorable(error: unknown): boolean {
  return isDataError(error) || error instanceof RangeError || error instanceof TypeError;
}

/** @param counts what the last call cost, when it is not counted yet. */
export function fail(attempt: Attempt, type: ActionErrorType, error: string, counts = NO_COUNTS): Promise<ActionFact> {
  return end(attempt, { state: 'failed', type, error, counts });
}

/** Why an operation with the policy `cancel-previous` ends what came before it. */
export const UNWANTED = 'a later operation on the same entity has cancelled it';

export function cancelled(attempt: Ending): Promise<ActionFact> {
  const { isUnwanted, calls } = attempt.step;
  const why = isUnwanted ? UNWANTED : 'it was cancelled';
  const taken = calls === 1 ? 'its call was not taken' : `none of its ${calls} calls was taken`;
  const error = calls === 0 ? `${why} before it was sent` : `${why}; ${taken}`;
  return end(attempt, { state: 'cancelled', type: 'cancelled', error });
}

/** No call was made. What was sent before it is as unknown as it was. */
export async function notSent(attempt: Attempt, sent: Extract<Sent<unknown>, { sent: false }>): Promise<ActionFact> {
  const isUnknown = attempt.step.state !== 'ready';
  if (sent.mistake !== undefined)
    return isUnknown
      ? fail(attempt, 'unknown-write', `it can't be looked up: ${sent.mistake}`)
      : fail(attempt, 'config', sent.mistake);
  if (!sent.needsReconnect) throw waitingFor(sent.because, sent.retryAfterMs);
  const reason = `the account must be connected again: ${sent.because}`;
  return fail(attempt, isUnknown ? 'unknown-write' : 'auth', reason);
}

/** An error that is not the third party's has kept the call from being made: the action's own function, or what gives it credentials. */
export async function failUnsent(attempt: Attempt, error: unknown): Promise<ActionFact> {
  if (isInfrastructure(error)) throw error;
  const { deps, step, life } = attempt;
  const cause = error instanceof Error ? error : new Error(String(error));
  if (!(cause instanceof UserCodeError)) {
    const change = newChange();
    const count = () => countAttempt(deps.pool, step.workflowId, { calls: 0, attempts: 1 }, change);
    const attempts = await recorded(life, count);
    if (attempts < budget(attempt)) throw retryLater(`${cause.name}: ${cause.message}`, backoffMs(attempts));
  }
  if (step.state === 'ready') return end(attempt, { state: 'failed', type: 'bug', error: cause.message, cause });
  return fail(attempt, 'unknown-write', `${step.error ?? LOST}; then ${cause.message}`);
}

/** It was refused, or never sent, in a way that may pass. */
export function tryAgain(attempt: Attempt, attempts: number, reason: string, afterMs?: number): Promise<ActionFact> {
  if (attempts >= budget(attempt)) return fail(attempt, 'attempts-spent', `${reason} (${attempts} attempts)`);
  throw retryLater(reason, afterMs ?? backoffMs(attempts));
}

export function errorTypeOf(outcome: Outcome): ActionErrorType {
  if (outcome.kind === 'permanent') return outcome.cause;
  const isOfLists = ['shrink-page', 'dead-cursor', 'capped', 'checkpoint-expired'].includes(outcome.kind);
  return isOfLists ? 'bug' : 'gone';
}

/** What it takes to end one. */
type Ending = Pick<Attempt, 'deps' | 'step' | 'life'>;

const isOpen = (state: ActionState): boolean => state === 'ready' || state === 'sending' || state === 'unknown';

interface End {
  readonly state: 'failed' | 'cancelled';
  readonly type: ActionErrorType;
  readonly error: string;
  readonly counts?: Counts;
  /** Keeps where in the code it was. */
  readonly cause?: Error;
}

/** @returns `done` when an attempt that was taken for lost has found that out meanwhile. */
async function end({ deps, step, life }: Ending, how: End): Promise<ActionFact> {
  const { type, error, cause } = how;
  const state = await recorded(life, () => markFailed(deps.pool, step.workflowId, how, step.sending));
  await deps.limiter.abandon(`action/${step.workflowId}`).catch(() => {
    // Its place in the queues ends by itself when it is not asked for any more.
  });
  if (state === 'done') return { state: 'done' };
  // This attempt was taken for lost, and another one is at it.
  if (state !== undefined && isOpen(state)) throw waitingFor('another attempt has it in hand', 500);
  throw actionFailed(type, error, cause);
}
