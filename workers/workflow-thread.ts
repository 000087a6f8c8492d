/**
 * Workflow threads without bookkeeping for stack traces. The SDK hooks into every promise of a workflow to know where it
 * was made, and so answers the Web UI's "Stack Trace": about 0.8 ms of CPU for each third-party call, a fifth of all that a
 * worker needs. Our workflows are one event loop each, whose stack says nothing; what they do stands in their details.
 */
import workerThreads from 'node:worker_threads';

// Runs in the thread before the SDK. Node's own async hooks, which workflows need, watch more than beginnings and ends.
const START = `data:text/javascript,${encodeURIComponent(`
  import v8 from 'node:v8';
  const { createHook } = v8.promiseHooks;
  v8.promiseHooks.createHook = (hooks) => hooks.before || hooks.after ? createHook(hooks) : () => {};
`)}`;

/** Threads that are started while `create` runs begin with START. They get no other options of this process. */
export async function withLeanThreads<T>(create: () => Promise<T>): Promise<T> {
  const { Worker } = workerThreads;
  workerThreads.Worker = class extends Worker {
    constructor(file: string | URL, options?: workerThreads.WorkerOptions) {
      super(file, { execArgv: ['--import', START], ...options });
    }
  };
  try {
    return await create();
  } finally {
    workerThreads.Worker = Worker;
  }
}
