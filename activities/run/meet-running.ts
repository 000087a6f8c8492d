/**
 * What a workflow does that is to start a run and finds one going on: one that a schedule started, or that was queued.
 * Next: `contracts/running-run.ts` decides. Called by `workflows/run/one-per-account.ts`.
 */
import type { AwaitRunEndInput, MetRunning, MeetRunningInput, QueueRunInput } from '../../contracts/messages.ts';
import { runQueue } from '../../contracts/names.ts';
import { busyText, meetRunning } from '../../contracts/running-run.ts';
import { takeLock } from '../../db/stores/action/entity-lock-store.ts';
import { waitingFor } from '../call/to-failure.ts';
import type { ActivityDeps } from '../deps.ts';

/** How soon it is looked again whether a run has ended. */
const LOOK_AGAIN_MS = 2_000;

/** Takes a place among the starts that wait for the run of their sync and account, once. */
export async function queueRunActivity(deps: ActivityDeps, { workflowId, asked }: QueueRunInput): Promise<void> {
  const { sync, account, startedBy = 'system' } = asked;
  const entity = runQueue(sync, account);
  const names = { kind: 'sync', name: sync, account, startedBy, policy: 'wait' } as const;
  await takeLock(deps.pool, { entity, workflowId, rootWorkflowId: workflowId, ...names });
}

/** @throws Error when this worker does not have the sync. */
export async function meetRunningActivity(
  deps: ActivityDeps,
  { workflowId, asked }: MeetRunningInput,
): Promise<MetRunning> {
  const running = await deps.findRunning(workflowId);
  if (!running) return { do: 'start' };
  if (running.isEnding) return { do: 'queue', behind: running.runId };
  const { sync, account, mode = 'incremental', ifRunning } = asked;
  const { parseInput } = deps.syncNamed(sync);
  const parsed = (input: unknown): unknown => {
    try {
      return parseInput(input);
    } catch {
      // One that does not fit is compared as it is; its run says what is wrong with it.
      return input;
    }
  };
  const wanted = { input: parsed(asked.input), mode };
  const there = { ...running, input: parsed(running.input) };
  const how = meetRunning(ifRunning, wanted, there);
  if (how === 'refuse') return { do: 'refuse', because: busyText(sync, account, wanted, there) };
  return how === 'attach'
    ? { do: 'attach', runId: running.runId, input: running.input }
    : { do: 'queue', behind: running.runId };
}

/** @throws ApplicationFailure `Waiting` (benign) while it goes on; the retry is the waiting. */
export async function awaitRunEndActivity(deps: ActivityDeps, { workflowId, runId }: AwaitRunEndInput): Promise<void> {
  const running = await deps.findRunning(workflowId);
  if (running?.runId === runId) throw waitingFor(`${workflowId} is going on since ${running.startedAt}`, LOOK_AGAIN_MS);
}
