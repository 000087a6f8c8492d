/**
 * The run of a sync and account that is going on, and what it was asked for, as Temporal has it. A run that no worker
 * has taken up counts too.
 * Used by: `start-or-find.ts`, and by `workers/activity-deps.ts` for runs that schedules start.
 */
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import type { SyncInput } from '../../contracts/messages.ts';
import type { RunningRun } from '../../contracts/running-run.ts';
import { readProgress, type Pool } from '../../db/index.ts';
import { chainIdOf, describeKnown, isNotFound, isOpen } from '../describe-workflow.ts';

/** @returns undefined when none is going on. */
export async function findRunning(
  { client, pool }: { readonly client: Client; readonly pool: Pool },
  workflowId: string,
): Promise<RunningRun | undefined> {
  const description = await describeKnown(client, workflowId);
  if (!description || !isOpen(description)) return undefined;
  const runId = chainIdOf(description);
  const [asked, known] = await Promise.all([
    inputOf(client, workflowId, description.runId),
    readProgress(pool, { runId }),
  ]);
  if (!asked) return undefined;
  const { input, mode = 'incremental', startedBy = 'system', retryOf } = asked;
  const isOver = known !== undefined && known.state !== 'running' && known.state !== 'paused';
  // Over continue-as-new it has gone on since its first workflow began, of which Temporal may know nothing any more.
  const first =
    runId === description.runId
      ? description
      : await client.workflow
          .getHandle(workflowId, runId)
          .describe()
          .catch(() => description);
  const startedAt = first.startTime.toISOString();
  return {
    workflowId,
    runId,
    input,
    mode,
    startedAt,
    startedBy,
    isRetry: retryOf !== undefined,
    isEnding: isOver || description.raw.workflowExtendedInfo?.cancelRequested === true,
  };
}

/** The first event of a history has it; the rest, which may be long, is not read. */
async function inputOf(client: Client, workflowId: string, runId: string): Promise<SyncInput | undefined> {
  const { namespace } = client.options;
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    });
    const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    return payload ? await decoded<SyncInput>(client, payload) : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** By the client's own converter, whose codecs may have encoded it: the last one first. */
async function decoded<Value>(client: Client, payload: Payload): Promise<Value> {
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  let payloads = [payload];
  for (const codec of payloadCodecs.toReversed()) payloads = await codec.decode(payloads);
  return payloadConverter.fromPayload(payloads[0] as Payload);
}
