/** What Sluice hands on to Temporal and shows there: plugins, details of a run, ready lists; and what is too large for it. */
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker, type WorkerPlugin } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../client/index.ts';
import { listQueries } from '../../../contracts/operate/list-queries.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { SluicePlugin } from '../../../workers/index.ts';
import { single } from '../../fixtures/forest.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { workflowBundle } from '../../setup/programs/programs.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('Temporal, as people see it', () => {
  let api: FakeApi;
  let world: World;
  const settings = () => ({
    taskQueue: world.taskQueue,
    concurrency: 20,
    dbConnections: 5,
    egress: 'default',
    drainSeconds: 1,
    logLevel: 'error',
  });

  beforeAll(async () => {
    api = await startForestApi({ notes: 15 });
    world = await createWorld([single], { workers: 0 });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('gets the plugins of a worker for each of its roles, and those of a client', async () => {
    const seen: string[] = [];
    const plugin: WorkerPlugin = {
      name: 'seen',
      configureWorker: (options) => {
        seen.push(options.taskQueue);
        return options;
      },
    };
    const worker = await world.startWorker({ plugins: [plugin] });
    expect(seen.toSorted()).toEqual(['', '-background', '-interactive'].map((role) => `${world.taskQueue}${role}`));
    const asked: string[] = [];
    const client = await connect({
      databaseUrl: world.db.url,
      temporal: { address: temporalAddress() },
      taskQueue: world.taskQueue,
      plugins: [{ name: 'asked', configureClient: (options) => (asked.push(options.namespace ?? ''), options) }],
    });
    expect(asked).toEqual(['default']);
    await client.close();
    await worker.stop();
  });

  it('runs Sluice beside a worker of an app that has the plugin, and both end together', async () => {
    const connection = await NativeConnection.connect({ address: temporalAddress() });
    const options = { syncs: [single], databaseUrl: world.db.url, temporal: { address: temporalAddress() }, settings: settings(), workflowBundle: workflowBundle() }; // prettier-ignore
    const own = await Worker.create({
      connection,
      taskQueue: `${world.taskQueue}-of-the-app`,
      workflowsPath: fileURLToPath(new URL('../../fixtures/other-workflows.ts', import.meta.url)),
      plugins: [new SluicePlugin(options)],
    });
    const running = own.run();
    const run = await world.sluice.start(single, { account: 'p1', input: { id: 'p1' } });
    expect(await run.result()).toMatchObject({ complete: true, rows: 15 });
    own.shutdown();
    await running;
    const waiting = await world.sluice.start(single, { account: 'p2', input: { id: 'p2' } });
    expect(await waiting.progress()).toEqual({ state: 'starting' });
    await waiting.cancel();
    await connection.close();
  });

  it('tells of a run what it is and where to read more', async () => {
    const { raw } = await world.temporal.workflow.getHandle('sync/single/p1').describe();
    const payload = raw.executionConfig?.userMetadata?.details?.data;
    expect(Buffer.from(payload ?? []).toString()).toContain("npx sluice status 'sync/single/p1'");
  });

  it('answers every list that `sluice queries` prints, with links to the Web UI', async () => {
    for (const { query } of listQueries({ account: 'a "quoted" one', sync: 'single', tenant: 't', provider: 'forest' }))
      expect((await world.temporal.workflow.count(query)).count, query).toBe(0);
    const [open] = listQueries({ account: 'p1' });
    expect(open?.query).toBe('WorkflowType = "sync" and ExecutionStatus = "Running" and SluiceAccount = "p1"');
    const said = await command(['queries', '--account', 'p1'], { SLUICE_TEMPORAL_UI_URL: 'http://ui.example/' });
    expect(said.code).toBe(0);
    expect(said.output).toContain(
      `runs that are going on\n  ${open?.query}\n  http://ui.example/namespaces/default/workflows?query=WorkflowType`,
    );
  });

  it('is never given an input that is too large for it: the start says so in a sentence, and leaves nothing behind', async () => {
    const input = { id: 'x'.repeat(3 * 2 ** 20) };
    await expect(world.sluice.start(single, { account: 'large', input })).rejects.toThrow(
      'The input of sync "single" has 3073 KiB as JSON, and may have 512: it is part of every history of its run.',
    );
    expect(await world.sluice.reports.list({ account: 'large' })).toEqual([]);
    const fits = await world.sluice.start(single, { account: 'large', input: { id: 'x'.repeat(500_000) } });
    expect(await fits.progress()).toEqual({ state: 'starting' });
    await fits.cancel();
  });
});
