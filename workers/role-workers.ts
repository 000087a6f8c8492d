/**
 * One Temporal worker for each role that a process serves: each has slots and a workflow thread of its own, so what is started by a
 * person does not wait behind lists of hours. They share activities, connections and caches. Used by: `create-worker.ts`.
 */
import { availableParallelism } from 'node:os';
import { Worker, type WorkerOptions as TemporalOptions } from '@temporalio/worker';
import type { Priority } from '../contracts/limits/limit.ts';
import { taskQueueOf } from '../contracts/names.ts';
import type { WorkerSettings } from './config.ts';
import { withShortStacks } from './limit-stack-traces.ts';

export interface RoleWorkers {
  readonly taskQueues: readonly string[];
  isStopping(): boolean;
  shutdown(): void;
  /** Until all have ended; when one of them fails the others are shut down. */
  run(): Promise<void>;
}

/**
 * Workflow tasks at once: more than the cores can answer run into their time-out and are done twice. Those that wait for a place wait at
 * the server, where nothing times out.
 */
const TASKS_FOR_EACH_CORE = 16;

/** @param common what they have in common: connection, workflows, activities. */
export async function createRoleWorkers(
  roles: readonly Priority[],
  settings: WorkerSettings,
  common: Omit<TemporalOptions, 'taskQueue'>,
): Promise<RoleWorkers> {
  const { concurrency, drainSeconds, taskQueue } = settings;
  const workers: Worker[] = [];
  for (const role of roles) {
    const create = () =>
      Worker.create({
        ...common,
        taskQueue: taskQueueOf(taskQueue, role),
        maxConcurrentActivityTaskExecutions: concurrency,
        maxConcurrentLocalActivityExecutions: concurrency,
        maxConcurrentWorkflowTaskExecutions: Math.min(concurrency, TASKS_FOR_EACH_CORE * availableParallelism()),
        maxCachedWorkflows: Math.max(500, concurrency * 4),
        activityTaskPollerBehavior: { type: 'autoscaling' },
        workflowTaskPollerBehavior: { type: 'autoscaling' },
        stickyQueueScheduleToStartTimeout: '5 seconds',
        shutdownGraceTime: `${drainSeconds} seconds`,
      });
    workers.push(await withShortStacks(create));
  }
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    taskQueues: roles.map((role) => taskQueueOf(taskQueue, role)),
    isStopping: () => workers.some((worker) => worker.getState() !== 'RUNNING'),
    shutdown,
    run: async () => {
      const ends = await Promise.allSettled(
        workers.map((worker) =>
          worker.run().catch((error: unknown) => {
            shutdown();
            throw error;
          }),
        ),
      );
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}
