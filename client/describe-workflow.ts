/**
 * What Temporal says of a workflow that it may not know: not started yet, or forgotten. Used by handles and whatever looks
 * into runs and actions.
 */
import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';

/** @returns undefined when there is no such workflow. */
export async function describeKnown(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
