import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, it } from 'vitest';
import { watchBeats, withLeanThreads } from '../../../workers/workflow-threads.ts';

// As the SDK gets it, each time it starts a thread.
const threads = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };
const folder = await mkdtemp(join(tmpdir(), 'sluice-threads-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What such a thread says of itself: how a step of 100 ms ends whose limit is 10, and whether promises are followed. */
const TELLS = `
const vm = require('node:vm');
const { AsyncLocalStorage } = require('node:async_hooks');
const tried = (act) => { try { act(); return 'done'; } catch (error) { return error.message; } };
const step = new vm.Script('const end = Date.now() + 100; while (Date.now() < end);');
const warn = console.warn;
const storage = new AsyncLocalStorage();
const told = {
  step: tried(() => step.runInContext(vm.createContext({ Date }), { timeout: 10, displayErrors: true })),
  hook: tried(require('./vm-shared.js')),
};
const later = () => new Promise((resolve) => setTimeout(() => resolve(storage.getStore()), 1));
storage.run('kept', async () => (await 0, later())).then((stored) =>
  require('node:worker_threads').parentPort.postMessage({ ...told, stored, warns: console.warn === warn }),
);
`;

const HOOKS = `module.exports = () => require('node:v8').promiseHooks.createHook({ init: () => {} });`;

async function toldBy(name: string): Promise<unknown> {
  const file = join(folder, name);
  // The SDK's hooks come from a file of this name.
  await writeFile(join(folder, 'vm-shared.js'), HOOKS);
  await writeFile(file, TELLS);
  return new Promise((resolve, reject) => {
    const thread = new threads.Worker(file);
    thread.once('error', reject).once('message', (told) => {
      resolve(told);
      void thread.terminate();
    });
  });
}

it("a workflow thread of the SDK's makes its steps without a limit of their own and follows no promises", async () => {
  expect(await withLeanThreads(() => toldBy('workflow-worker-thread.js'))).toEqual({
    step: 'done',
    hook: 'Workflow threads of Sluice take no stacks of promises.',
    stored: 'kept',
    warns: true,
  });
});

it('other threads, and those of later, are as they would be', async () => {
  const usual = { step: 'Script execution timed out after 10ms', hook: 'done', stored: 'kept', warns: true };
  expect(await withLeanThreads(() => toldBy('other-thread.js'))).toEqual(usual);
  expect(await toldBy('workflow-worker-thread.js')).toEqual(usual);
  await expect(withLeanThreads(() => Promise.reject(new Error('no server')))).rejects.toThrow('no server');
  expect(threads.Worker).toBe(Worker);
});

it('a thread that hangs is ended with a sentence, one that beats is not', async () => {
  const started = (code: string): { thread: Worker; ended: Promise<string> } => {
    const beats = new Int32Array(new SharedArrayBuffer(4));
    const thread = new Worker(code, { eval: true, workerData: beats });
    const ended = new Promise<string>((resolve) => {
      thread.once('error', ({ message }) => resolve(message)).once('exit', (code) => resolve(`ended with ${code}`));
    });
    watchBeats(thread, beats, 100);
    return { thread, ended };
  };
  const beating = started(`setInterval(() => Atomics.add(require('node:worker_threads').workerData, 0, 1), 10)`);
  const hanging = started('for (;;);');
  expect(await hanging.ended).toBe('A step of a workflow has taken more than 1.2 s: its thread is ended.');
  await once(hanging.thread, 'exit');
  const first = await Promise.race([
    beating.ended,
    new Promise((resolve) => setTimeout(() => resolve('beats'), 2_400)),
  ]);
  expect(first).toBe('beats');
  await beating.thread.terminate();
});
