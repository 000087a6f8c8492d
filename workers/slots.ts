/**
 * How many tasks a worker takes at once: a fixed number of each kind, or as many as CPU and memory allow, within bounds.
 * Used by: `role-workers.ts`.
 */
import { availableParallelism } from 'node:os';
import { ResourceBasedController, type WorkerOptions as TemporalOptions } from '@temporalio/worker';
import { STEPS_FOR_EACH_CALL } from '../activities/index.ts';

export interface SlotTuning {
  /** Calls at once that there are in any case, ≥ 1. */
  readonly min: number;
  /** Shares of the memory (of the machine, or of the container) and of the CPU that are aimed at, 0.01 … 1. */
  readonly targetMemory: number;
  readonly targetCpu: number;
}

/**
 * Workflow tasks at once: more than the cores can answer run into their time-out and are done twice. Those that wait for a place wait at
 * the server, where nothing times out.
 */
const TASKS_FOR_EACH_CORE = 16;

type Slots = Pick<
  TemporalOptions,
  | 'tuner'
  | 'maxConcurrentActivityTaskExecutions'
  | 'maxConcurrentLocalActivityExecutions'
  | 'maxConcurrentWorkflowTaskExecutions'
>;

/** @returns the same for each role of a process; with `tuning` all of them share one look at its resources. */
export function slotsOf(concurrency: number, tuning: SlotTuning | undefined): Slots {
  const tasks = Math.min(concurrency, TASKS_FOR_EACH_CORE * availableParallelism());
  if (tuning === undefined)
    return {
      maxConcurrentActivityTaskExecutions: concurrency,
      maxConcurrentLocalActivityExecutions: concurrency * STEPS_FOR_EACH_CALL,
      maxConcurrentWorkflowTaskExecutions: tasks,
    };
  const controller = ResourceBasedController.create({
    targetMemoryUsage: tuning.targetMemory,
    targetCpuUsage: tuning.targetCpu,
  });
  const calls = { minimumSlots: Math.min(tuning.min, concurrency), maximumSlots: concurrency };
  return {
    tuner: {
      controller,
      workflowTaskSlotOptions: { minimumSlots: Math.min(tuning.min, tasks), maximumSlots: Math.max(2, tasks) },
      activityTaskSlotOptions: calls,
      localActivityTaskSlotOptions: { ...calls, maximumSlots: concurrency * STEPS_FOR_EACH_CALL },
    },
  };
}
