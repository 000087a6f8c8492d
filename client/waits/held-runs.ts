/**
 * What holds a whole run, in words: a cancellation that is not through yet, an account that must be connected again, an operator.
 * Called by `client/sync/handle/read-run.ts`.
 */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { RunProgress, RunWait } from '../../contracts/run.ts';

/**
 * @param description of the workflow that is open.
 * @param run what is known of it in the database; undefined before it was opened.
 */
export function heldBy(
  { raw }: Pick<WorkflowExecutionDescription, 'raw'>,
  run: Pick<RunProgress, 'account' | 'state' | 'pausedBy' | 'pausedReason'> | undefined,
): RunWait[] {
  if (raw.workflowExtendedInfo?.cancelRequested)
    return [
      { kind: 'cancel', calls: 0, text: 'it is being cancelled: no call is begun, and those on their way end first' },
    ];
  if (run?.state !== 'paused') return [];
  const because = run.pausedReason === undefined ? '' : ` (${run.pausedReason})`;
  if (run.pausedBy === 'auth')
    return [
      {
        kind: 'account',
        calls: 0,
        text: `the account "${run.account}" must be connected again${because}; the run goes on by itself then`,
      },
    ];
  return [
    { kind: 'operator', calls: 0, text: `it is paused${because}; \`resume()\` or \`sluice resume\` lets it go on` },
  ];
}

const ENDS: Readonly<Record<string, string>> = { TERMINATED: 'was terminated', TIMED_OUT: 'has timed out' };

/** A workflow that was ended from outside can't write that down: until a worker does, the database says that the run goes on. */
export function endedOutside(
  { status }: Pick<WorkflowExecutionDescription, 'status'>,
  run: Pick<RunProgress, 'state'>,
): RunWait[] {
  const how = ENDS[status.name];
  if (how === undefined || (run.state !== 'running' && run.state !== 'paused')) return [];
  const text = `its workflow ${how} in Temporal: it makes no more calls, and a worker writes its end down within half a minute`;
  return [{ kind: 'run', calls: 0, text }];
}
