import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { withShortStacks } from '../../../workers/limit-stack-traces.ts';

const limitOfNewContexts = (): number => Number(runInNewContext('Error.stackTraceLimit'));
const limitOfNewThread = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const code = `require('node:worker_threads').parentPort.postMessage(require('node:vm').runInNewContext('Error.stackTraceLimit'))`;
    new Worker(code, { eval: true }).once('message', resolve).once('error', reject);
  });

it('threads that are made meanwhile have short stacks; this one and later ones have what they had', async () => {
  const before = limitOfNewContexts();
  const own = Error.stackTraceLimit;
  expect(before).toBeGreaterThan(4);
  const [thread, outer] = await Promise.all([
    withShortStacks(limitOfNewThread),
    withShortStacks(() => Promise.resolve(Error.stackTraceLimit)),
  ]);
  expect(thread).toBe(4);
  expect(outer).toBe(own);
  expect(limitOfNewContexts()).toBe(before);
});

it('gives the limit back when nothing could be made', async () => {
  const before = limitOfNewContexts();
  await expect(withShortStacks(() => Promise.reject(new Error('no server')))).rejects.toThrow('no server');
  expect(limitOfNewContexts()).toBe(before);
});
