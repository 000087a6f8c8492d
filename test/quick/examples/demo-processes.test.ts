import { expect, it } from 'vitest';
import { startWorkerProcess, untilNoneIsLeft } from '../../../examples/bluesky/demo-processes.ts';

it('the demo says why its workers have ended, and does not wait for what nobody does any more', async () => {
  const nowhere = 'postgres://nobody@127.0.0.1:1/none';
  const where = {
    databaseUrl: nowhere,
    temporalAddress: '127.0.0.1:1',
    taskQueue: 'none',
    pdsUrl: 'http://127.0.0.1:1',
    limit: 1,
    windowSeconds: 1,
  };
  const workers = [1, 2].map((number) => startWorkerProcess(number, where, false));
  await expect(untilNoneIsLeft(workers)).rejects.toThrow(/Every worker has ended.*worker-2\.log[\s\S]*ECONNREFUSED/);
}, 60_000);
