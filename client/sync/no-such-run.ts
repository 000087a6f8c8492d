/**
 * What is said when there is no run to act on: it has ended, or Temporal knows none. Used by: `sync-handle.ts`, `handle/control-run.ts`, `queued-handle.ts`.
 */
import { isNotFound } from '../describe-workflow.ts';

export function isOver(workflowId: string, what: 'pause' | 'resume'): Error {
  return new Error(`The run of "${workflowId}" is over: there is nothing to ${what}. \`start\` begins another one.`);
}

export function neverStarted(workflowId: string): Error {
  return new Error(`No run of "${workflowId}" is known: it was never started, or its history at Temporal is deleted.`);
}

/** For `catch`: it was open when it was looked at. */
export function endedMeanwhile(workflowId: string, what: 'pause' | 'resume'): (error: unknown) => never {
  return (error) => {
    throw isNotFound(error) ? isOver(workflowId, what) : error;
  };
}

/** For `catch`: what Temporal does not know has no result there. */
export function noResult(workflowId: string): (error: unknown) => never {
  return (error) => {
    if (!isNotFound(error)) throw error;
    throw new Error(`${neverStarted(workflowId).message} \`progress()\` says what is stored of it.`, { cause: error });
  };
}
