/** Postgres is put back to an earlier moment behind Temporal, while runs are going on and after some have ended. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Sluice } from '../../../client/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { createWorker, type SluiceWorker } from '../../../workers/index.ts';
import { single } from '../../fixtures/forest.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { workflowBundle } from '../../setup/programs/programs.ts';
import { startRestorablePostgres, type RestorablePostgres } from '../../setup/servers/restorable-postgres.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

const NOTES = 600;
const PAGES = NOTES / 10 + 1;

describe('Postgres is put back to an earlier moment', () => {
  let api: FakeApi;
  let postgres: RestorablePostgres;
  let worker: SluiceWorker;
  let serving: Promise<void>;
  let sluice: Sluice;
  beforeAll(async () => {
    api = await startForestApi({ latencyMs: 40, notes: NOTES, posts: 10 });
    postgres = await startRestorablePostgres();
    const taskQueue = `restore-${randomBytes(4).toString('hex')}`;
    const common = { databaseUrl: postgres.url(), temporal: { address: temporalAddress() } };
    const settings = {
      taskQueue,
      concurrency: 100,
      dbConnections: 10,
      egress: 'default',
      drainSeconds: 1,
      logLevel: 'silent',
    };
    worker = await createWorker({ ...common, syncs: [single], settings, workflowBundle: workflowBundle() });
    serving = worker.run();
    sluice = await connect({ ...common, taskQueue });
  });
  afterAll(async () => {
    await sluice?.close();
    worker?.shutdown();
    await serving;
    await postgres?.end();
    await api?.stop();
  });

  const start = (account: string) => sluice.start(single, { account, input: { id: account } });
  const pagesOf = async (account: string): Promise<number> => {
    const progress = await sluice.run({ sync: single, account }).progress();
    return 'nodes' in progress ? (progress.nodes[0]?.pages ?? 0) : 0;
  };
  const hasPages = (account: string, least: number) =>
    expect.poll(() => pagesOf(account), { interval: 50 }).toBeGreaterThan(least);

  it('each run goes on, or ends as failed and can be started again; none says for ever that it is running', async () => {
    const ends = await start('ends-after');
    const goesOn = await start('goes-on');
    await hasPages('ends-after', 3);
    await hasPages('goes-on', 3);
    await goesOn.pause();
    await postgres.save();

    expect(await ends.result()).toMatchObject({ state: 'done', rows: NOTES });
    const begins = await start('begins-after');
    await hasPages('begins-after', 3);
    await goesOn.resume();
    await hasPages('goes-on', 8);
    await postgres.restore();

    // It goes on at the page that the database has.
    await goesOn.resume();
    expect(await goesOn.result()).toMatchObject({ state: 'done', rows: NOTES });
    // The database knows nothing of it any more.
    await expect(begins.result()).rejects.toMatchObject({ cause: { cause: { type: 'gone' } } });
    // Its workflow has ended, and the database had it in the middle: any worker notices it.
    await postgres.pool().query(`update sluice.report set check_at = clock_timestamp() where status = 'pending'`);
    await expect.poll(async () => (await ends.progress()).state).toBe('failed');
    expect(await ends.progress()).toMatchObject({ error: expect.stringContaining('Start it again') as string });
    expect(await sluice.reports.list({ workflowId: ends.workflowId })).toMatchObject([
      { status: 'failed', errorType: 'gone' },
    ]);

    for (const account of ['ends-after', 'begins-after'])
      expect(await (await start(account)).result()).toMatchObject({ state: 'done', complete: true });
    const { calls } = api.report();
    expect(calls).toBeGreaterThan(3 * PAGES);
    for (const account of ['ends-after', 'begins-after', 'goes-on']) {
      const keys = new Set<string>();
      for await (const { key } of sluice.records(single.notes, { account })) keys.add(key);
      expect(keys.size).toBe(NOTES);
    }
  });
});
