/** Two tenants of one app, each with a client of its own: what is one's is nobody else's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connect, TenantMismatch, type Sluice } from '../../../client/index.ts';
import { bearer, defineProvider, defineSaga, defineSync, get, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('a client that is bound to a tenant', () => {
  let api: FakeApi;
  let world: World;
  let acme: Sluice;
  let evil: Sluice;
  const seen: string[] = [];

  const provider = defineProvider({
    id: 'crm',
    baseUrl: () => api.url,
    auth: bearer(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
  });
  const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
  const items = provider.endpoint('items', {
    input: z.object({}),
    response: Page,
    request: (_, page) => get('/items', { cursor: page.cursor, limit: page.size }),
    paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next },
  });
  const sync = defineSync('crm-items', { provider, input: z.object({}) }, (s) => ({
    list: s.one(items, { input: () => ({}), key: ({ id }) => id }),
  }));
  const other = defineSync('crm-others', { provider, input: z.object({}) }, (s) => ({
    list: s.one(items, { input: () => ({}), key: ({ id }) => id }),
  }));
  const note = provider.action('note', {
    input: z.object({ text: z.string() }),
    output: z.object({ id: z.string() }),
    request: ({ text }) => post('/notes', { text }),
    conflicts: { entity: () => 'note/1', policy: 'refuse' },
  });
  const twice = defineSaga('twice', { input: z.object({ account: z.string() }) }).step(
    'note',
    note,
    () => ({ text: 'from a saga' }),
    { account: ({ input }) => input.account },
  );

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/items', { count: 3, itemAt: (_, i) => ({ id: `i${i}` }) });
    api.route('POST', '/notes', async ({ token }) => {
      seen.push(token ?? 'none');
      if (token === 'at-of-slow-0001') await new Promise((resolve) => setTimeout(resolve, 1_500));
      return { body: { id: `n${seen.length}` } };
    });
    world = await createWorld([sync, other], { actions: [note], sagas: [twice], encryptionKeys: TEST_KEYS });
    const bound = (tenant: string) =>
      connect({
        databaseUrl: world.db.url,
        temporal: { address: temporalAddress() },
        taskQueue: world.taskQueue,
        encryptionKeys: TEST_KEYS,
        tenant,
      });
    [acme, evil] = await Promise.all([bound('acme'), bound('evil')]);
    await acme.accounts.connect({ provider, account: 'a1', credentials: { accessToken: 'at-of-acme-0001' } });
    await evil.accounts.connect({ provider, account: 'e1', credentials: { accessToken: 'at-of-evil-0001' } });
  });
  afterAll(async () => {
    await acme?.close();
    await evil?.close();
    await world?.end();
    await api?.stop();
  });
  const stored = async (account: string) =>
    (await world.db.pool.query<object>('select * from sluice.credential where account = $1', [account])).rows;

  it('can’t connect, disconnect or look at an account of another tenant, and changes nothing by trying', async () => {
    const before = await stored('a1');
    const attack = { provider, account: 'a1', credentials: { accessToken: 'at-of-evil-0002' } };
    await expect(evil.accounts.connect(attack)).rejects.toThrow(TenantMismatch);
    await expect(evil.accounts.connect({ ...attack, tenant: 'acme' })).rejects.toThrow(/bound to tenant "evil"/);
    await expect(evil.accounts.connect({ ...attack, replaceTenant: true })).rejects.toThrow(TypeError);
    await expect(evil.accounts.reconnected(attack)).rejects.toThrow(TenantMismatch);
    await expect(evil.accounts.rotateKeys()).rejects.toThrow(TypeError);
    expect(await evil.accounts.disconnect({ provider, account: 'a1' })).toBe(false);
    expect(await evil.accounts.status({ provider, account: 'a1' })).toBeUndefined();
    expect((await evil.accounts.list()).map(({ account }) => account)).toEqual(['e1']);
    expect(await evil.accounts.secretUses({ provider, account: 'a1' })).toEqual([]);
    expect(await stored('a1')).toEqual(before);
  });

  it('sees no run, row, report or progress of another tenant, and can’t touch one', async () => {
    const run = await acme.start(sync, { account: 'a1', input: {} });
    const result = await run.result();
    expect(result).toMatchObject({ state: 'done', rows: 3 });
    const rows = async (sluice: Sluice) => {
      const found: string[] = [];
      for await (const { key } of sluice.records(sync.list, { account: 'a1' })) found.push(key);
      return found;
    };
    expect(await rows(acme)).toHaveLength(3);
    expect(await rows(evil)).toEqual([]);
    const theirs = evil.run({ sync, account: 'a1' });
    expect(await theirs.progress()).toEqual({ state: 'unknown' });
    for (const touch of ['cancel', 'pause', 'resume', 'result', 'waits', 'retryFailed'] as const)
      await expect(theirs[touch]()).rejects.toThrow('is not known to tenant "evil"');
    expect(await evil.progress(result.runId)).toBeUndefined();
    expect(await acme.progress(result.runId)).toMatchObject({ state: 'done' });
    expect(await evil.reports.list()).toEqual([]);
    await expect(evil.reports.list({ tenant: 'acme' })).rejects.toThrow(/bound to tenant "evil"/);
    expect(await acme.reports.list({ kind: 'sync' })).toHaveLength(1);
  });

  it('looks at its own start that is queued, and ends it; another tenant can’t', async () => {
    const blocked = api.script('GET /items', [{ status: 429, headers: { 'retry-after': '1' }, body: {} }], {
      repeats: true,
    });
    const run = await acme.start(sync, { account: 'a1', input: {} });
    const queued = await acme.start(sync, { account: 'a1', input: {}, ifRunning: 'queue' });
    expect(await queued.progress()).toEqual({ state: 'queued' });
    expect(await queued.waits()).toMatchObject([{ kind: 'run' }]);
    const theirs = evil.run({ workflowId: queued.workflowId });
    expect(await theirs.progress()).toEqual({ state: 'unknown' });
    await expect(theirs.cancel()).rejects.toThrow('is not known to tenant "evil"');
    await queued.cancel();
    await expect(queued.result()).rejects.toThrow(/cancelled/);
    blocked.stop();
    expect(await run.result()).toMatchObject({ state: 'done' });
  });

  it('can’t start a sync, an action or a saga for an account of another tenant: nothing is called', async () => {
    const calls = api.report().calls;
    await expect(evil.start(sync, { account: 'a1', input: {} })).rejects.toThrow(TenantMismatch);
    await expect(evil.act(note, { account: 'a1', input: { text: 'x' } })).rejects.toThrow(TenantMismatch);
    await expect(evil.saga(twice, { account: 'a1', input: { account: 'e1' } })).rejects.toThrow(TenantMismatch);
    // Its own account, and a step that names another's.
    const saga = await evil.saga(twice, { account: 'e1', input: { account: 'a1' } });
    await expect(saga.result()).rejects.toThrow(/does not belong to tenant "evil"/);
    // Nobody's account is not everybody's.
    await world.sluice.accounts.connect({ provider, account: 'free', credentials: { accessToken: 'at-of-nobody-1' } });
    await expect(evil.act(note, { account: 'free', input: { text: 'x' } })).rejects.toThrow(TenantMismatch);
    const taken = { provider, account: 'free', credentials: { accessToken: 'at-of-evil-0003' } };
    await expect(evil.accounts.connect(taken)).rejects.toThrow(TenantMismatch);
    expect(api.report().calls).toBe(calls);
  });

  it('gets nothing of an account that has left another tenant: neither its rows and runs nor its name', async () => {
    const whose = { provider, account: 'gone1' };
    await acme.accounts.connect({ ...whose, credentials: { accessToken: 'at-of-acme-gone1' } });
    const { runId } = await (await acme.start(sync, { account: 'gone1', input: {} })).result();
    const told = await acme.act(note, { account: 'gone1', input: { text: 'x' } });
    await told.result();
    expect(await acme.accounts.disconnect(whose)).toBe(true);

    const attack = { ...whose, credentials: { accessToken: 'at-of-evil-gone1' } };
    await expect(evil.accounts.connect(attack)).rejects.toThrow(TenantMismatch);
    await expect(world.sluice.accounts.connect({ ...attack, tenant: 'evil' })).rejects.toThrow(TenantMismatch);
    await expect(evil.act(note, { account: 'gone1', input: { text: 'x' } })).rejects.toThrow(TenantMismatch);
    await expect(evil.start(other, { account: 'gone1', input: {} })).rejects.toThrow(TenantMismatch);
    expect(await evil.progress(runId)).toBeUndefined();
    expect(await evil.accounts.status(whose)).toBeUndefined();
    // Its own tenant still sees what it has, and may erase it.
    expect((await acme.accounts.stored(whose)).rows).toMatchObject({ record: 3, run: 1 });
    expect(await acme.progress(runId)).toMatchObject({ state: 'done' });
    // It comes back to its own, and goes elsewhere only where it is said.
    expect(await acme.accounts.connect({ ...whose, credentials: { accessToken: 'at-of-acme-gone2' } })).toMatchObject({
      tenant: 'acme',
    });
    await acme.accounts.disconnect(whose);
    const moved = await world.sluice.accounts.connect({ ...attack, tenant: 'evil', replaceTenant: true });
    expect(moved).toMatchObject({ tenant: 'evil' });
  });

  it('is not needed for that: no client starts anything for an account and another tenant than its own', async () => {
    const before = seen.length;
    const options = { account: 'a1', tenant: 'evil' };
    await expect(world.sluice.start(sync, { ...options, input: {} })).rejects.toThrow(TenantMismatch);
    await expect(world.sluice.act(note, { ...options, input: { text: 'x' } })).rejects.toThrow(TenantMismatch);
    await expect(world.sluice.saga(twice, { ...options, input: { account: 'a1' } })).rejects.toThrow(TenantMismatch);
    expect(await world.sluice.reports.list({ tenant: 'evil', account: 'a1' })).toEqual([]);
    expect(seen).toHaveLength(before);
  });

  it('sees what others start for its accounts without naming it', async () => {
    const sent = await world.sluice.act(note, { account: 'a1', input: { text: 'of nobody in particular' } });
    await sent.result();
    const run = await world.sluice.start(sync, { account: 'a1', input: {} });
    await run.result();
    const reports = await acme.reports.list({ account: 'a1' });
    expect(reports.map(({ workflowId }) => workflowId)).toEqual(
      expect.arrayContaining([sent.workflowId, run.workflowId]),
    );
    expect(await acme.action({ workflowId: sent.workflowId }).status()).toMatchObject({ state: 'done' });
  });

  it('shares no lock of an entity with another tenant', async () => {
    await acme.accounts.connect({ provider, account: 'a2', credentials: { accessToken: 'at-of-slow-0001' } });
    const slow = await acme.act(note, { account: 'a2', input: { text: 'slow' } });
    await expect.poll(() => seen).toContain('at-of-slow-0001');
    expect(await acme.pending('note/1')).toHaveLength(1);
    expect(await evil.pending('note/1')).toEqual([]);
    await expect(acme.act(note, { account: 'a1', input: { text: 'y' } })).rejects.toThrow('note/1');
    const other = await evil.act(note, { account: 'e1', input: { text: 'z' } });
    expect(await other.result()).toHaveProperty('id');
    expect(await evil.action({ workflowId: slow.workflowId }).status()).toBeUndefined();
    await expect(evil.action({ workflowId: slow.workflowId }).cancel()).rejects.toThrow('is not known to tenant');
    expect(await slow.result()).toHaveProperty('id');
  });
});

describe('a client of all tenants', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld([], { encryptionKeys: TEST_KEYS, workers: 0 });
  });
  afterAll(() => world?.end());

  it('gives an account to another tenant only where it says so', async () => {
    const { accounts } = world.sluice;
    const whose = { provider: 'crm', account: 'moving' };
    const of = { ...whose, credentials: { accessToken: 'at-of-moving-1' } };
    await accounts.connect({ ...of, tenant: 'acme' });
    await expect(accounts.connect({ ...of, tenant: 'other' })).rejects.toThrow(/does not belong to tenant "other"/);
    expect(await accounts.status(whose)).toMatchObject({ tenant: 'acme' });
    // Without a word of a tenant it stays where it is.
    expect(await accounts.connect(of)).toMatchObject({ tenant: 'acme' });
    expect(await accounts.connect({ ...of, tenant: 'other', replaceTenant: true })).toMatchObject({ tenant: 'other' });
  });
});
