/**
 * Pauses, resumes and cancels a run: by its workflow, or where its fleet looks before its next call.
 * Used by: `client/sync/sync-handle.ts`. Next: `workflows/run/pause-switch.ts`, `client/sync/fleet-run.ts`.
 */
import { signalNames } from '../../../contracts/names.ts';
import { askRun, readPauses } from '../../../db/index.ts';
import { chainIdOf, isNotFound, isOpen } from '../../describe-workflow.ts';
import { askInFleet, isInFleet } from '../fleet-run.ts';
import { endedMeanwhile, isOver, neverStarted } from '../no-such-run.ts';
import type { KnownRun } from './known-run.ts';

/** @throws Error when the run is over, or was never started. */
export async function pauseRun(run: KnownRun): Promise<void> {
  const { parts, workflowId } = run;
  const { runId, isOfFleet } = await openRun(run, 'pause');
  // One that its fleet has no more is in a workflow of its own by now.
  if (isOfFleet) return (await askInFleet(parts, runId, 'pause')) ? undefined : pauseRun(run);
  // A workflow that is making calls hears signals some seconds later; every call looks at this row before it is made.
  const isWritten = await askRun(parts.pool, runId, 'pause');
  await parts.client.workflow
    .getHandle(workflowId)
    .signal<[isWritten?: boolean]>(signalNames.pause, isWritten)
    .catch(endedMeanwhile(workflowId, 'pause'));
}

/** @throws Error when the run is over, or was never started. */
export async function resumeRun(run: KnownRun): Promise<void> {
  const { parts, workflowId } = run;
  const { runId, isOfFleet } = await openRun(run, 'resume');
  if (isOfFleet) return (await askInFleet(parts, runId, 'resume')) ? undefined : resumeRun(run);
  const pauses = await readPauses(parts.pool, runId);
  await parts.client.workflow
    .getHandle(workflowId)
    .signal<[pauses?: number]>(signalNames.resume, ...(pauses === undefined ? [] : ([pauses] as const)))
    .catch(endedMeanwhile(workflowId, 'resume'));
}

/** One that is over stays as it is. @throws Error when it was never started. */
export async function cancelRun(run: KnownRun): Promise<void> {
  const { parts, workflowId, only } = run;
  const { client, pool } = parts;
  const [description, row] = await Promise.all([run.describe(), run.row()]);
  if (!(description && isOpen(description)) && isInFleet(row))
    return (await askInFleet(parts, row.runId, 'cancel')) ? undefined : cancelRun(run);
  if (!description && !row && only === undefined) throw neverStarted(workflowId);
  if (!description || !isOpen(description)) return;
  const runId = chainIdOf(description);
  // This run only: by now another one may have begun. Asked for first: a run that is marked must come to its end.
  const isEnding = await client.workflow
    .getHandle(workflowId, undefined, { firstExecutionRunId: runId })
    .cancel()
    .then(
      () => true,
      (error: unknown) => {
        if (isNotFound(error)) return false;
        throw error;
      },
    );
  if (!isEnding) return;
  // As in `pause`: no call is made from here on, and the workflow task that makes them ends.
  await askRun(pool, runId, 'cancel').catch(() => {
    // Without it the cancellation is heard some seconds later.
  });
}

/** @returns its run id, and whether a fleet carries it out. @throws Error when it is not open. */
async function openRun(
  run: KnownRun,
  what: 'pause' | 'resume',
): Promise<{ readonly runId: string; readonly isOfFleet: boolean }> {
  const [description, row] = await Promise.all([run.describe(), run.row()]);
  if (description && isOpen(description)) return { runId: chainIdOf(description), isOfFleet: false };
  if (isInFleet(row)) return { runId: row.runId, isOfFleet: true };
  throw description || row || run.only !== undefined ? isOver(run.workflowId, what) : neverStarted(run.workflowId);
}
