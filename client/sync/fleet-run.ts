/**
 * A run that a fleet carries out has no workflow of its own. What is asked of it is written down where the fleet looks
 * before its next call. Used by: `handle/read-run.ts`, `handle/control-run.ts`, `handle/run-result.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunProgress, RunResult, RunWait } from '../../contracts/run.ts';
import { endFleetRun, finishRun, readProgress, setRunState } from '../../db/index.ts';
import { describeKnown, isOpen } from '../describe-workflow.ts';
import type { ClientParts } from '../start-workflow.ts';
import { readStuckTasks } from '../waits/workflow-task-health.ts';

const LOOK_AGAIN_MS = 250;

/** Whether a fleet has it in hand. */
export function isInFleet(run: RunProgress | undefined): run is RunProgress {
  return run?.fleet !== undefined && (run.state === 'running' || run.state === 'paused');
}

/**
 * What its fleet waits for comes before what its own list waits for.
 * @param waits of its list.
 */
export async function waitsInFleet(
  { client }: Pick<ClientParts, 'client'>,
  { fleet = '', nodes }: RunProgress,
  waits: readonly RunWait[],
): Promise<readonly RunWait[]> {
  const only = (text: string): RunWait[] => [{ kind: 'run', calls: 0, text: `${fleet} ${text}` }];
  const description = await describeKnown(client, fleet);
  if (!description)
    return only('has not begun; where its worker was killed, another one starts this run within a minute');
  if (!isOpen(description))
    return description.status.name === 'COMPLETED'
      ? waits
      : only('was ended in Temporal: this run makes no more calls, and a worker ends it within a minute');
  const all = [...(await readStuckTasks(client, description)), ...waits];
  const hasBegun = nodes.some(({ calls, units }) => calls + units.running > 0);
  return all.length > 0 || hasBegun ? all : only('has not come to it yet: it carries out forty runs at once');
}

/**
 * A run that is paused goes on in a workflow of its own, which waits.
 * @returns false where the fleet has it no more: then nothing was changed, and it is to be asked where it is now.
 */
export async function askInFleet(
  { pool }: Pick<ClientParts, 'pool'>,
  runId: string,
  what: 'pause' | 'resume' | 'cancel',
): Promise<boolean> {
  if (what === 'cancel') return endFleetRun(pool, runId, { status: 'cancelled', error: 'it was cancelled' });
  return (await setRunState(pool, runId, what === 'pause' ? 'paused' : 'running')) !== undefined;
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
