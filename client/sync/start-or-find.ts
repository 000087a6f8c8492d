/**
 * Starts a run, or finds the one that is going on. One that is being ended is neither joined nor refused for: its end is near, and it
 * knows nothing of what is asked for now. Used by all that start runs from an app. Next: `start-run.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SyncInput } from '../../contracts/messages.ts';
import type { RunningRun } from '../../contracts/running-run.ts';
import type { ClientParts } from '../start-workflow.ts';
import { findRunning } from './find-running.ts';
import { launchRun } from './start-run.ts';

/** A run may end between the start that finds it and the look at it. */
const MOST_TRIES = 20;
/** A cancellation is through within a second or two, where a worker is there to hear it. */
const MOST_ENDING_MS = 10_000;
const LOOK_AGAIN_MS = 100;

/** For who starts runs that nobody waits for. */
export interface HowToStart {
  /** Of the run's report. Default: a new one. */
  readonly reportId?: string;
  /** How long a run that is being ended is waited for, in milliseconds. Default ten seconds. */
  readonly mostEndingMs?: number;
}

/** @returns the run that was started; else the one that is going on, or that has been ending for so long. */
export async function startOrFind(
  parts: ClientParts,
  provider: string,
  input: SyncInput,
  workflowId: string,
  { reportId, mostEndingMs }: HowToStart = {},
): Promise<{ readonly runId: string } | { readonly running: RunningRun }> {
  for (let tries = 1; ; tries++) {
    const runId = await launchRun(parts, provider, input, reportId);
    if (runId !== undefined) return { runId };
    const running = await findUnending(parts, workflowId, mostEndingMs);
    if (running) return { running };
    if (tries >= MOST_TRIES)
      throw new Error(`Runs of "${workflowId}" begin and end all the time: none could be started.`);
  }
}

/** @returns the run that is going on, after a run that is being ended has ended; that one, when it has not in time. */
export async function findUnending(
  parts: ClientParts,
  workflowId: string,
  mostEndingMs = MOST_ENDING_MS,
): Promise<RunningRun | undefined> {
  const givenUpAt = performance.now() + mostEndingMs;
  for (;;) {
    const running = await findRunning(parts, workflowId);
    if (!running?.isEnding || performance.now() >= givenUpAt) return running;
    await sleep(LOOK_AGAIN_MS, undefined, { signal: parts.closing });
  }
}
