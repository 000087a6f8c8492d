/**
 * Whether a run's workflows are carried out at all, in words. No worker may take a workflow task, one may fail again
 * and again, as after a bad deploy, or steps may fail so (`failing-activities.ts`). Asked of Temporal; called by
 * `waitsOf()` of `client/sync/handle/read-run.ts`.
 */
import { quotedForShell } from '../../contracts/values/shell-word.ts';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { duration } from '../../contracts/values/duration.ts';
import type { RunWait } from '../../contracts/run.ts';
import { describeKnown } from '../describe-workflow.ts';
import { failingSteps } from './failing-activities.ts';
import { openCalls } from './open-calls.ts';
import { toMs } from '../timestamps.ts';

/** A task that was cut off from the worker which knows its workflow is offered to the others after 10 s. */
const TAKEN_WITHIN_MS = 10_000;
/** A worker asks for tasks at least this often: its question is answered, or given up, after 60 to 70 s. */
const ASKS_WITHIN_MS = 75_000;
/** What belongs to the newest workflow task is among the last events. */
const LAST_EVENTS = 10;

/**
 * @param run of a workflow that is open.
 * @returns one entry for each workflow of the run that does not get on, and for each way in which its steps fail.
 */
export async function readStuckTasks(client: Client, run: WorkflowExecutionDescription): Promise<RunWait[]> {
  return stuckTasks(client, await openWorkflows(client, run));
}

/** @returns a workflow and its children that are open; itself first. */
export async function openWorkflows(
  client: Client,
  root: WorkflowExecutionDescription,
): Promise<readonly [WorkflowExecutionDescription, ...WorkflowExecutionDescription[]]> {
  // One that is just being started is not known yet.
  const children = (root.raw.pendingChildren ?? []).map(({ workflowId }) => describeKnown(client, workflowId ?? ''));
  return [root, ...(await Promise.all(children)).filter((child) => child !== undefined)];
}

/** The same of workflows that were described, the root of all first. */
export async function stuckTasks(
  client: Client,
  open: readonly [WorkflowExecutionDescription, ...WorkflowExecutionDescription[]],
): Promise<RunWait[]> {
  const rootId = open[0].workflowId;
  const tasks = await Promise.all(open.map((workflow) => whyStuck(client, workflow, rootId)));
  return open.flatMap(({ workflowId, raw }, index) => {
    const node = workflowId === rootId ? {} : { node: workflowId.slice(rootId.length + 1) };
    const task = tasks[index];
    const found: Pick<RunWait, 'kind' | 'calls' | 'text'>[] = [
      ...(task === undefined ? [] : [{ kind: 'worker', calls: 0, text: task } as const]),
      ...failingSteps(raw.pendingActivities ?? [], Date.now()).map((step) => ({ kind: 'worker', ...step }) as const),
      ...openCalls({ raw }, Date.now()),
    ];
    return found.map(({ kind, calls, text }) => ({ kind, ...node, calls, text: `${workflowId}: ${text}` }));
  });
}

async function whyStuck(
  client: Client,
  workflow: WorkflowExecutionDescription,
  rootId: string,
): Promise<string | undefined> {
  const task = workflow.raw.pendingWorkflowTask;
  if (!task) return undefined;
  // The only clock besides the server's: a difference of some seconds moves the moment at which this is told.
  const waitsForMs = Date.now() - toMs(task.scheduledTime);
  if (!task.startedTime && waitsForMs > TAKEN_WITHIN_MS) return notTaken(client, workflow.taskQueue, waitsForMs);
  const failures = (task.attempt ?? 1) - 1;
  return failures > 0 ? whyFailing(client, workflow, rootId, failures) : undefined;
}

/** Workflow tasks are what the server describes when no type of task is named. */
async function notTaken(client: Client, taskQueue: string, waitsForMs: number): Promise<string> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
  });
  const isServed = (pollers ?? []).some(({ lastAccessTime }) => Date.now() - toMs(lastAccessTime) < ASKS_WITHIN_MS);
  const waits = `its workflow task waits for ${duration(Math.round(waitsForMs / 1_000) * 1_000)}`;
  return isServed
    ? `${waits}: the workers of task queue "${taskQueue}" have just ended or are too busy; start more of them`
    : `${waits}: no worker serves task queue "${taskQueue}"; start one, e.g. \`npx sluice worker\``;
}

/** The first failure of a task is in the history; the server only counts those that follow. */
async function whyFailing(
  client: Client,
  { workflowId, runId }: WorkflowExecutionDescription,
  rootId: string,
  failures: number,
): Promise<string | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: LAST_EVENTS,
  });
  const last = history?.events?.find(
    (event) => event.workflowTaskFailedEventAttributes ?? event.workflowTaskTimedOutEventAttributes,
  );
  const message = last?.workflowTaskFailedEventAttributes?.failure?.message;
  // Something arrived while the task was at work: it is done again with that.
  if (message === 'UnhandledCommand') return undefined;
  const times = failures === 1 ? 'once' : `${failures} times`;
  if (!message) return `its workflow task was not ended in time ${times}: its worker was killed, or is too busy`;
  const failed = `its workflow task has failed ${times}: ${message}`;
  if (/nondeterminism|TMPRL1100/i.test(message))
    return (
      `${failed}; the workers' code does not fit its history. It goes on by itself when workers serve it whose code does, ` +
      `as the version that began it; or end it with \`temporal workflow terminate --workflow-id ${quotedForShell(rootId)}\` and read ` +
      `the rest with \`npx sluice retry ${quotedForShell(rootId)}\``
    );
  return `${failed}; it goes on by itself when workers serve it that can carry it out`;
}
