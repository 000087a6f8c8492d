/**
 * Turns "not now" into the failures that Temporal's retry policy acts on. The retry is the waiting: it holds no slot, no
 * connection and adds nothing to history.
 */
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { ActionErrorType } from '../../contracts/action.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { redact } from '../../contracts/secrets/redact.ts';

/** A delay of 0 would fail the activity for good instead of retrying it. */
const MIN_DELAY_MS = 100;
/** In characters: enough for a sentence and a stack. */
const LONGEST_TEXT = 8_000;

/** No call is made: until another worker takes it, or there is room. */
export const FULL = { reason: 'the memory of the worker that took it is nearly full', delayMs: 2_000 };

/** Nothing went wrong, the call's turn has not come: not logged as an error, not counted as a failure. */
export function waitingFor(reason: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Waiting',
    message: clean(reason),
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: Math.max(MIN_DELAY_MS, Math.round(delayMs)),
  });
}

/** The worker that took it makes no call now, which nobody but Temporal knows: `client/waits/failing-activities.ts` reads it there. */
export function noRoom({ reason, delayMs }: { readonly reason: string; readonly delayMs: number }): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'NoRoom',
    message: reason,
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: delayMs,
  });
}

/** The third party failed in a way that may pass. */
export function retryLater(reason: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'ThirdPartyFailed',
    message: clean(reason),
    nextRetryDelay: Math.max(MIN_DELAY_MS, Math.round(delayMs)),
  });
}

/** An action has failed for good; the type says why and who must act. `cause` keeps where in the code it was. */
export function actionFailed(type: ActionErrorType, message: string, cause?: Error): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message: clean(message),
    nonRetryable: true,
    ...(cause ? { cause: withoutSecrets(cause) } : {}),
  });
}

/** Failures are kept in histories and shown in the Web UI, their causes and stacks too. */
function withoutSecrets(error: Error): Error {
  const copy = new Error(clean(error.message));
  copy.name = error.name;
  copy.stack = clean(error.stack ?? '');
  return copy;
}

function clean(text: string): string {
  return cleanText(redact(text), LONGEST_TEXT);
}
