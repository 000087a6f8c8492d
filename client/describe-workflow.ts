/**
 * Asks and tells workflows that Temporal may not know: not started yet, ended, or forgotten. Used by handles and whatever looks
 * into runs and actions.
 */
import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';

/** Sends a signal, unless there is nobody to hear it: what it says is in the database as well. */
export async function tellKnown(client: Client, workflowId: string, signal: string): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).signal(signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** `NOT_FOUND` of gRPC. */
const NOT_FOUND = 5;

/** What was asked of Temporal is about something that it does not know. */
export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || (error as { code?: number }).code === NOT_FOUND;
}

/** @param runId of its chain; default: the latest. @returns undefined when there is no such workflow. */
export async function describeKnown(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId, runId).describe();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** It has not ended. */
export function isOpen({ status }: WorkflowExecutionDescription): boolean {
  return status.name === 'RUNNING' || status.name === 'PAUSED';
}

/** Its run id, the same over continue-as-new and resets. */
export function chainIdOf({ raw, runId }: WorkflowExecutionDescription): string {
  return raw.workflowExecutionInfo?.firstRunId || runId;
}
