/** One worker process, as Temporal sees it. Made by `client/workers/list-workers.ts`; shown by `sluice workers`. */
export interface ServingWorker {
  /** `sluice-<version>/<pid>@<host>`; another program's as it calls itself. */
  readonly identity: string;
  /** Of Sluice; null for another program. */
  readonly version: string | null;
  /** Task queues that it asks for workflow tasks and activity tasks. */
  readonly taskQueues: readonly string[];
  /** ISO time when it asked last, which it does once a minute where there is nothing to do. */
  readonly askedAt: string;
  /** What it makes at once, and what an operator has asked of it; null for another program, and until it has said so. */
  readonly control: WorkerControl | null;
}

/** Of a worker process; where it serves by several workers, of the first of them. */
export interface WorkerControl {
  /** Calls at once of each role, as it was started (`SLUICE_CONCURRENCY`). */
  readonly startedWith: number;
  /** Calls at once of each role, as an operator has set it; null: as it was started. */
  readonly concurrency: number | null;
  /** It was asked to take no new work, and to end. */
  readonly isDraining: boolean;
}

/** A task queue that runs go to, or are on. */
export interface ServedQueue {
  readonly taskQueue: string;
  /** Worker processes that ask for both kinds of its tasks. */
  readonly workers: number;
  /** How long its oldest task has been waiting, in milliseconds. */
  readonly backlogMs: number;
}

export interface WorkerList {
  readonly workers: readonly ServingWorker[];
  readonly queues: readonly ServedQueue[];
}
