/**
 * What a Temporal server does where no API tells how it is set: its clock, and how late its timers fire. Two workflows that nobody
 * carries out are started on a task queue of their own, whose tasks are asked for here; they are terminated at once. Next:
 * `temporal-checks.ts`.
 */
import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';

export interface ServerBehaviour {
  /** The server's clock minus this machine's, in milliseconds, and how far off that may be. */
  readonly clockAheadMs: number;
  readonly clockErrorMs: number;
  /** How much later than asked for a timer of 200 ms fired. */
  readonly timerLateMs: number;
}

const DELAY_MS = 200;
const TASK_PATIENCE_MS = 10_000;

/** @throws Error when the server refuses a step of it, or gives out no task within 10 s. */
export async function probeTemporal(client: Client): Promise<ServerBehaviour> {
  const taskQueue = `sluice-doctor-${randomBytes(4).toString('hex')}`;
  const started: string[] = [];
  const start = async (name: string, startDelay?: number): Promise<string> => {
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
  };
  const awaitTask = async (): Promise<void> => {
    const { taskToken } = await client.connection.withDeadline(Date.now() + TASK_PATIENCE_MS, () =>
      client.workflowService.pollWorkflowTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: taskQueue },
        identity: 'sluice-doctor',
      }),
    );
    if (taskToken.length === 0) throw new Error(`no task was given out within ${TASK_PATIENCE_MS / 1_000} s`);
  };
  try {
    const askedAt = Date.now();
    const workflowId = await start('clock');
    const answeredAt = Date.now();
    const { startTime } = await client.workflow.getHandle(workflowId).describe();
    await awaitTask();

    const delayedAt = performance.now();
    await start('timer', DELAY_MS);
    await awaitTask();
    const timerLateMs = performance.now() - delayedAt - DELAY_MS;
    return {
      clockAheadMs: startTime.getTime() - (askedAt + answeredAt) / 2,
      clockErrorMs: (answeredAt - askedAt) / 2,
      timerLateMs,
    };
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
