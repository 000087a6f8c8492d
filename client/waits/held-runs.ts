/**
 * What holds a whole run, in words: a cancellation that is not through yet, an account that must be connected again, an operator.
 * Called by `client/sync/sync-handle.ts`.
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
