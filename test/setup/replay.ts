/** Replays of what workflows have done, against the workflows of this checkout. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from './programs/programs.ts';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** Issues the same commands, or throws. @returns its events. */
export async function replay(
  temporal: Client,
  workflowId: string,
  runId?: string,
): Promise<NonNullable<History['events']>> {
  const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
  await replayHistory(history, workflowId);
  return history.events ?? [];
}

/** The same of a history that is at hand. */
export function replayHistory(history: unknown, workflowId: string): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: workflowBundle() }, history, workflowId);
}
