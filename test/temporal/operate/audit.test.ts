/** The audit: every act of a client has a row, a look has none, and without its row nothing is done. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connect, type AuditEntry, type Sluice } from '../../../client/index.ts';
import { clientActs, handleActs } from '../../../client/audit/acts.ts';
import { recordAct } from '../../../client/audit/record-act.ts';
import { bearer, defineProvider, defineSaga, defineSync, get, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const SECRET = 'at-of-acct-secret-0001';

/** Names of all functions in the tables, with what they are. */
function entriesOf(acts: object, path = ''): (readonly [string, 'look' | 'act' | 'handle'])[] {
  return Object.entries(acts).flatMap(([name, entry]: [string, object | 'look']) => {
    const full = path === '' ? name : `${path}.${name}`;
    if (entry === 'look') return [[full, 'look'] as const];
    if ('subject' in entry) return [[full, 'act'] as const];
    return 'gives' in entry ? [[full, 'handle'] as const] : entriesOf(entry, full);
  });
}

describe('the audit', () => {
  let api: FakeApi;
  let world: World;
  let sluice: Sluice;

  const provider = defineProvider({
    id: 'crm',
    baseUrl: () => api.url,
    auth: bearer(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
  });
  const items = provider.endpoint('items', {
    input: z.object({}),
    response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
    request: (_, page) => get('/items', { cursor: page.cursor, limit: page.size }),
    paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next },
  });
  const sync = defineSync('crm-items', { provider, input: z.object({}) }, (s) => ({
    list: s.one(items, { input: () => ({}), key: ({ id }) => id }),
  }));
  const scheduled = defineSync(
    'crm-hourly',
    { provider, input: z.object({}), schedule: { every: '1h', input: () => ({}) } },
    (s) => ({ list: s.one(items, { input: () => ({}), key: ({ id }) => id }) }),
  );
  const note = provider.action('note', {
    input: z.object({ text: z.string() }),
    output: z.object({ id: z.string() }),
    request: ({ text }) => post('/notes', { text }),
    conflicts: { entity: () => 'note/1', policy: 'wait' },
  });
  const twice = defineSaga('twice', { input: z.object({}) }).step('note', note, () => ({ text: 'a' }));

  const client = (options: Parameters<typeof connect>[0] = {}) =>
    connect({
      databaseUrl: world.db.url,
      temporal: { address: temporalAddress() },
      taskQueue: world.taskQueue,
      encryptionKeys: TEST_KEYS,
      ...options,
    });
  const name = { provider, account: 'a1' };
  const of = { sync, account: 'a1' };

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/items', { count: 3, itemAt: (_, i) => ({ id: `i${i}` }) });
    api.route('POST', '/notes', async () => ({ body: { id: 'n1' } }));
    world = await createWorld([sync], { actions: [note], sagas: [twice], encryptionKeys: TEST_KEYS });
    sluice = (await client()).as({ by: 'user:ann', why: 'ticket 12' });
  });
  afterAll(async () => {
    await sluice?.close();
    await world?.end();
    await api?.stop();
  });

  it('has one row for every act that the client offers: who, why, before and after, and nothing secret', async () => {
    const credentials = { accessToken: SECRET, refreshToken: `${SECRET}-r` };
    const settled = async (work: Promise<unknown>) => work.catch((error: unknown) => error);
    /** In an order in which each finds what it needs. Some are refused by what they find: they have a row, too. */
    const acts: Record<string, () => unknown> = {
      'accounts.connect': () => sluice.accounts.connect({ ...name, tenant: 'acme', credentials }),
      'accounts.update': () => sluice.accounts.update({ provider: 'crm', account: 'a1', settings: { shop: 'acme' } }),
      'accounts.reconnected': () => sluice.accounts.reconnected({ ...name, credentials }),
      'accounts.rotateKeys': () => sluice.accounts.rotateKeys(),
      // From here on calls wait.
      'limits.pause': () => sluice.limits.pause('crm/*', 'they ask for a break'),
      start: () => sluice.start(sync, { account: 'a1', tenant: 'acme', input: {} }),
      'run.pause': () => sluice.run(of).pause(),
      'run.resume': () => sluice.run(of).resume(),
      'run.cancel': async () => {
        await sluice.run(of).cancel();
        await settled(sluice.run(of).result());
      },
      'run.retryFailed': () => sluice.run(of).retryFailed(),
      // Refused while one is going on.
      'run.startAgain': () => settled(sluice.run(of).startAgain()),
      act: () => sluice.act(note, { account: 'a1', input: { text: 'x' }, idempotencyKey: 'k1' }),
      'action.cancel': async () => {
        const action = sluice.action({ workflowId: 'action/crm/note/a1/k1', action: note });
        await action.cancel();
        await settled(action.result());
      },
      'action.resolve': () =>
        settled(sluice.action({ workflowId: 'action/crm/note/a1/k1', action: note }).resolve({ happened: false })),
      'action.sendAgain': () =>
        settled(
          sluice.action({ workflowId: 'action/crm/note/a1/k1', action: note }).sendAgain({ input: { text: 'y' } }),
        ),
      saga: () => sluice.saga(twice, { account: 'a1', input: {}, idempotencyKey: 'k2' }),
      'saga.cancel': () => sluice.sagaOf({ workflowId: 'saga/twice/a1/k2' }).cancel(),
      'quarantine.readAgain': () => sluice.quarantine.readAgain(sync, { account: 'a1' }),
      'quarantine.drop': () => sluice.quarantine.drop([1]),
      'state.reset': () => sluice.state.reset({ account: 'a1', sync: 'crm-items' }),
      mapAgain: () => sluice.mapAgain(sync.list, { account: 'a1', map: (row) => row as { id: string } }),
      'limits.override': () => sluice.limits.override('crm/app/app', { max: 500 }),
      'limits.forget': () => sluice.limits.forget('crm/app/app'),
      'limits.resume': () => sluice.limits.resume('crm/*'),
      'schedules.apply': () => sluice.schedules.apply([scheduled]),
      'schedules.pause': () => sluice.schedules.pause('crm-hourly', 'a sale'),
      'schedules.resume': () => sluice.schedules.resume('crm-hourly'),
      // No build is known here: it has a row all the same.
      'deployments.promote': () => settled(sluice.deployments.promote({ buildId: 'none' })),
      'workers.drain': () => settled(sluice.workers.drain('none')),
      'workers.setConcurrency': () => settled(sluice.workers.setConcurrency('none', 1)),
      'deployments.release': () => settled(sluice.deployments.release({ buildId: 'none' })),
      'alerts.forgetQueue': () => sluice.alerts.forgetQueue('nobody-serves-it'),
      'accounts.disconnect': () => sluice.accounts.disconnect(name),
      // Of one that nothing is known of: test/temporal/operate/erase.test.ts erases.
      'accounts.erase': () => sluice.accounts.erase({ provider: 'crm', account: 'nobody' }),
    };
    const wanted = [
      ...entriesOf(clientActs),
      ...Object.entries(handleActs).flatMap(([kind, of]) => entriesOf(of, kind)),
    ];
    expect(Object.keys(acts).sort()).toEqual(wanted.flatMap(([act, is]) => (is === 'act' ? [act] : [])).sort());

    const FAILING = new Set([
      'action.resolve',
      'deployments.promote',
      'deployments.release',
      'workers.drain',
      'workers.setConcurrency',
    ]);
    const rows = new Map<string, AuditEntry>();
    for (const [act, work] of Object.entries(acts)) {
      await work();
      const [row] = await sluice.audit.list({ act, limit: 1 });
      expect(row, act).toMatchObject({ act, by: 'user:ann', via: 'client', why: 'ticket 12' });
      // A run of nothing that failed may be over, or not.
      if (act !== 'run.startAgain') expect(row?.outcome, act).toBe(FAILING.has(act) ? 'failed' : 'done');
      expect(row?.endedAt, act).not.toBeNull();
      rows.set(act, row as AuditEntry);
    }
    expect((await sluice.audit.list({ limit: 1_000 })).map(({ act }) => act)).toEqual(Object.keys(acts).toReversed());

    expect(rows.get('accounts.connect')).toMatchObject({
      subject: { kind: 'account', id: 'crm/a1', account: 'a1' },
      tenant: 'acme',
      before: null,
      after: { status: 'connected', tenant: 'acme' },
    });
    expect(rows.get('accounts.update')).toMatchObject({
      before: { settings: null },
      after: { settings: { shop: 'acme' } },
    });
    expect(rows.get('accounts.disconnect')).toMatchObject({ before: { status: 'connected' }, after: null });
    expect(rows.get('run.cancel')).toMatchObject({
      subject: { kind: 'run', id: 'sync/crm-items/a1', account: 'a1' },
      tenant: 'acme',
      before: { state: expect.stringMatching('starting|running|paused') as string },
    });
    expect(rows.get('limits.resume')?.before).toContainEqual(
      expect.objectContaining({ limit: 'crm/*', state: 'paused', pausedReason: 'they ask for a break' }),
    );
    expect(rows.get('action.resolve')?.error).toMatch('nothing to resolve');
    const { rows: raw } = await world.db.pool.query<{ all: string }>('select string_agg(a::text, $1) as all from sluice.audit a', ['\n']); // prettier-ignore
    expect(raw[0]?.all).toContain('they ask for a break');
    expect(raw[0]?.all).not.toContain(SECRET);
    // An account and a workflow each name their own.
    const about = async (subject: string) => new Set((await sluice.audit.list({ subject })).map(({ act }) => act));
    expect(await about('sync/crm-items/a1')).toEqual(
      new Set(['start', 'run.pause', 'run.resume', 'run.cancel', 'run.retryFailed', 'run.startAgain']),
    );
    expect(await about('a1')).toContain('accounts.update');
  });

  it('has no row for a look: none of them writes, and an act that can’t be written down is not done', async () => {
    const readOnly = await client({
      databaseUrl: `${world.db.url}?options=${encodeURIComponent('-c default_transaction_read_only=on')}`,
      by: 'user:bob',
    });
    const all = async (list: AsyncIterable<unknown>) => {
      for await (const each of list) expect(each).toBeDefined();
    };
    await sluice.run(of).cancel();
    const run = readOnly.run(of);
    const action = readOnly.action({ workflowId: 'action/crm/note/a1/k1' });
    const saga = readOnly.sagaOf({ workflowId: 'saga/twice/a1/k2' });
    const ended = (work: Promise<unknown>) => work.catch((error: unknown) => expect(String(error)).not.toMatch('read-only')); // prettier-ignore
    const looks: Record<string, () => Promise<unknown>> = {
      'accounts.status': () => readOnly.accounts.status(name),
      'accounts.show': () => readOnly.accounts.show({ account: 'a1' }),
      'accounts.stored': () => readOnly.accounts.stored(name),
      'accounts.list': () => readOnly.accounts.list(),
      'accounts.secretUses': () => readOnly.accounts.secretUses(),
      'limits.list': () => readOnly.limits.list(),
      'limits.show': () => readOnly.limits.show('crm/*'),
      'limits.users': () => readOnly.limits.users('crm/app/app'),
      'accounts.count': () => readOnly.accounts.count(),
      'runs.list': () => readOnly.runs.list(),
      'runs.count': () => readOnly.runs.count(),
      'runs.names': () => readOnly.runs.names(),
      pace: () => readOnly.pace(),
      'schedules.plan': () => readOnly.schedules.plan([scheduled]),
      'schedules.list': () => readOnly.schedules.list(),
      'alerts.list': () => readOnly.alerts.list(),
      freshness: () => readOnly.freshness(),
      'reports.list': () => readOnly.reports.list(),
      'audit.list': () => readOnly.audit.list(),
      'quarantine.list': () => readOnly.quarantine.list(),
      'state.show': () => readOnly.state.show({ account: 'a1' }),
      pending: () => readOnly.pending('note/1'),
      progress: () => readOnly.progress('00000000-0000-0000-0000-000000000000'),
      flawedLists: () => all(readOnly.flawedLists('00000000-0000-0000-0000-000000000000')),
      overview: () => readOnly.overview(),
      'workers.list': () => readOnly.workers.list(),
      'workers.control': () => readOnly.workers.control('none'),
      feedLag: () => readOnly.feedLag(),
      'alerts.queues': () => readOnly.alerts.queues(),
      'alerts.freshness': () => readOnly.alerts.freshness(),
      'deployments.list': () => readOnly.deployments.list(),
      'limits.count': () => readOnly.limits.count(),
      'limits.history': () => readOnly.limits.history('crm/app/app', 'hour'),
      'runs.lastEnded': () => readOnly.runs.lastEnded([]),
      'run.progress': () => run.progress(),
      'run.waits': () => run.waits(),
      'run.explain': () => run.explain(),
      'run.result': () => ended(run.result()),
      'action.status': () => action.status(),
      'action.request': () => action.request(),
      'action.waits': () => action.waits(),
      'action.result': () => ended(action.result()),
      'saga.status': () => saga.status(),
      'saga.steps': () => saga.steps(),
      'saga.waits': () => saga.waits(),
      'saga.result': () => ended(saga.result()),
      // What workers do all the time: it fires and clears, and is no act.
      'alerts.look': () => sluice.alerts.look(),
      // Reading the feed numbers its readings (docs/operate/restores.md): it writes, and is no act.
      records: () => all(sluice.records(sync.list, { account: 'a1' })),
      as: async () => readOnly.as({ by: 'system' }),
      close: async () => {},
    };
    const wanted = [
      ...entriesOf(clientActs),
      ...Object.entries(handleActs).flatMap(([kind, of]) => entriesOf(of, kind)),
    ];
    expect(Object.keys(looks).sort()).toEqual(wanted.flatMap(([look, is]) => (is === 'look' ? [look] : [])).sort());
    for (const look of Object.values(looks)) await look();

    await sluice.limits.pause('crm/*', 'held for the test');
    const held = await sluice.start(sync, { account: 'a2', input: {} });
    await expect(readOnly.run({ sync, account: 'a2' }).cancel()).rejects.toThrow('read-only');
    expect((await world.temporal.workflow.getHandle(held.workflowId).describe()).status.name).toBe('RUNNING');
    await held.cancel();
    await held.result().catch(() => {});
    expect(await sluice.audit.list({ by: 'user:bob' })).toEqual([]);
    await readOnly.close();
  });

  it('shows an act while it is at work, and a tenant only what concerns it', async () => {
    const acme = await client({ tenant: 'acme' });
    const zed = await client({ tenant: 'zed', by: 'user:zed' });
    const subject = { kind: 'account', id: 'crm/b1', account: 'b1' };
    await zed.accounts.connect({ provider, account: 'b1', credentials: { accessToken: 'at-of-zed-0000001' } });
    await recordAct({ pool: world.db.pool, actor: { by: 'user:eve' } }, { act: 'schema.grant', subject }, async () => {
      expect((await zed.audit.list({ act: 'schema.grant' }))[0]).toMatchObject({ outcome: 'begun', endedAt: null });
    });
    expect((await zed.audit.list()).map(({ act, by }) => [act, by])).toEqual([
      ['schema.grant', 'user:eve'],
      ['accounts.connect', 'user:zed'],
    ]);
    // A try at what belongs to others is a row of the one who tried, and shows nothing of theirs.
    await expect(acme.accounts.update({ provider: 'crm', account: 'b1', settings: {} })).rejects.toThrow(
      'does not belong',
    );
    expect((await acme.audit.list({ subject: 'crm/b1' }))[0]).toMatchObject({ outcome: 'failed', before: null, tenant: 'acme' }); // prettier-ignore
    expect(await zed.audit.list({ act: 'accounts.update' })).toEqual([]);
    await expect(zed.audit.list({ tenant: 'acme' })).rejects.toThrow(/bound to tenant "zed"/);
    await expect(zed.limits.list()).rejects.toThrow('concerns all tenants');
    // Given to another tenant, it is no longer for either of the two to see what the other one had.
    await sluice.accounts.connect({
      provider: 'crm',
      account: 'b1',
      tenant: 'acme',
      replaceTenant: true,
      settings: {},
    });
    expect((await zed.audit.list())[0]?.act).toBe('schema.grant');
    expect((await sluice.audit.list({ limit: 1 }))[0]).toMatchObject({ before: { tenant: 'zed' }, tenant: null });
    // What the app itself starts has its report, and no row.
    const own = await acme.start(sync, { account: 'b1', input: {} });
    await own.cancel();
    expect((await acme.audit.list({ limit: 2 })).map(({ act, by }) => [act, by])).toEqual([
      ['run.cancel', 'system'],
      ['accounts.update', 'system'],
    ]);
    await acme.close();
    await zed.close();
  });

  it('names the tenant of a start that named none: its account has one, or is its own', async () => {
    const credentials = { accessToken: 'at-of-some-0000001' };
    await sluice.accounts.connect({ provider, account: 'c1', tenant: 'acme', credentials });
    await sluice.accounts.connect({ provider, account: 'd1', credentials });
    for (const account of ['c1', 'd1']) {
      await (await sluice.start(sync, { account, input: {} })).cancel();
      await sluice.act(note, { account, input: { text: 'x' } });
      await sluice.saga(twice, { account, input: {} });
    }
    const tenants = async (subject: string) =>
      (await sluice.audit.list({ subject })).map(({ act, tenant }) => [act, tenant]).toReversed();
    const acts = ['accounts.connect', 'start', 'run.cancel', 'act', 'saga'];
    expect(await tenants('c1')).toEqual(acts.map((act) => [act, 'acme']));
    expect(await tenants('d1')).toEqual(acts.map((act) => [act, null]));
  });

  it('says how a worker stood before and after, also where Temporal does not know it', async () => {
    await world.db.pool.query(
      `insert into sluice.worker (id, identity, task_queue, serves, concurrency) values (gen_random_uuid(), 'far-away', 'q', '{}', 8)`,
    );
    await sluice.workers.setConcurrency('far-away', 3);
    const stands = { startedWith: 8, isDraining: false };
    expect((await sluice.audit.list({ act: 'workers', limit: 1 }))[0]).toMatchObject({
      before: { ...stands, concurrency: null },
      after: { ...stands, concurrency: 3 },
    });
  });

  it('has the user of the machine and `--why` for a command, and `sluice audit` shows it', async () => {
    const env = { DATABASE_URL: world.db.url, TEMPORAL_ADDRESS: temporalAddress(), SLUICE_TASK_QUEUE: world.taskQueue };
    const done = await command(['limits', 'pause', 'crm/*', '--why', 'their status page is red'], env);
    expect(done.code).toBe(0);
    await command(['accounts', 'disconnect', 'crm', 'nobody', '--by', 'user:carl'], env);
    const found = JSON.parse((await command(['audit', '--json', '--limit', '2'], env)).output) as AuditEntry[];
    expect(found).toMatchObject([
      { act: 'accounts.disconnect', via: 'cli', by: 'user:carl', why: null },
      {
        act: 'limits.pause',
        via: 'cli',
        by: expect.stringMatching(/^user:./) as string,
        why: 'their status page is red',
      },
    ]);
    const text = await command(['audit', '--subject', 'crm/*', '--limit', '1'], env);
    expect(text.output).toMatch(
      /user:\S+ \(cli\) {2}limits\.pause {2}limit crm\/\*\n {4}why: their status page is red/,
    );
  });
});
