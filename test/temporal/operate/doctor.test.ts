/** Faults that are planted on real servers, and what `sluice doctor` says of each. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Client as PgClient } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { diagnose, type DiagnoseOptions, type Finding, type WorkerList } from '../../../client/index.ts';
import { ROLES, taskQueueOf } from '../../../contracts/names.ts';
import { findTemporalBinary } from '../../../dev-servers/index.ts';
import { freePort } from '../../../dev-servers/free-port.ts';
import { temporalAnswers } from '../../../dev-servers/temporal/temporal-launch.ts';
import { forest } from '../../fixtures/forest.ts';
import { hourly } from '../../fixtures/scheduled.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { built } from '../../setup/programs/programs.ts';
import { waitForDisk } from '../../setup/servers/postgres.ts';
import { postgresServer, temporalAddress } from '../../setup/servers/servers.ts';
import { startWorkerProcess } from '../../setup/programs/worker-process.ts';
import { createWorld, type World } from '../../setup/world.ts';

let world: World;
beforeAll(async () => {
  await waitForDisk(postgresServer(), 'on');
  world = await createWorld([forest], { encryptionKeys: TEST_KEYS });
});
afterAll(async () => {
  await world?.end();
  await waitForDisk(postgresServer(), 'off');
});

const examine = (options: DiagnoseOptions = {}): Promise<readonly Finding[]> =>
  diagnose({
    databaseUrl: world.db.url,
    temporal: { address: temporalAddress() },
    taskQueue: world.taskQueue,
    encryptionKeys: TEST_KEYS,
    probe: false,
    ...options,
  });
/** What is not `ok`, and says what to do. */
const faults = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ check, status, todo }) => (status === 'ok' ? [] : [`${check} ${status}${todo ? '' : ' !'}`]));
const named = (findings: readonly Finding[], check: string): Finding | undefined =>
  findings.find((found) => found.check === check && found.status !== 'ok');
const admin = (sql: string) => world.db.pool.query(sql);
const database = () => `"${new URL(world.db.url).pathname.slice(1)}"`;

/** `TASK_QUEUE_TYPE_ACTIVITY` of Temporal's API. */
const ACTIVITY = 2;
/** What these servers are and tests can't change. */
const ALWAYS = ['drain-of-pollers advice'];
/** Besides, without a probe. */
const UNPROBED = ['drain-of-pollers advice', 'clock-of-temporal unknown', 'timers unknown', 'fairness unknown'];

describe('doctor', () => {
  it('finds nothing wrong on servers that are well, and leaves nothing behind there', async () => {
    const findings = await examine({ probe: true });
    expect(faults(findings)).toEqual(ALWAYS);
    expect(findings.length).toBeGreaterThanOrEqual(25);
    expect(named(findings, 'clock-of-temporal')).toBeUndefined();
    expect(findings.find(({ check }) => check === 'workers')?.found).toMatch(/^1 worker for task queue "test-/);
    expect(findings.find(({ check }) => check === 'worker-versions')?.found).toMatch(/^1 × \d+\.\d+\.\d+$/);
    const left = 'WorkflowType = "sluice-doctor" and ExecutionStatus = "Running"';
    await expect.poll(async () => (await world.temporal.workflow.count(left)).count).toBe(0);
  });

  it('counts workers that are there, and names apart those that have ended and whom Temporal still knows', async () => {
    const of = { module: 'forest.ts', databaseUrl: world.db.url, taskQueue: world.taskQueue };
    const other = await startWorkerProcess({ ...of, env: { SLUICE_ENCRYPTION_KEYS: TEST_KEYS } });
    const served = async () => (await examine()).find(({ check }) => check === 'workers')?.found;
    await expect.poll(served).toMatch(/^2 workers for task queue "test-[^"]+" \(asked within the last 75 s\)$/);
    await other.stop();
    expect(await served()).toMatch(/^1 worker for task queue .*; 1 other asked within the last 75 s and has ended$/);
    expect((await world.sluice.workers.list()).workers).toHaveLength(1);
  });

  describe('of a database', () => {
    afterEach(async () => {
      for (const name of ['synchronous_commit', 'default_transaction_isolation', 'default_transaction_read_only'])
        await admin(`alter database ${database()} reset ${name}`);
      await admin(`alter database ${database()} connection limit -1`);
      await admin('alter table sluice.limit_ticket reset (autovacuum_enabled)');
      await admin('vacuum sluice.limit_ticket');
    });

    it('names settings that lose what was stored, too few connections, and vacuum that was switched off', async () => {
      for (const [name, value] of Object.entries({
        synchronous_commit: 'off',
        default_transaction_isolation: 'serializable',
        default_transaction_read_only: 'on',
      }))
        await admin(`alter database ${database()} set ${name} = '${value}'`);
      await admin(`alter database ${database()} connection limit 12`);
      await admin('alter table sluice.limit_ticket set (autovacuum_enabled = false)');
      await admin(`insert into sluice.limit_ticket (bucket_id, call_key, account, class, tag, cost, created_us, eta_us, lapse_us)
        select 1, 'dead/' || n, 'a', 1, 0, 1, 0, 0, 0 from generate_series(1, 12000) n`);
      await admin(`delete from sluice.limit_ticket where bucket_id = 1`);
      const holder = new PgClient({ connectionString: world.db.url, application_name: 'a forgotten shell' });
      holder.on('error', () => {}); // the database is dropped with it when a test has failed
      await holder.connect();
      await holder.query('begin read only');
      await holder.query('select 1');
      // Postgres counts dead rows when a connection has been idle for a moment.
      const found = () => examine({ longTransactionMs: 0 });
      await expect
        .poll(async () => named(await found(), 'vacuum-lag')?.found, { timeout: 20_000 })
        .toMatch(/limit_ticket has 12000 dead/);
      const findings = await found();
      await holder.query('rollback');
      await holder.end();
      expect(faults(findings)).toEqual([
        'database-writable wrong',
        'transaction-isolation wrong',
        'synchronous-commit wrong',
        'max-connections wrong',
        'long-transactions wrong',
        'autovacuum wrong',
        'vacuum-lag wrong',
        ...UNPROBED,
      ]);
      expect(named(findings, 'max-connections')).toMatchObject({
        wanted: expect.stringMatching(/^15 or more/) as string,
      });
      expect(named(findings, 'long-transactions')?.found).toContain('a forgotten shell');
      expect(named(findings, 'autovacuum')?.found).toBe('switched off for sluice.limit_ticket');
    });

    it('names a role that may not do what a worker does, and how to grant it', async () => {
      const role = `poor_${world.taskQueue.replace('-', '_')}`;
      await admin(`create role ${role} login password 'pw'`);
      await admin(`grant usage on schema sluice to ${role}; grant select on sluice.migration to ${role}`);
      const url = new URL(world.db.url);
      url.username = role;
      url.password = 'pw';
      const findings = await examine({ databaseUrl: url.href });
      const rights = named(findings, 'schema-permissions');
      expect(rights).toMatchObject({ status: 'wrong', todo: expect.stringContaining(`--grant ${role}`) as string });
      expect(rights?.found).toMatch(/lacks delete on account/);
      await admin(`drop owned by ${role}; drop role ${role}`);
    });

    it('names a schema that lacks a migration or has an edited one', async () => {
      const { rows } = await world.db.pool.query<{ checksum: string }>(
        'select checksum from sluice.migration where number = 1',
      );
      await admin(`update sluice.migration set checksum = 'x' where number = 1`);
      expect(named(await examine(), 'schema-version')?.found).toContain('was applied with other contents');
      await admin(`update sluice.migration set checksum = '${rows[0]?.checksum}', number = -1 where number = 1`);
      expect(named(await examine(), 'schema-version')?.found).toContain('lacks 0001_baseline.sql');
      await admin('update sluice.migration set number = 1 where number = -1');
      await admin(`insert into sluice.migration (number, name, checksum) values (999, '0999_later.sql', 'y')`);
      expect(named(await examine(), 'schema-version')).toMatchObject({ status: 'advice' });
      await admin('delete from sluice.migration where number = 999');
    });

    it('names one that is away, and servers that nobody has named', async () => {
      const url = new URL(world.db.url);
      url.port = String(await freePort());
      expect(faults(await examine({ databaseUrl: url.href }))).toEqual(['database-reachable wrong', ...UNPROBED]);
      url.port = new URL(world.db.url).port;
      url.pathname = '/there_is_none';
      expect(named(await examine({ databaseUrl: url.href }), 'database-reachable')?.found).toContain('does not exist');
    });
  });

  it('names keys that are missing, are not understood, or are others than those that encrypted', async () => {
    const name = { provider: 'forest', account: 'keys' };
    await world.sluice.accounts.connect({ ...name, credentials: { accessToken: 'at_0123456789abcdef' } });
    const other = Buffer.alloc(32, 9).toString('base64');
    const says = async (encryptionKeys: string) => named(await examine({ encryptionKeys }), 'encryption-keys')?.found;
    expect(await says(`k9:${other}`)).toMatch(/^1 secret of key "k1" can't be opened: .*has "k9"/);
    expect(await says(`k1:${other}`)).toContain('another one than had this id');
    expect(await says('k1:c2hvcnQ=')).toContain('5 bytes');
    expect(await says('')).toContain('There is no key');
    expect(await says(TEST_KEYS)).toBeUndefined();
    const audited = await world.sluice.accounts.secretUses({ account: 'keys' });
    expect(audited.map(({ what }) => what)).toEqual(['connected']);
    await world.sluice.accounts.disconnect(name);
  });

  it('names task queues that nobody serves, a rate that was set for one, and workers of another version', async () => {
    expect(faults(await examine({ taskQueue: 'nobody-is-here' }))).toEqual([
      ...UNPROBED,
      ...Array.from({ length: 3 }, () => 'workers wrong'),
    ]);
    const { workflowService, options } = world.temporal;
    const { namespace } = options;
    await world.temporal.workflow.start('sync', {
      workflowId: `sync/forest/lost-${world.taskQueue}`,
      taskQueue: `lost-${world.taskQueue}`,
      args: [{ sync: 'forest', account: 'lost', input: { id: 'x' } }],
    });
    const lost = async () => named(await examine(), 'workers')?.found;
    await expect
      .poll(lost)
      .toBe(`nobody asks for workflow tasks and activity tasks of task queue "lost-${world.taskQueue}"`);
    await world.temporal.workflow.getHandle(`sync/forest/lost-${world.taskQueue}`).terminate();

    await workflowService.updateTaskQueueConfig({
      namespace,
      identity: 'ann',
      taskQueue: world.taskQueue,
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum's package is no dependency of ours
      taskQueueType: ACTIVITY,
      updateQueueRateLimit: { rateLimit: { requestsPerSecond: 5 }, reason: 'a test' },
    });
    // A question goes to any partition of the queue, and the server tells of one of them.
    const ask = () =>
      world.temporal.connection
        .withDeadline(Date.now() + 12_000, () =>
          workflowService.pollWorkflowTaskQueue({
            namespace,
            taskQueue: { name: world.taskQueue },
            identity: 'sluice-0.0.9/1@old',
          }),
        )
        .catch(() => undefined);
    const asking = Promise.all(Array.from({ length: 12 }, ask));
    await expect
      .poll(async () => faults(await examine()))
      .toEqual(expect.arrayContaining(['task-queue-rate advice', 'worker-versions advice']));
    expect(named(await examine(), 'worker-versions')?.found).toMatch(/^1 × 0\.0\.9, 1 × /);
    await asking;
  });

  it('names schedules that drifted from the code, that nobody carries out, and starts that failed', async () => {
    const own = { syncs: [hourly] };
    expect(named(await examine(own), 'schedule-drift')).toMatchObject({
      status: 'wrong',
      found: '2 declarations not in force yet',
      todo: expect.stringContaining('npx sluice schedules apply') as string,
    });
    await world.sluice.schedules.apply([hourly]);
    try {
      const well = await examine(own);
      expect([named(well, 'schedule-drift'), named(well, 'schedules-late')]).toEqual([undefined, undefined]);
      await admin(
        `update sluice.declaration set spec = jsonb_set(spec, '{catchUpMs}', '1') where id = 'hourly' and kind = 'schedule'`,
      );
      expect(named(await examine(own), 'schedule-drift')?.found).toBe('1 declaration otherwise in the code');
      // Without the module nobody knows what they should be.
      expect(named(await examine(), 'schedule-drift')).toBeUndefined();
      await admin(`insert into sluice.due (schedule, account, place, due_at, version, last_outcome, last_error)
        values ('hourly', 'late', 90001, now() - interval '10 minutes', 1, null, null), ('hourly', 'ill', 90002, now() + interval '1 hour', 1, 'failed', 'no such shop')`);
      expect(named(await examine(), 'schedules-late')?.found).toMatch(
        /^hourly of task queue "test-.*" has 1 account that should have been started, the first 10 min ago; hourly has 1 failed start: no such shop$/,
      );
      await world.sluice.schedules.pause('hourly');
      expect(named(await examine(), 'schedules-late')?.found).toMatch(/^hourly has 1 failed start/);
    } finally {
      await world.sluice.schedules.apply([], { removesMany: true });
    }
  });

  it('names a Temporal that is away, and a namespace that is not there', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    expect(faults(await examine({ temporal: { address } }))).toEqual(['temporal-reachable wrong']);
    const missing = await examine({ namespace: 'nowhere' });
    expect(named(missing, 'temporal-namespace')?.found).toMatch(/^"nowhere": .*not found/i);
  });

  describe('of a Temporal server as it comes', () => {
    let server: ChildProcess;
    let address: string;
    beforeAll(async () => {
      const binary = await findTemporalBinary({ log: console.log });
      const port = await freePort();
      address = `127.0.0.1:${port}`;
      const args = [
        'server',
        'start-dev',
        '--headless',
        '--ip',
        '127.0.0.1',
        '--port',
        String(port),
        '--log-level',
        'never',
      ];
      server = spawn(binary, args, { stdio: 'ignore' });
      await vi.waitUntil(() => temporalAnswers(address), { timeout: 60_000, interval: 100 });
    });
    afterAll(async () => {
      if (!server || server.exitCode !== null) return;
      server.kill();
      await once(server, 'exit');
    });

    it('names late timers, and search attributes that are missing or of another type', async () => {
      const findings = await examine({ temporal: { address }, probe: true });
      expect(faults(findings)).toEqual([
        'drain-of-pollers advice',
        'search-attributes wrong',
        'visibility-queries wrong',
        'timers advice',
        'fairness advice',
        // One for each role.
        'workers wrong',
        'workers wrong',
        'workers wrong',
      ]);
      expect(named(findings, 'search-attributes')?.found).toContain('SluiceProvider is missing');
    });
  });

  it('is a command that ends with exit code 1 when something is wrong, and 0 when not', async () => {
    const env = {
      DATABASE_URL: world.db.url,
      TEMPORAL_ADDRESS: temporalAddress(),
      SLUICE_TASK_QUEUE: world.taskQueue,
      SLUICE_ENCRYPTION_KEYS: TEST_KEYS,
      NODE_OPTIONS: '',
    };
    const well = await command(['doctor', '--module', built('test/fixtures/forest.ts'), '--no-probe'], env);
    expect(well).toMatchObject({
      code: 0,
      output: expect.stringMatching(/\nNothing is wrong; \d+ things looked at\.\n$/) as string,
    });
    const workers = await command(['workers', '--json'], env);
    const listed = JSON.parse(workers.output) as WorkerList;
    expect(workers.code).toBe(0);
    expect(listed.queues.map(({ taskQueue, workers: count }) => [taskQueue, count > 0])).toEqual(
      ROLES.map((role) => [taskQueueOf(world.taskQueue, role), true]),
    );
    expect(listed.workers.some(({ version, taskQueues }) => version !== null && taskQueues.length === 3)).toBe(true);
    const nobody = await command(['workers'], { ...env, SLUICE_TASK_QUEUE: 'nobody-at-all' });
    expect(nobody).toMatchObject({ code: 1, output: expect.stringContaining('nobody-at-all: nobody serves it') as string }); // prettier-ignore
    expect(well.output).toMatch(/\nok {7}module: 2 syncs, 0 actions, 0 sagas\n/);
    const module = built('test/setup/long-form.ts');
    const ill = await command(['doctor', '--module', module, '--json'], { ...env, SLUICE_CONCURRENCY: 'many' });
    expect(ill.code).toBe(1);
    const findings = JSON.parse(ill.output) as Finding[];
    // Advice may be of what tests before this one have left at the server.
    expect(faults(findings).filter((fault) => fault.endsWith(' wrong'))).toEqual([
      'worker-settings wrong',
      'module wrong',
    ]);
    expect(named(findings, 'module')?.found).toContain('exports no sync, action or saga');
  });
});
