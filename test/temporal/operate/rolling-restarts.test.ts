/** Plain rolling restarts: two builds side by side, over a schema change, and where the next one has renamed a node. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartedRun } from '../../../client/index.ts';
import { migrate } from '../../../db/migrate.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { single } from '../../fixtures/forest.ts';
import { newAccount, startForestApi } from '../../setup/forest-api.ts';
import { buildOfGrove } from '../../setup/two-builds.ts';
import { createWorld, type World } from '../../setup/world.ts';

const FRIENDS = 20;
const POSTS = 45;
const NOTES = 25;
const CALLS = FRIENDS / 10 + FRIENDS * 5;
const ROWS = FRIENDS + FRIENDS * POSTS;

describe('workers restarted one after the other under load', () => {
  const one = buildOfGrove('one');
  const two = buildOfGrove('two');
  const renamed = buildOfGrove('three', 'articles');
  let api: FakeApi;
  let world: World;
  let folder: string;

  beforeAll(async () => {
    api = await startForestApi({ friends: FRIENDS, posts: POSTS, notes: NOTES, latencyMs: 150 });
    world = await createWorld([], { workers: 0 });
    folder = await mkdtemp(join(tmpdir(), 'sluice-next-schema-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await world?.end();
    await api?.stop();
  });
  const start = (account = newAccount()): Promise<StartedRun> =>
    world.sluice.start(one, { account, input: { id: account } });
  const storedBy = async (accounts: readonly string[]): Promise<string[]> => {
    const { rows } = await world.db.pool.query<{ build: string }>(
      `select distinct data->>'build' as build from sluice.record where account = any ($1) order by 1`,
      [accounts],
    );
    return rows.map(({ build }) => build);
  };
  const settings = (deployMinutes = 10) => ({
    taskQueue: world.taskQueue,
    concurrency: 100,
    dbConnections: 10,
    egress: 'default',
    drainSeconds: 10,
    logLevel: 'error',
    deployMinutes,
  });
  /** Brings the schema of a version to come. */
  const nextSchema = async (): Promise<void> => {
    await cp(new URL('../../../db/migrations/', import.meta.url), folder, { recursive: true });
    const sql = `alter table sluice.unit add column of_tomorrow text default 'x'; alter table sluice.record add column of_tomorrow int;`;
    await writeFile(join(folder, '9001_tomorrow.sql'), sql);
    expect(await migrate(world.db.pool, { directory: pathToFileURL(`${folder}/`) })).toEqual(['9001_tomorrow.sql']);
  };

  it('lose no run and make no call twice, while a schema change comes in between and the older build starts again on it', async () => {
    const accounts = ['r1', 'r2', 'r3'];
    const before = api.report().calls;
    const made = () => api.report().calls - before;
    const old = await world.startWorker({ syncs: [one], settings: settings() });
    const runs = await Promise.all(accounts.map(start));
    await expect.poll(made, { interval: 20 }).toBeGreaterThan(30);
    await nextSchema();
    const next = await world.startWorker({ syncs: [two], settings: settings() });
    await old.stop();
    await expect.poll(() => storedBy(accounts), { interval: 50 }).toEqual(['one', 'two']);
    // Back to the build before: its schema is older than the database.
    const back = await world.startWorker({ syncs: [one], settings: settings() });
    await next.stop();
    for (const result of await Promise.all(runs.map((run) => run.result())))
      expect(result).toMatchObject({ state: 'done', complete: true, flaws: [], rows: ROWS });
    expect(made()).toBe(accounts.length * CALLS);
    expect(api.report()).toMatchObject({ repeated: [] });
    await back.stop();
  });

  it('leave a run to those that have its nodes, say so, and go on with it when such a one comes back', async () => {
    const old = await world.startWorker({ syncs: [one], settings: settings() });
    const run = await start('w1');
    await expect.poll(() => storedBy(['w1'])).toEqual(['one']);
    const next = await world.startWorker({ syncs: [renamed], settings: settings() });
    await old.stop();
    const lack =
      /the build of this worker has no node "posts" below "friends" in sync "grove": a worker of the build before can go on/;
    await expect.poll(async () => (await run.waits()).map(({ text }) => text).join('\n')).toMatch(lack);
    const back = await world.startWorker({ syncs: [one], settings: settings() });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, flaws: [], rows: ROWS });
    // The one without the node has stored nothing of it, also of nodes that it has.
    expect(await storedBy(['w1'])).toEqual(['one']);
    await next.stop();
    await back.stop();
  });

  it('leave a run to another program of the same task queue, however long they have been there', async () => {
    const other = await world.startWorker({ syncs: [one], settings: settings(0) });
    const its = await world.startWorker({ syncs: [single], settings: settings(0) });
    // Some runs, since any of the two may be handed a workflow.
    const accounts = Array.from({ length: 6 }, newAccount);
    const runs = await Promise.all(
      accounts.map((account) => world.sluice.start(single, { account, input: { id: account } })),
    );
    for (const run of runs) expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: NOTES });
    await its.stop();
    await other.stop();
  });

  it('end what is open of a run whose node is gone, when the deploy is over, with the reason; a new start reads all', async () => {
    const old = await world.startWorker({ syncs: [one], settings: settings() });
    const run = await start('g1');
    await expect.poll(() => storedBy(['g1'])).toEqual(['one']);
    const next = await world.startWorker({ syncs: [renamed], settings: settings(0) });
    await old.stop();
    const result = await run.result();
    expect(result).toMatchObject({ state: 'incomplete', complete: false });
    const reasons: (string | null)[] = [];
    for await (const { reason } of world.sluice.flawedLists(result.runId)) reasons.push(reason);
    expect(reasons.length).toBeGreaterThan(0);
    for (const reason of reasons)
      expect(reason).toMatch(
        /no node "posts" below "friends" in sync "grove" any more: it was renamed or removed.*start the sync again/,
      );
    const again = await world.sluice.start(renamed, { account: 'g1', input: { id: 'g1' } });
    expect(await again.result()).toMatchObject({ state: 'done', complete: true, rows: ROWS });
    await next.stop();
  });
});
