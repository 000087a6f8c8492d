/**
 * How a run ended, in the words of its report. It has type and message of what happened at the bottom, and the stacks
 * on the way there. Used by `reported.ts` inside workflows and by `workers/loops/reconcile.ts` on what Temporal says of
 * closed ones.
 */
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import type { ReportEnd } from '../contracts/report.ts';

/** The report of a workflow that failed. */
export function endOfFailure(error: unknown): ReportEnd {
  const chain = causes(error);
  const last = chain.at(-1);
  // The error that says most: the innermost one with a type of its own, not what it was caused by.
  const typed = chain.find((each) => each instanceof ApplicationFailure && Boolean(each.type)) ?? last;
  // It was asked for, and is no failure.
  if (typeOf(typed) === 'cancelled') return { status: 'cancelled', error: messageOf(typed) };
  const traceback = chain
    .map((each) => each.stack)
    .filter((stack): stack is string => typeof stack === 'string' && stack !== '')
    .toReversed()
    .join('\ncaused:\n');
  return {
    status: 'failed',
    error: messageOf(typed),
    errorType: typeOf(typed),
    ...(traceback === '' ? {} : { traceback }),
  };
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let current = error; current instanceof Error && chain.length < 20; current = current.cause) chain.push(current);
  return chain;
}

function typeOf(error: Error | undefined): string {
  if (error instanceof CancelledFailure) return 'cancelled';
  if (error instanceof TerminatedFailure) return 'terminated';
  if (error instanceof TimeoutFailure) return 'timed-out';
  if (error instanceof ApplicationFailure) return error.type ?? 'error';
  return error?.name ?? 'error';
}

function messageOf(error: Error | undefined): string {
  if (error instanceof CancelledFailure) return 'it was cancelled';
  if (error instanceof TerminatedFailure) return `its workflow was terminated: ${error.message}`;
  if (error instanceof TimeoutFailure) return `it was not done in time: ${error.message}`;
  return error?.message ?? 'it failed, and nothing says why';
}
