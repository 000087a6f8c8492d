import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeApi } from '../../../testing/index.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { sluice, startSluice, type Finished } from '../../setup/programs/command-line.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { built } from '../../setup/programs/programs.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

describe('the command line', () => {
  const fixture = built('test/fixtures/forest.ts');
  let api: FakeApi;
  let db: TestDatabase;
  let worker: WorkerProcess;
  const taskQueue = `cli-${process.pid}`;
  let env: Record<string, string>;

  beforeAll(async () => {
    api = await startForestApi({ latencyMs: 20 });
    db = await createTestDatabase();
    env = {
      DATABASE_URL: db.url,
      TEMPORAL_ADDRESS: temporalAddress(),
      SLUICE_TASK_QUEUE: taskQueue,
      FOREST_URL: api.url,
    };
    worker = await startWorkerProcess({
      module: 'forest.ts',
      databaseUrl: db.url,
      taskQueue,
      env: { FOREST_URL: api.url },
    });
  });
  afterAll(async () => {
    await worker?.kill();
    await api?.stop();
    await db?.drop();
  });

  it('starts a run, waits for it, shows its tree and its state afterwards', async () => {
    const started = await sluice(
      ['start', 'forest', '--module', fixture, '--account', 'a1', '--input', '{"id":"u"}', '--full', '--wait'],
      env,
    );
    expect(started).toMatchObject({ code: 0 });
    expect(started.output).toContain('sync/forest/a1');
    expect(started.output).toMatch(/posts\s+done\s+0\s+0\s+12\s+0\s+0\s+36\s+300\s+36/);
    const status = await sluice(['status', 'sync/forest/a1', '--json'], env);
    expect(JSON.parse(status.output.trim().split('\n').at(-1) as string)).toMatchObject({
      state: 'done',
      account: 'a1',
    });
    // One screen of an ended run, and it leaves.
    const watched = await sluice(['watch', 'sync/forest/a1', '--every', '0.2'], env);
    expect(watched).toMatchObject({
      code: 0,
      output: expect.stringMatching(/every 0\.2 s\s+sync\/forest\/a1 {2}done/),
    });
    expect((await sluice(['watch', '--every', '0'], env)).output).toContain('0.2 to 3,600');
    const unknown = await sluice(['status', 'sync/forest/nobody'], env);
    expect(unknown).toMatchObject({ code: 1 });
    expect(unknown.output).toContain('unknown');
  });

  it('says why a run is not complete, and reads what failed again', async () => {
    const start = [
      'start',
      'forest',
      '--module',
      fixture,
      '--account',
      'a3',
      '--input',
      '{"id":"w"}',
      '--wait',
      '--full',
    ];
    api.script('/users/w-f0/posts', [{ status: 409 }]);
    const started = await sluice(start, env);
    const why = /posts: 1 × failed, e\.g\. "w-f0": HTTP 409/;
    expect(started).toMatchObject({ code: 1, output: expect.stringMatching(why) });
    expect((await sluice(['status', 'sync/forest/a3'], env)).output).toMatch(why);
    const again = await sluice(['retry', 'sync/forest/a3', '--wait'], env);
    expect(again).toMatchObject({ code: 0, output: expect.not.stringContaining('HTTP 409') });
    expect((await sluice(['retry', 'sync/forest/nobody'], env)).code).toBe(1);
  });

  it('says what is wrong and what to do, without a stack', async () => {
    const wrongInput = await sluice(
      ['start', 'forest', '--module', fixture, '--account', 'a1', '--input', '{oops'],
      env,
    );
    expect(wrongInput).toMatchObject({ code: 1 });
    expect(wrongInput.output).toContain('It is not JSON');
    const misfit = await sluice(
      ['start', 'forest', '--module', fixture, '--account', 'a1', '--input', '{"id":7}'],
      env,
    );
    expect(misfit.output).toBe(
      '--input of "forest" does not fit: id: Invalid input: expected string, received number\n',
    );
    const wrongSync = await sluice(['start', 'woods', '--module', fixture, '--account', 'a1'], env);
    expect(wrongSync.output).toContain('There is no sync "woods"; the module has forest');
    const wrongSettings = await sluice(['worker', '--module', fixture], {
      ...env,
      SLUICE_CONCURRENCY: 'many',
      SLUICE_LOG_LEVEL: 'loud',
    });
    expect(wrongSettings).toMatchObject({ code: 1 });
    expect(wrongSettings.output).toContain('SLUICE_CONCURRENCY is "many"');
    expect(wrongSettings.output).toContain('SLUICE_LOG_LEVEL is "loud"');
    for (const { output } of [wrongInput, wrongSync, wrongSettings]) expect(output).not.toContain('    at ');
  });

  it('lists limits, pauses and resumes them, and overrides one', async () => {
    const limits = async (...args: string[]): Promise<Finished> => sluice(['limits', ...args], env);
    expect((await limits('list')).output).toMatch(/forest\/app\/app\s+free\s+0 waiting\s+\d+ of 100000 used/);
    expect(await limits('pause', 'forest/app/app', '--why', 'maintenance')).toMatchObject({ code: 0 });
    expect((await limits('show', 'forest/app/app')).output).toMatch(/paused[\s\S]*maintenance/);
    expect(await limits('resume', 'forest/app/app')).toMatchObject({ code: 0 });
    expect(await limits('resume', 'forest/*')).toMatchObject({
      code: 0,
      output: expect.stringContaining('nothing to resume'),
    });
    expect(await limits('resume', 'woods/*')).toMatchObject({
      code: 1,
      output: expect.stringContaining('no such key'),
    });
    expect((await limits('pause', 'wodos/*')).output).toContain('nothing of that name was ever called');
    expect(await limits('resume', 'wodos/*')).toMatchObject({ code: 0 });
    expect(await limits('override', 'forest/app/app', '--max', '50')).toMatchObject({ code: 0 });
    expect((await limits('list', '--json')).output).toContain('"max":50');
    expect(await limits('override', 'forest/app/app')).toMatchObject({ code: 0 });
    const unknown = await limits('forget', 'forest/app/nobody');
    expect(unknown).toMatchObject({ code: 1 });
    expect(unknown.output).toContain('no such key');
    expect(await limits('show', 'forest/app/nobody', '--json')).toEqual({ code: 1, output: 'null\n' });
  });

  it('names the calls that wait for a limit by their run and list', async () => {
    await sluice(['limits', 'pause', 'forest/*', '--why', 'a look'], env);
    const of = ['start', 'forest', '--module', fixture, '--account', 'a7', '--input', '{"id":"q"}'];
    expect(await sluice(of, env)).toMatchObject({ code: 0 });
    const shown = (): Promise<Finished> => sluice(['limits', 'show', 'forest/app/app'], env);
    await expect.poll(async () => (await shown()).output).toMatch(/^ {4}sync\/forest\/a7 {2}friends {2}in about /m);
    expect((await shown()).output).not.toContain('unit/');
    await sluice(['limits', 'resume', 'forest/*'], env);
    await expect.poll(async () => (await sluice(['status', 'sync/forest/a7'], env)).output).toMatch(/a7 {2}done/);
  });

  it('drains on SIGTERM: calls in flight end, another worker goes on, no call is repeated', async () => {
    api.reset();
    const started = await sluice(
      ['start', 'forest', '--module', fixture, '--account', 'a2', '--input', '{"id":"v"}'],
      env,
    );
    expect(started).toMatchObject({ code: 0 });
    await expect.poll(() => api.report().calls, { interval: 5, timeout: 20_000 }).toBeGreaterThan(4);
    const [code] = await Promise.all([
      worker.stop(),
      startWorkerProcess({ module: 'forest.ts', databaseUrl: db.url, taskQueue, env: { FOREST_URL: api.url } }).then(
        (next) => (worker = next),
      ),
    ]);
    expect(code).toBe(0);
    await expect
      .poll(async () => (await sluice(['status', 'sync/forest/a2', '--json'], env)).output, {
        timeout: 60_000,
      })
      .toContain('"state":"done"');
    expect(api.report().repeated).toEqual([]);
  });

  it.concurrent(
    'brings servers and a worker with `dev`, and leaves nothing behind after Ctrl-C',
    { timeout: 180_000 },
    async ({ expect }) => {
      const dataDir = await mkdtemp(join(tmpdir(), 'sluice-cli-dev-'));
      // From the sources, with a module in TypeScript: `tsx` is passed on to the worker, which makes its own bundle.
      const module = fileURLToPath(new URL('../../fixtures/forest.ts', import.meta.url));
      const dev = startSluice(
        ['dev', '--module', module, '--data-dir', dataDir],
        { FOREST_URL: api.url, DATABASE_URL: '', TEMPORAL_ADDRESS: '', SLUICE_TASK_QUEUE: '' },
        { fromSources: true },
      );
      try {
        await expect.poll(dev.said, { timeout: 90_000 }).toContain('worker is serving');
        const web = /Web UI\s+(http:\S+)/.exec(dev.said())?.[1] as string;
        expect((await fetch(web)).status).toBe(200);
        const dashboard = /Dashboard\s+(http:\S+)/.exec(dev.said())?.[1] as string;
        expect(await (await fetch(dashboard)).text()).toContain('<h1>Overview</h1>');
        dev.child.kill('SIGINT');
        const { code } = await dev.finished;
        expect(code).toBe(0);
        await expect(fetch(web)).rejects.toThrow();
      } finally {
        dev.child.kill('SIGKILL');
        await rm(dataDir, { recursive: true, force: true });
      }
    },
  );

  it.concurrent(
    'keeps servers up without a worker, and other terminals find those of a folder of its own',
    { timeout: 180_000 },
    async ({ expect }) => {
      const dataDir = await mkdtemp(join(tmpdir(), 'sluice-cli-dev-'));
      const bare = { DATABASE_URL: '', TEMPORAL_ADDRESS: '', SLUICE_TASK_QUEUE: '' };
      const dev = startSluice(['dev', '--no-worker', '--data-dir', dataDir], bare);
      try {
        await expect.poll(dev.said, { timeout: 90_000 }).toContain(`export SLUICE_DEV_DIR=${dataDir}`);
        const status = await sluice(['status', 'sync/forest/nobody'], { ...bare, SLUICE_DEV_DIR: dataDir });
        expect(status.output).toContain('unknown: no such run');
        expect(dev.child.exitCode).toBeNull();
        dev.child.kill('SIGINT');
        expect(await dev.finished).toMatchObject({ code: 0 });
      } finally {
        dev.child.kill('SIGKILL');
        await rm(dataDir, { recursive: true, force: true });
      }
    },
  );
});
