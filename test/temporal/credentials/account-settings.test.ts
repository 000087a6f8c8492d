/** A third party that gives each shop a host, a bucket by its plan and a token endpoint of its own. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { bucket, defineProvider, defineSync, get, oauth2, post } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createWorld, type World } from '../../setup/world.ts';

let world: World;
let small: FakeApi;
let plus: FakeApi;
let evil: FakeApi;
let shop: ReturnType<typeof define>['shop'];
let sync: ReturnType<typeof define>['sync'];
let rename: ReturnType<typeof define>['rename'];
let changes: ReturnType<typeof define>['changes'];

function define(hosts: readonly string[]) {
  const shop = defineProvider(z.object({ url: z.string(), plan: z.enum(['small', 'plus']) }), {
    id: 'shops',
    baseUrl: ({ settings }) => settings.url,
    hosts,
    auth: oauth2({
      tokenUrl: ({ settings }) => `${settings.url}/token`,
      clientId: 'c',
      clientSecret: () => 'app-secret-1',
    }),
    limits: [
      bucket('points', {
        by: ['account'],
        perSecond: ({ settings }) => (settings.plan === 'plus' ? 1_000 : 100),
        burst: ({ settings }) => (settings.plan === 'plus' ? 4_000 : 400),
      }),
    ],
  });
  const orders = shop.endpoint('orders', {
    input: z.object({}),
    response: z.object({ orders: z.array(z.object({ id: z.string() })) }),
    request: (_input, _page, { settings }) => get(`/${settings.plan}/orders`),
    paginate: { kind: 'single', items: (answer) => answer.orders },
  });
  const rename = shop.action('rename', {
    input: z.object({ name: z.string() }),
    output: z.object({ ok: z.boolean() }),
    request: ({ name }, { settings }) => post('/rename', { name, plan: settings.plan }),
  });
  const sync = defineSync('shops', { provider: shop, input: z.object({}) }, (s) => ({
    orders: s.one(orders, { input: () => ({}), key: ({ id }) => id }),
  }));
  const Change = z.object({ id: z.string(), at: z.string() });
  const feed = shop.endpoint('feed', {
    input: z.object({ since: z.string().optional() }),
    response: z.object({ items: z.array(Change), next: z.string().nullable() }),
    request: ({ since }, page) => get('/feed', { since, cursor: page.cursor }),
    paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
  });
  const changes = defineSync('changes', { provider: shop, input: z.object({}) }, (s) => ({
    feed: s.one(feed, {
      input: (_, { watermark }) => (watermark === undefined ? {} : { since: watermark }),
      key: ({ id }) => id,
      incremental: { field: ({ at }) => at, lookbackMs: 1_000 },
    }),
  }));
  return { shop, sync, rename, changes };
}

/** @returns tokens and paths that were seen. */
function play(api: FakeApi, name: string): string[] {
  const seen: string[] = [];
  api.route('POST', '/token', () => ({
    body: { access_token: `at-of-${name}-0123456789`, expires_in: 3600, token_type: 'bearer' },
  }));
  for (const plan of ['small', 'plus'])
    api.route('GET', `/${plan}/orders`, ({ path, token }) => {
      seen.push(`${path} ${token}`);
      return { body: { orders: [{ id: `${name}-1` }] } };
    });
  api.route('POST', '/rename', ({ token, body }) => {
    seen.push(`${JSON.stringify(body)} ${token}`);
    return { body: { ok: true } };
  });
  return seen;
}

const seen: Record<string, string[]> = {};
beforeAll(async () => {
  [small, plus, evil] = await Promise.all([startFakeApi(), startFakeApi(), startFakeApi()]);
  seen['small'] = play(small, 'small');
  seen['plus'] = play(plus, 'plus');
  seen['evil'] = play(evil, 'evil');
  ({ shop, sync, rename, changes } = define([new URL(small.url).host, new URL(plus.url).host]));
  world = await createWorld([sync, changes], { actions: [rename], encryptionKeys: TEST_KEYS });
});
afterAll(async () => {
  await world?.end();
  await Promise.all([small, plus, evil].map((api) => api?.stop()));
});

const credentials = { refreshToken: 'rt-0123456789' };

it('each account is called at its own host, by its own plan, and its token is renewed there', async () => {
  const provider = shop;
  const { accounts } = world.sluice;
  await accounts.connect({ provider, account: 's', credentials, settings: { url: small.url, plan: 'small' } });
  await accounts.connect({ provider, account: 'p', credentials, settings: { url: plus.url, plan: 'plus' } });
  for (const account of ['s', 'p']) {
    const run = await world.sluice.start(sync, { account, input: {} });
    expect(await run.result()).toMatchObject({ complete: true, rows: 1 });
  }
  expect(seen['small']).toEqual(['/small/orders at-of-small-0123456789']);
  expect(seen['plus']).toEqual(['/plus/orders at-of-plus-0123456789']);
  const done = await world.sluice.act(rename, { account: 'p', input: { name: 'n' } });
  expect(await done.result()).toEqual({ ok: true });
  expect(seen['plus']?.at(-1)).toBe('{"name":"n","plan":"plus"} at-of-plus-0123456789');
  const { rows } = await world.db.pool.query<{ key: string; burst: number }>(
    'select key, burst from sluice.limit_bucket where key like $1 order by key',
    ['shops/points/%'],
  );
  expect(rows.map(({ key, burst }) => [key, Math.round(burst / 100)])).toEqual([
    ['shops/points/p', 39],
    ['shops/points/s', 4],
  ]);
});

it('a host that is not allowed is sent nothing: the list fails and says whom to ask', async () => {
  await world.sluice.accounts.connect({
    provider: shop,
    account: 'e',
    credentials: { accessToken: 'at-of-e-0123456789' },
    settings: { url: evil.url, plan: 'small' },
  });
  const run = await world.sluice.start(sync, { account: 'e', input: {} });
  const result = await run.result();
  expect(result).toMatchObject({ state: 'failed', rows: 0 });
  const reasons = [];
  for await (const { reason } of world.sluice.flawedLists(result.runId)) reasons.push(reason);
  expect(reasons.join()).toMatch(/leads to 127\.0\.0\.1:\d+, but provider "shops" allows .* only/);
  expect(evil.report().calls).toBe(0);
});

it('settings that are missing or do not fit end the list at once, and an update lets it be read', async () => {
  const { accounts } = world.sluice;
  // @ts-expect-error there is no such plan
  const settings: NonNullable<typeof shop.$settings> = { plan: 'huge' };
  await expect(accounts.connect({ provider: shop, account: 'u', credentials, settings })).rejects.toThrow(
    /url: .*plan: /s,
  );
  await accounts.connect({ provider: 'shops', account: 'u', credentials });
  const run = await world.sluice.start(sync, { account: 'u', input: {} });
  expect(await run.result()).toMatchObject({ state: 'failed', calls: 0 });
  expect(
    await accounts.update({ provider: 'shops', account: 'u', settings: { url: small.url, plan: 'plus' } }),
  ).toMatchObject({
    settings: { url: small.url, plan: 'plus' },
    status: 'connected',
  });
  const again = await world.sluice.start(sync, { account: 'u', input: {} });
  expect(await again.result()).toMatchObject({ complete: true, rows: 1 });
  expect(seen['small']?.at(-1)).toBe('/plus/orders at-of-small-0123456789');
  await expect(accounts.update({ provider: 'shops', account: 'nobody', settings: {} })).rejects.toThrow(/is not known/);
});

it('an update in mid-run is used from the next calls on, at the page where the list was, and what is known of a list stays', async () => {
  const of = { provider: shop, account: 'moved' };
  const asked: string[] = [];
  for (const [name, api] of [
    ['small', small],
    ['plus', plus],
  ] as const)
    api.route('GET', '/feed', ({ query }) => {
      asked.push(`${name} ${query.get('since') ?? '-'} ${query.get('cursor') ?? '-'}`);
      const isSecond = query.get('cursor') === 'second';
      // As a shop answers whose host was renamed.
      if (name === 'small' && isSecond) return { status: 503, body: {} };
      const at = isSecond || query.get('since') !== null ? '2026-03-02T00:00:00Z' : '2026-03-01T00:00:00Z';
      return { body: { items: [{ id: at, at }], next: isSecond || query.get('since') !== null ? null : 'second' } };
    });
  await world.sluice.accounts.connect({ ...of, credentials, settings: { url: small.url, plan: 'small' } });
  const run = await world.sluice.start(changes, { account: 'moved', input: {} });
  await expect.poll(() => asked, { timeout: 20_000 }).toContain('small - second');
  await world.sluice.accounts.update({ ...of, settings: { url: plus.url, plan: 'plus' } });
  expect(await run.result()).toMatchObject({ complete: true, rows: 2 });
  expect(new Set(asked)).toEqual(new Set(['small - -', 'small - second', 'plus - second']));
  asked.length = 0;
  const next = await world.sluice.start(changes, { account: 'moved', input: {} });
  expect(await next.result()).toMatchObject({ complete: true });
  expect(asked).toEqual(['plus 2026-03-01T23:59:59.000Z -']);
});
