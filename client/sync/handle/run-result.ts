/** How a run ended, waited for. Used by: `client/sync/sync-handle.ts`. */
import { WorkflowFailedError } from '@temporalio/client';
import { TerminatedFailure } from '@temporalio/common';
import type { SyncInput } from '../../../contracts/messages.ts';
import type { RunResult } from '../../../contracts/run.ts';
import { chainIdOf, describeKnown, isOpen } from '../../describe-workflow.ts';
import type { ClientParts } from '../../start-workflow.ts';
import { resultInFleet } from '../fleet-run.ts';
import type { KnownRun } from './known-run.ts';

type Run = (input: SyncInput) => Promise<RunResult>;

export async function resultOf(run: KnownRun): Promise<RunResult> {
  const { parts, workflowId, only } = run;
  const [description, row] = await Promise.all([run.describe(), run.row()]);
  const isOfFleet = row?.fleet !== undefined && !(description && isOpen(description));
  const result = isOfFleet ? await resultInFleet(parts, row.runId) : undefined;
  if (result) return result;
  const runId = only ?? chainIdOf(await parts.client.workflow.getHandle(workflowId).describe());
  return resultOfWorkflow(parts, workflowId, runId);
}

/** Over resets, too: a run that was reset is terminated at Temporal, and goes on in another history. */
async function resultOfWorkflow({ client }: ClientParts, workflowId: string, runId: string): Promise<RunResult> {
  for (let history = runId; ;) {
    try {
      return await client.workflow.getHandle<Run>(workflowId, history).result();
    } catch (error) {
      if (!(error instanceof WorkflowFailedError && error.cause instanceof TerminatedFailure)) throw error;
      const newest = await describeKnown(client, workflowId);
      if (!newest || chainIdOf(newest) !== runId || newest.status.name === 'TERMINATED') throw error;
      history = newest.runId;
    }
  }
}
