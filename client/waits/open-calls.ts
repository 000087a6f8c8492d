/**
 * Which calls of a workflow are on their way and have no answer yet, in words. They are calls of activities, and those
 * made inside a workflow task. Asked of Temporal; called by `workflow-task-health.ts` and `action-waits.ts`.
 */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { duration } from '../../contracts/values/duration.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import type { RunWait } from '../../contracts/run.ts';
import { toMs } from '../timestamps.ts';

/** Most calls are answered before; what takes longer is worth a word. */
const LONG_MS = 3_000;
/**
 * A workflow task that makes calls tells the server of itself before it times out. The server knows since when such tasks follow one
 * another without a result: longer than one of them can take.
 */
const LONG_IN_TASK_MS = 6_500;
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
  const since = raw.pendingWorkflowTask?.startedTime ? raw.pendingWorkflowTask.originalScheduledTime : undefined;
  const taskForMs = since ? nowMs - toMs(since) : 0;
  const found: Pick<RunWait, 'kind' | 'calls' | 'text'>[] = [];
  if (forMs.length > 0)
    found.push({
      kind: 'call',
      calls: forMs.length,
      text: `${counted(forMs.length, 'call')} without an answer yet, the longest for ${duration(Math.max(...forMs))}`,
    });
  if (taskForMs > LONG_IN_TASK_MS)
    found.push({
      kind: 'call',
      calls: 1,
      text: `its calls have had no answer for ${duration(taskForMs)}`,
    });
  return found;
}
