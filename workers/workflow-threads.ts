/**
 * Workflow threads without two things that Temporal's SDK does for every step of every workflow. It takes and
 * translates a stack for each promise, and starts a thread that would end a step after five seconds. Together they were
 * most of what a step costs (docs/internals/performance.md), and neither has an option. Workflows here are Sluice's
 * own: what they wait for is told in their current details. A thread that hangs is noticed by one beat a second, which
 * ends its worker with a sentence.
 * Used by: `workers/role-workers.ts`. Source: `workflow/threaded-vm.js` and `workflow/vm-shared.js` of `@temporalio/worker`.
 */
import { createRequire } from 'node:module';
import inspector from 'node:inspector';
import type { Worker, WorkerOptions } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const threads = require('node:worker_threads') as { Worker: typeof Worker };
const UsualWorker = threads.Worker;

/** How often a thread's beat is looked for, and how many looks in vain are its end: a minute, however long the machine slept. */
const LOOK_MS = 5_000;
const LOOKS = 12;

/**
 * Runs in the thread before the SDK's own file. Promise hooks that can't be had are a case that the SDK knows, and says in
 * one line. Node's own, those of `AsyncLocalStorage`, are made as ever.
 */
const PRELUDE = `
const { Script } = require('node:vm');
const { runInContext } = Script.prototype;
Script.prototype.runInContext = function (context, options) {
  return runInContext.call(this, context, options && { ...options, timeout: undefined });
};
const { promiseHooks } = require('node:v8');
const { createHook } = promiseHooks;
promiseHooks.createHook = (hooks) => {
  if (!/vm-shared/.test(new Error().stack)) return createHook(hooks);
  const { warn } = console;
  console.warn = () => {};
  queueMicrotask(() => { console.warn = warn; });
  throw new Error('Workflow threads of Sluice take no stacks of promises.');
};
const { beats } = require('node:worker_threads').workerData;
setInterval(() => Atomics.add(beats, 0, 1), 1000).unref();
`;

let creating = 0;

/** Runs `create`; workflow threads that Temporal's SDK starts meanwhile are lean. Other threads are started as they would be. */
export async function withLeanThreads<Created>(create: () => Promise<Created>): Promise<Created> {
  creating++;
  threads.Worker = LeanWorker;
  try {
    return await create();
  } finally {
    if (--creating === 0) threads.Worker = UsualWorker;
  }
}

class LeanWorker extends UsualWorker {
  constructor(file: string | URL, options: WorkerOptions = {}) {
    if (!String(file).includes('workflow-worker-thread')) {
      super(file, options);
      return;
    }
    const beats = new Int32Array(new SharedArrayBuffer(4));
    const code = `${PRELUDE}require(${JSON.stringify(String(file))});`;
    // Of a program that was given as text: the thread's is text too, but no module.
    const isModule = process.execArgv.some((flag) => flag.startsWith('--input-type'));
    super(code, { ...options, eval: true, workerData: { beats }, ...(isModule ? { execArgv: [] } : {}) });
    watchBeats(this, beats);
  }
}

/** Ends a thread whose beat stays away; who waits for an answer of it hears why. One that stands at a breakpoint is left alone. */
export function watchBeats(thread: Worker, beats: Int32Array, lookMs = LOOK_MS): void {
  let last = 0;
  let inVain = 0;
  const timer = setInterval(() => {
    const now = Atomics.load(beats, 0);
    inVain = now === last && inspector.url() === undefined ? inVain + 1 : 0;
    last = now;
    if (inVain < LOOKS) return;
    const seconds = (LOOKS * lookMs) / 1_000;
    thread.emit('error', new Error(`A step of a workflow has taken more than ${seconds} s: its thread is ended.`));
    void thread.terminate();
  }, lookMs).unref();
  thread.once('exit', () => clearInterval(timer));
}
