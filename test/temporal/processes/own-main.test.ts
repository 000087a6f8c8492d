import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { connect } from '../../../client/index.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { createTestDatabase } from '../../setup/servers/database.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { forest } from '../../fixtures/forest.ts';

const main = fileURLToPath(new URL('../../fixtures/own-main.ts', import.meta.url));

it('a worker with a main file of its own finds its servers, and ends by itself after SIGTERM', async () => {
  const api = await startForestApi({ friends: 3, posts: 4 });
  const db = await createTestDatabase();
  const temporal = { address: temporalAddress() };
  const taskQueue = `own-main-${process.pid}`;
  const child = spawn(process.execPath, ['--import', 'tsx', main], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DATABASE_URL: db.url,
      TEMPORAL_ADDRESS: temporal.address,
      SLUICE_TASK_QUEUE: taskQueue,
      FOREST_URL: api.url,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const ended = once(child, 'close');
  const sluice = await connect({ databaseUrl: db.url, temporal, taskQueue });
  try {
    const run = await sluice.start(forest, { account: 'a1', input: { id: 'u' } });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 15 });
    child.kill('SIGTERM');
    const [code, signal] = (await ended) as [number | null, string | null];
    expect({ code, signal, output }).toMatchObject({ code: 0, signal: null });
    expect(output).toMatch(/serving[^]*drained/);
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
    await sluice.close();
    await api.stop();
    await db.drop();
  }
});
