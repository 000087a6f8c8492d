/**
 * Workflows of the probes: nobody carries them out, their tasks are asked for here, and they are terminated at once. Each probe has a task queue of its
 * own. Used by: `probe-temporal.ts`, `probe-fairness.ts`.
 */
import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';

export interface Probe {
  readonly namespace: string;
  readonly taskQueue: string;
  /** @returns the id of the workflow. */
  readonly start: (name: string, startDelay?: number) => Promise<string>;
  /** Waits for the task of a workflow that was started. @returns its token. @throws Error when none is given out within 10 s. */
  readonly awaitTask: () => Promise<Uint8Array>;
  /** Gives up what the server does not answer within 10 s. */
  readonly inTime: <Result>(ask: () => Promise<Result>) => Promise<Result>;
}

export const IDENTITY = 'sluice-doctor';
const TASK_PATIENCE_MS = 10_000;

/** @throws Error when the server refuses a step of it. */
export async function withProbe<Result>(client: Client, run: (probe: Probe) => Promise<Result>): Promise<Result> {
  const { namespace } = client.options;
  const taskQueue = `sluice-doctor-${randomBytes(4).toString('hex')}`;
  const started: string[] = [];
  const inTime: Probe['inTime'] = (ask) => client.connection.withDeadline(Date.now() + TASK_PATIENCE_MS, ask);
  try {
    return await run({
      namespace,
      taskQueue,
      inTime,
      async start(name, startDelay) {
        const workflowId = `${taskQueue}/${name}`;
        started.push(workflowId);
        await client.workflow.start('sluice-doctor', {
          workflowId,
          taskQueue,
          workflowExecutionTimeout: '1 minute',
          staticSummary: 'A probe of `sluice doctor`; it is terminated at once',
          ...(startDelay === undefined ? {} : { startDelay }),
        });
        return workflowId;
      },
      async awaitTask() {
        const question = { namespace, taskQueue: { name: taskQueue }, identity: IDENTITY };
        const { taskToken } = await inTime(() => client.workflowService.pollWorkflowTaskQueue(question));
        if (taskToken.length === 0) throw new Error(`no task was given out within ${TASK_PATIENCE_MS / 1_000} s`);
        return taskToken;
      },
    });
  } finally {
    await Promise.all(
      started.map(
        (workflowId) =>
          client.workflow
            .getHandle(workflowId)
            .terminate('the probe has ended')
            .catch(() => {}), // it was not started, or ends by itself within a minute
      ),
    );
  }
}
