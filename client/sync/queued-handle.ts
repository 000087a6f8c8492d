/**
 * A run that was queued behind another one, as the app sees it: until its turn it can only be looked at and cancelled.
 */
import type { RunResult } from '../../contracts/run.ts';
import { RUN_MEMO } from '../../contracts/names.ts';
import { readProgress } from '../../db/index.ts';
import { describeKnown } from '../describe-workflow.ts';
import type { ClientParts } from '../start-workflow.ts';
import { untilClosed } from '../until-closed.ts';
import type { SyncHandle } from './sync-handle.ts';

/** @param its the handle of the runs of its sync and account. */
export function createQueuedHandle(parts: ClientParts, workflowId: string, its: SyncHandle): SyncHandle {
  const { client, pool } = parts;
  /** Its own run, once it has begun. */
  const look = async (): Promise<{ readonly isKnown: boolean; readonly isOpen: boolean; readonly runId?: string }> => {
    const description = await describeKnown(client, workflowId);
    const runId = description?.memo?.[RUN_MEMO];
    const isOpen = description?.status.name === 'RUNNING';
    return { isKnown: description !== undefined, isOpen, ...(typeof runId === 'string' ? { runId } : {}) };
  };
  const onceBegun = async (what: 'pause' | 'resume'): Promise<void> => {
    const { isOpen, runId } = await look();
    if (!isOpen || runId === undefined)
      throw new Error(
        `"${workflowId}" ${isOpen ? `waits for ${its.workflowId} to end` : 'is over'}: nothing to ${what}.`,
      );
    await its[what]();
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
      if (runId !== undefined) return its.waits();
      return [
        { kind: 'run', calls: 0, text: `it begins when ${its.workflowId} has ended, and those queued before it` },
      ];
    },
    explain: async () => ((await look()).runId === undefined ? undefined : its.explain()),
    pause: () => onceBegun('pause'),
    resume: () => onceBegun('resume'),
    cancel: async () => {
      await client.workflow.getHandle(workflowId).cancel();
    },
    retryFailed: (options) => its.retryFailed(options),
    startAgain: (options) => its.startAgain(options),
    result: () => untilClosed(parts, () => client.workflow.getHandle<() => Promise<RunResult>>(workflowId).result()),
  };
}
