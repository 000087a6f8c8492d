/** What workers say on a day on which all is well: every line is JSON, none is a warning, and nothing comes from elsewhere. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { connect } from '../../../client/index.ts';
import { forest, single } from '../../fixtures/forest.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { startWorkerProcess } from '../../setup/programs/worker-process.ts';
import { createTestDatabase } from '../../setup/servers/database.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

interface Line {
  readonly level: number;
  readonly msg: string;
}

it("a healthy day of two workers has no warning and no line that is not the log's own", async () => {
  const api = await startForestApi({ friends: 6, posts: 25, notes: 95 });
  const db = await createTestDatabase();
  const taskQueue = `healthy-${randomUUID().slice(0, 8)}`;
  const worker = () =>
    startWorkerProcess({
      module: 'forest.ts',
      databaseUrl: db.url,
      taskQueue,
      // A limit that calls wait for: that is no failure, and no line.
      env: { FOREST_URL: api.url, FOREST_MAX: '30', SLUICE_DRAIN_SECONDS: '10' },
    });
  const client = await connect({ databaseUrl: db.url, temporal: { address: temporalAddress() }, taskQueue });
  const workers = [await worker(), await worker()];
  try {
    const start = (account: string) => client.start(forest, { account, input: { id: account } });
    const [first, second, cancelled] = await Promise.all([start('h1'), start('h2'), start('h3')]);
    const person = await client.start(single, { account: 'h1', input: { id: 'h1' }, priority: 'interactive' });
    await expect.poll(() => api.report().calls, { interval: 20 }).toBeGreaterThan(20);
    await second.pause();
    await cancelled.cancel();
    await second.resume();
    // A restart in the middle.
    workers.push(await worker());
    expect(await workers[0]?.stop()).toBe(0);
    for (const run of [first, second, person]) expect(await run.result()).toMatchObject({ complete: true, flaws: [] });
    for (const each of workers.slice(1)) expect(await each.stop()).toBe(0);
    const said = workers.map((each) => each.said());
    const lines = said.flatMap((each) => each.lines.map((line) => JSON.parse(line) as Line));
    expect(lines.length).toBeGreaterThan(8);
    // Where the machine that tests run on is too busy, the day was not healthy in this one way.
    const warnings = lines.filter(({ level, msg }) => level > 30 && !msg.startsWith('this worker is late'));
    expect(warnings).toEqual([]);
    expect(said.map(({ errors }) => errors)).toEqual(['', '', '']);
    expect(lines.map(({ msg }) => msg)).toContain('worker has ended');
  } finally {
    await Promise.all(workers.map((each) => each.kill()));
    await client.close();
    await db.drop();
    await api.stop();
  }
});
