/**
 * Which calls of a workflow are on their way and have no answer yet, in words: of activities, and of those that are made inside a
 * workflow task. Asked of Temporal; called by `workflow-task-health.ts` and `action-waits.ts`.
 */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { duration } from '../../contracts/duration.ts';
import { counted } from '../../contracts/limit-words.ts';
import type { RunWait } from '../../contracts/run.ts';
import { toMs } from '../timestamps.ts';

/** Most calls are answered before; what takes longer is worth a word. */
const LONG_MS = 3_000;
/** `PENDING_ACTIVITY_STATE_STARTED` of Temporal's API. */
const STARTED = 2;
const CALLS = new Set(['fetchPage', 'performAction']);

/** @param nowMs the only clock besides the server's: a difference moves how long they are said to have taken. */
export function openCalls(
  { raw }: Pick<WorkflowExecutionDescription, 'raw'>,
  nowMs: number,
): Pick<RunWait, 'kind' | 'calls' | 'text'>[] {
  const steps = (raw.pendingActivities ?? []).filter(
    ({ state, activityType }) => Number(state) === STARTED && CALLS.has(activityType?.name ?? ''),
  );
  const forMs = steps.map(({ lastStartedTime }) => nowMs - toMs(lastStartedTime)).filter((ms) => ms > LONG_MS);
  const task = raw.pendingWorkflowTask;
  const taskForMs = task?.startedTime ? nowMs - toMs(task.startedTime) : 0;
  const found: Pick<RunWait, 'kind' | 'calls' | 'text'>[] = [];
  if (forMs.length > 0)
    found.push({
      kind: 'call',
      calls: forMs.length,
      text: `${counted(forMs.length, 'call')} without an answer yet, the longest for ${duration(Math.max(...forMs))}`,
    });
  if (taskForMs > LONG_MS)
    found.push({
      kind: 'call',
      calls: 1,
      text: `its worker is at its calls for ${duration(taskForMs)}; the last of them has no answer yet, or the worker was killed`,
    });
  return found;
}
