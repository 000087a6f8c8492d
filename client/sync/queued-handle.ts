/**
 * A run that was queued behind another one, as the app sees it: until its turn it can only be looked at and cancelled.
 */
import { WorkflowFailedError } from '@temporalio/client';
import { ChildWorkflowFailure } from '@temporalio/common';
import type { RunResult } from '../../contracts/run.ts';
import { RUN_MEMO } from '../../contracts/names.ts';
import { readProgress } from '../../db/index.ts';
import { describeKnown } from '../describe-workflow.ts';
import type { ClientParts } from '../start-workflow.ts';
import { untilClosed } from '../until-closed.ts';
import { isOver, neverStarted, noResult } from './no-such-run.ts';
import type { SyncHandle } from './sync-handle.ts';

/** @param runs the handle of the newest run of its sync and account, or of the one with this id. */
export function createQueuedHandle(
  parts: ClientParts,
  workflowId: string,
  runs: (runId?: string) => SyncHandle,
): SyncHandle {
  const { client, pool } = parts;
  /** Its own run, once it has begun. */
  const look = async (): Promise<{ readonly isKnown: boolean; readonly isOpen: boolean; readonly runId?: string }> => {
    const description = await describeKnown(client, workflowId);
    const runId = description?.memo?.[RUN_MEMO];
    const isOpen = description?.status.name === 'RUNNING';
    return { isKnown: description !== undefined, isOpen, ...(typeof runId === 'string' ? { runId } : {}) };
  };
  const its = runs();
  const onceBegun = async (what: 'pause' | 'resume'): Promise<void> => {
    const { isKnown, isOpen, runId } = await look();
    if (!isKnown) throw neverStarted(workflowId);
    if (!isOpen) throw isOver(workflowId, what);
    if (runId === undefined)
      throw new Error(`"${workflowId}" waits for ${its.workflowId} to end: there is nothing to ${what}.`);
    await runs(runId)[what]();
  };
  return {
    workflowId,
    progress: async () => {
      const { isKnown, isOpen, runId } = await look();
      if (runId !== undefined)
        return (await readProgress(pool, { runId })) ?? { state: isOpen ? 'starting' : 'unknown' };
      return { state: isKnown && isOpen ? 'queued' : 'unknown' };
    },
    waits: async () => {
      const { isOpen, runId } = await look();
      if (!isOpen) return [];
      if (runId !== undefined) return runs(runId).waits();
      return [
        { kind: 'run', calls: 0, text: `it begins when ${its.workflowId} has ended, and those queued before it` },
      ];
    },
    explain: async () => {
      const { runId } = await look();
      return runId === undefined ? undefined : runs(runId).explain();
    },
    pause: () => onceBegun('pause'),
    resume: () => onceBegun('resume'),
    cancel: async () => {
      const { isKnown, isOpen } = await look();
      if (!isKnown) throw neverStarted(workflowId);
      if (!isOpen) return;
      await client.workflow.getHandle(workflowId).cancel();
      // One that has begun makes no call from here on, and not only when the cancellation has come through to it.
      const { runId } = await look();
      if (runId !== undefined) await runs(runId).cancel();
    },
    retryFailed: (options) => its.retryFailed(options),
    startAgain: (options) => its.startAgain(options),
    result: () =>
      untilClosed(parts, () => client.workflow.getHandle<() => Promise<RunResult>>(workflowId).result())
        .catch(asItsRun)
        .catch(noResult(workflowId)),
  };
}

/** For `catch`: a run that was cancelled or terminated ends as any other one does. */
function asItsRun(error: unknown): never {
  if (error instanceof WorkflowFailedError && error.cause instanceof ChildWorkflowFailure)
    throw new WorkflowFailedError(error.message, error.cause.cause, error.retryState);
  throw error;
}
