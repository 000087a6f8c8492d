/**
 * One action: waits for its entity, then makes call after call until its write is known to be there. Input and output stay
 * in Postgres. Next: `entity-lock.ts`, `activity-proxies.ts`, then
 * `activities/action/perform-action.ts`.
 */
import { RetryState } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ActionFact, ActionInput, PerformActionInput } from '../contracts/action.ts';
import { performDurably } from './activity-proxies.ts';
import { giveBack, waitForTurn } from './entity-lock.ts';
import { statusAttribute } from './signals.ts';

/**
 * @returns when the write is done; its output is in Postgres.
 * @throws ApplicationFailure with one of `ActionErrorType`; CancelledFailure when it was cancelled before it was sent.
 */
export async function action(input: ActionInput): Promise<ActionFact> {
  const { workflowId } = workflowInfo();
  const { priority, weight, trace } = input;
  const request: PerformActionInput = { workflowId, priority, weight, ...(trace === undefined ? {} : { trace }) };
  let state = 'failed';
  try {
    try {
      await waitForTurn(input.lock);
      await performUntilDone(input, request);
    } catch (error) {
      if (!isCancellation(error) && !isLastBeforeCancellation(error)) throw error;
      // Something may have been sent: what became of it is found out before this ends. Done is done.
      state = 'cancelled';
      await CancellationScope.nonCancellable(() => settle(input, request, cancellationOf(error)));
    }
    state = 'done';
    return { state: 'done' };
  } finally {
    upsertSearchAttributes([{ key: statusAttribute, value: state }]);
    await giveBack(input.lock);
  }
}

function cancellationOf(error: unknown): unknown {
  return isCancellation(error) ? error : new CancelledFailure('it was cancelled');
}

/** An attempt that would have been followed by another one, had it not been asked to end: Temporal tells its failure then. */
function isLastBeforeCancellation(error: unknown): boolean {
  return error instanceof ActivityFailure && error.retryState === RetryState.CANCEL_REQUESTED;
}

async function performUntilDone(input: ActionInput, request: PerformActionInput): Promise<void> {
  const perform = performDurably(input.callTimeoutMs, `${input.action} of ${input.account}`.slice(0, 180));
  while ((await perform(request)).state !== 'done');
}

async function settle(input: ActionInput, request: PerformActionInput, cancellation: unknown): Promise<void> {
  try {
    await performUntilDone(input, { ...request, settleOnly: true });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && cause.type === 'cancelled') throw cancellation;
    throw error;
  }
}
