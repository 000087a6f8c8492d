/**
 * How many tasks a worker takes at once: a fixed number of each kind, or as many as CPU and memory allow, within bounds.
 * Used by: `workers/role-workers.ts`.
 */
import { availableParallelism } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { ResourceBasedController, type WorkerOptions as TemporalOptions } from '@temporalio/worker';
import { STEPS_FOR_EACH_CALL } from '../../activities/index.ts';

export interface SlotTuning {
  /** Calls at once that there are in any case, ≥ 1. */
  readonly min: number;
  /** Shares of the memory (of the machine, or of the container) and of the CPU that are aimed at, 0.01 … 1. */
  readonly targetMemory: number;
  readonly targetCpu: number;
}

/**
 * Workflow tasks at once, whatever else the machine does: more than the cores can answer run into their time-out and
 * are done twice. Those that wait for a place wait at the server, where nothing times out. A task lasts while its calls
 * do. So where a third party is slow, and the machine has time, as many lists as calls are at work.
 */
const TASKS_FOR_EACH_CORE = 16;
/** Shares of the machine that are in use, above which there are no more. */
const BUSY = { targetMemoryUsage: 0.9, targetCpuUsage: 0.8 };
/** Looks at the machine; one for all workers of a process. */
let machine: ResourceBasedController | undefined;

/** Workflows that a role keeps in memory for each of its calls at once, and at least: one that is not kept is replayed. */
const KEPT_FOR_EACH_CALL = 4;
const KEPT_AT_LEAST = 500;
/** A run takes some 150 KiB of its thread's heap, a fleet up to three times as much. */
const KEPT_BYTES = 512 * 1024;
/**
 * Of the heap's limit, which is the same for the thread of a role as for the process. V8 ends a process whose thread
 * is beyond it.
 */
const KEPT_SHARE = 0.7;

/** Workflows that the thread of a role keeps in memory: nobody but itself can look at its heap, so their number is bounded. */
export function keptWorkflows(concurrency: number, heapLimitBytes = getHeapStatistics().heap_size_limit): number {
  const wanted = Math.max(KEPT_AT_LEAST, concurrency * KEPT_FOR_EACH_CALL);
  return Math.max(1, Math.min(wanted, Math.floor((heapLimitBytes * KEPT_SHARE) / KEPT_BYTES)));
}

type Slots = Required<Pick<TemporalOptions, 'tuner'>>;

/** @returns the same for each role of a process: all of them share one look at its resources. */
export function slotsOf(concurrency: number, tuning: SlotTuning | undefined): Slots {
  const tasks = Math.min(concurrency, TASKS_FOR_EACH_CORE * availableParallelism());
  const steps = concurrency * STEPS_FOR_EACH_CALL;
  const controller = tuning
    ? ResourceBasedController.create({ targetMemoryUsage: tuning.targetMemory, targetCpuUsage: tuning.targetCpu })
    : (machine ??= ResourceBasedController.create(BUSY));
  const upTo = (least: number, most: number) => ({
    type: 'resource-based' as const,
    controller,
    minimumSlots: Math.min(least, most),
    maximumSlots: most,
  });
  const all = (numSlots: number) => ({ type: 'fixed-size' as const, numSlots });
  return {
    tuner: {
      workflowTaskSlotSupplier: upTo(Math.min(tuning?.min ?? tasks, tasks), Math.max(2, concurrency)),
      activityTaskSlotSupplier: tuning ? upTo(tuning.min, concurrency) : all(concurrency),
      localActivityTaskSlotSupplier: tuning ? upTo(tuning.min, steps) : all(steps),
      nexusTaskSlotSupplier: all(1),
    },
  };
}
