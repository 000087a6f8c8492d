/** A worker, an app and the command line under a role that may not change the schema: nothing of a day's work needs more. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { connect, type Sluice } from '../../../client/index.ts';
import { grantRuntime } from '../../../db/grant-runtime.ts';
import { bearer, defineProvider, defineSync, get, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const role = `sluice_runtime_${randomBytes(6).toString('hex')}`;
let api: FakeApi;
let world: World;
let sluice: Sluice;
let url: string;
let worker: { stop(): Promise<void> };

const Row = z.object({ id: z.string() });
const provider = defineProvider({
  id: 'ruled',
  baseUrl: () => api.url,
  auth: bearer(),
  limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
});
const listOf = (name: string) =>
  provider.endpoint(name, {
    input: z.object({}),
    response: z.object({ items: z.array(Row), next: z.string().nullish() }),
    request: (_, page) => get(`/${name}`, { cursor: page.cursor, limit: page.size }),
    paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 5 } },
  });
const sync = defineSync('ruled-list', { provider, input: z.object({}) }, (s) => ({
  rows: s.one(listOf('rows'), { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' }),
}));
const add = provider.action('add', {
  input: z.object({ name: z.string() }),
  output: Row,
  request: ({ name }) => post('/add', { name }),
  conflicts: { entity: () => 'list/1' },
});

beforeAll(async () => {
  api = await startFakeApi();
  api.list('/rows', { count: 23, itemAt: (_, i) => ({ id: `r${i}` }) });
  api.route('POST', '/add', () => ({ body: { id: 'new' } }));
  world = await createWorld([sync], { actions: [add], encryptionKeys: TEST_KEYS, workers: 0 });
  await world.db.pool.query(`create role ${role} login password 'runtime'`);
  await grantRuntime(world.db.pool, role);
  const of = new URL(world.db.url);
  of.username = role;
  of.password = 'runtime';
  url = of.href;
  worker = await world.startWorker({ databaseUrl: url, onFailure: () => {} });
  const { taskQueue } = world;
  sluice = await connect({
    databaseUrl: url,
    temporal: { address: temporalAddress() },
    taskQueue,
    encryptionKeys: TEST_KEYS,
  });
});
afterAll(async () => {
  await sluice?.close();
  await worker?.stop();
  await world.db.pool.query(`drop owned by ${role}; drop role ${role}`);
  await world.end();
  await api?.stop();
});

it('a day of work needs no right to change the schema', async () => {
  const account = { provider: 'ruled', account: 'a1' };
  await sluice.accounts.connect({ ...account, credentials: { accessToken: 'at_0123456789abcdef' } });
  for (const mode of ['incremental', 'full'] as const) {
    const run = await sluice.start(sync, { account: 'a1', input: {}, mode });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 23 });
  }
  const added = await sluice.act(add, { account: 'a1', input: { name: 'x' } });
  expect(await added.result()).toEqual({ id: 'new' });
  expect(await sluice.pending('list/1')).toEqual([]);
  expect(await sluice.reports.list({ account: 'a1' })).toHaveLength(3);
  expect(await sluice.state.reset({ account: 'a1' })).toBe(1);
  expect(await sluice.overview()).toHaveProperty('runs');
  const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: temporalAddress(), SLUICE_TASK_QUEUE: world.taskQueue };
  for (const args of [['limits'], ['accounts', 'show', 'a1'], ['reports'], ['status', 'sync/ruled-list/a1']]) {
    const said = await command(args, env);
    expect(said, args.join(' ')).toMatchObject({ code: 0 });
  }
  await sluice.accounts.disconnect(account);
});

it('and the role has none', async () => {
  const { pool } = world.db;
  const { rows } = await pool.query<{ may: boolean }>(`select has_schema_privilege($1, 'sluice', 'create') as may`, [
    role,
  ]);
  expect(rows).toEqual([{ may: false }]);
});
