/**
 * Turns "not now" into the failures that Temporal's retry policy acts on. The retry is the waiting: it holds no slot, no
 * connection and adds nothing to history.
 */
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { ActionErrorType } from '../../contracts/action.ts';
import { cleanText } from '../../contracts/clean-text.ts';

/** Longer ones would fill histories; what is cut off is in Postgres. In code points. */
const LONGEST_MESSAGE = 2_000;

/** A delay of 0 would fail the activity for good instead of retrying it. */
const MIN_DELAY_MS = 100;

/** Nothing went wrong, the call's turn has not come: not logged as an error, not counted as a failure. */
export function waitingFor(reason: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Waiting',
    message: cleanText(reason, LONGEST_MESSAGE),
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: Math.max(MIN_DELAY_MS, Math.round(delayMs)),
  });
}

/** The third party failed in a way that may pass. */
export function retryLater(reason: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'ThirdPartyFailed',
    message: cleanText(reason, LONGEST_MESSAGE),
    nextRetryDelay: Math.max(MIN_DELAY_MS, Math.round(delayMs)),
  });
}

/** An action has failed for good; the type says why and who must act. `cause` keeps where in the code it was. */
export function actionFailed(type: ActionErrorType, message: string, cause?: Error): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message: cleanText(message, LONGEST_MESSAGE),
    nonRetryable: true,
    ...(cause ? { cause } : {}),
  });
}
