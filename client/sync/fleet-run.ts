/**
 * A run that a fleet carries out: it has no workflow of its own, so what is asked of it is written down where the fleet looks before its next
 * call. Used by: `sync-handle.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunProgress, RunResult } from '../../contracts/run.ts';
import { askRun, cancelFleetRun, finishRun, readProgress, setRunState } from '../../db/index.ts';
import type { ClientParts } from '../start-workflow.ts';

const LOOK_AGAIN_MS = 250;

/** Whether a fleet has it in hand. */
export function isInFleet(run: RunProgress | undefined): run is RunProgress {
  return run?.fleet !== undefined && (run.state === 'running' || run.state === 'paused');
}

/** A run that is paused goes on in a workflow of its own, which waits. */
export async function askInFleet(
  { pool }: Pick<ClientParts, 'pool'>,
  runId: string,
  what: 'pause' | 'resume' | 'cancel',
): Promise<void> {
  if (what === 'pause') await askRun(pool, runId, 'pause');
  else if (what === 'resume') await setRunState(pool, runId, 'running');
  else await cancelFleetRun(pool, runId, 'it was cancelled');
}

/** @returns undefined when it has gone on in a workflow of its own. @throws Error when it was cancelled. */
export async function resultInFleet(
  { pool, closing }: Pick<ClientParts, 'pool' | 'closing'>,
  runId: string,
): Promise<RunResult | undefined> {
  for (;;) {
    const run = await readProgress(pool, { runId });
    if (!run) return undefined;
    if (run.state === 'cancelled') throw new Error(`The run of "${run.workflowId}" was cancelled.`);
    // One that has ended is only read.
    if (!isInFleet(run)) return finishRun(pool, runId, {});
    await sleep(LOOK_AGAIN_MS, undefined, { signal: closing });
  }
}
