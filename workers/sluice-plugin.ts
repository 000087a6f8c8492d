/**
 * Sluice beside a worker that an app has already: `Worker.create({ …, plugins: [new SluicePlugin({ syncs })] })`. While that worker runs,
 * Sluice serves its own task queues in the same process; both end together. Next: `create-worker.ts`.
 */
import type { Worker, WorkerPlugin } from '@temporalio/worker';
import { createWorker } from './create-worker.ts';
import type { WorkerOptions } from './worker-options.ts';

export class SluicePlugin implements WorkerPlugin {
  readonly name = 'sluice';
  readonly #options: WorkerOptions;

  /** @param options those of `createWorker`; servers and settings come from the environment where they are not given. */
  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** @throws what `createWorker` throws; then the app's worker does not begin. */
  async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    const sluice = await createWorker(this.#options);
    const ours = sluice.run().catch((error: unknown) => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      throw error;
    });
    const theirs = next(worker).finally(() => sluice.shutdown());
    for (const end of await Promise.allSettled([theirs, ours])) if (end.status === 'rejected') throw end.reason;
  }
}
