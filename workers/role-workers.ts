/**
 * One Temporal worker for each role that a process serves. Each has slots and a workflow thread of its own, so what is
 * started by a person does not wait behind lists of hours. They share activities, connections and caches. Used by:
 * `create-worker.ts`.
 */
import { Worker, type WorkerOptions as TemporalOptions } from '@temporalio/worker';
import type { Priority } from '../contracts/limits/limit.ts';
import type { Build } from '../contracts/operate/deployment.ts';
import { taskQueueOf } from '../contracts/names.ts';
import type { WorkerSettings } from './config.ts';
import { keptWorkflows, slotsOf } from './capacity/slots.ts';
import { withLeanThreads } from './workflow-threads.ts';

export interface RoleWorkers {
  readonly taskQueues: readonly string[];
  isStopping(): boolean;
  shutdown(): void;
  /** Until all have ended; when one of them fails the others are shut down. */
  run(): Promise<void>;
}

/**
 * @param common what they have in common: connection, workflows, activities.
 * @param forPeople the activities of the role `interactive`.
 */
export async function createRoleWorkers(
  roles: readonly Priority[],
  settings: WorkerSettings,
  common: Omit<TemporalOptions, 'taskQueue'>,
  forPeople: NonNullable<TemporalOptions['activities']>,
): Promise<RoleWorkers> {
  const { build, concurrency, drainSeconds, taskQueue } = settings;
  const slots = slotsOf(concurrency, settings.tuning);
  // At once: each has a thread that takes a third of a second of one core to start.
  const workers = await withLeanThreads(() =>
    Promise.all(
      roles.map((role) =>
        Worker.create({
          ...common,
          ...(role === 'interactive' ? { activities: forPeople } : {}),
          taskQueue: taskQueueOf(taskQueue, role),
          ...(build === undefined ? {} : { workerDeploymentOptions: versioned(build) }),
          ...slots,
          maxCachedWorkflows: keptWorkflows(concurrency),
          activityTaskPollerBehavior: { type: 'autoscaling' },
          workflowTaskPollerBehavior: { type: 'autoscaling' },
          stickyQueueScheduleToStartTimeout: '5 seconds',
          shutdownGraceTime: `${drainSeconds} seconds`,
        }),
      ),
    ),
  );
  let isAsked = false;
  const shutdown = (): void => {
    isAsked = true;
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    taskQueues: roles.map((role) => taskQueueOf(taskQueue, role)),
    isStopping: () => isAsked || workers.some((worker) => worker.getState() !== 'RUNNING'),
    shutdown,
    run: async () => {
      const running = workers.map((worker) =>
        worker.run().catch((error: unknown) => {
          shutdown();
          throw error;
        }),
      );
      // Asked for before they ran: a worker that does not run can't be shut down.
      if (isAsked) shutdown();
      const ends = await Promise.allSettled(running);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}

/** Each workflow of Sluice says for itself whether it is pinned; the default is for others' (`workflows/run/versioning.ts`). */
function versioned({ deployment, buildId }: Build): NonNullable<TemporalOptions['workerDeploymentOptions']> {
  return {
    version: { deploymentName: deployment, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  };
}
