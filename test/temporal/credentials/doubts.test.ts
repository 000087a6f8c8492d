import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RunResult } from '../../../contracts/run.ts';
import {
  apiKey,
  bearer,
  defineProvider,
  defineSync,
  emptyList,
  get,
  post,
  refreshable,
  rules,
  suspectAuth,
  when,
  type Auth,
  type Sync,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { loginApi, PASSWORD, type LoginApi } from '../../setup/servers/login-api.ts';
import { createWorld, type World } from '../../setup/world.ts';

/** Users, of whom every third one has nothing; to a bad token all of them have nothing, with status 200. */
const USERS = 24;
const POSTS = 6;
const ROWS = USERS + (USERS - USERS / 3) * POSTS;

let api: FakeApi;
let shop: LoginApi;
let world: World;

const Item = z.object({ id: z.string() });
const Page = z.object({ items: z.array(Item), next: z.string().nullish() });
const byPassword = (toEnd: (answer: { token: string; expires?: string }) => object): Auth =>
  refreshable(bearer(), {
    rotates: false,
    request: ({ username, password }) => post('/login', { name: username, password }),
    parse: ({ status, text }) => {
      if (status !== 200) return undefined;
      const answer = JSON.parse(text) as { token: string; expires?: string };
      return { kind: 'refreshed', credentials: { accessToken: answer.token, ...toEnd(answer) } };
    },
  });
const tree = (id: string, auth: Auth, more: { probe?: boolean; maxAttempts?: number } = {}): Sync<{ user: string }> => {
  const provider = defineProvider({
    id,
    baseUrl: () => api.url,
    auth,
    limits: [],
    classify: rules([when(emptyList('items'), suspectAuth())]),
    ...(more.probe ? { authProbe: get('/me') } : {}),
    maxAttempts: more.maxAttempts ?? 5,
  });
  const list = (name: string, path: (id: string) => string) =>
    provider.endpoint(name, {
      input: z.object({ id: z.string() }),
      response: Page,
      request: ({ id: of }, page) => get(path(of), { cursor: page.cursor }),
      paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
    });
  const users = list('users', () => '/users');
  const posts = list('posts', (of) => `/users/${of}/posts`);
  return defineSync(`${id}-tree`, { provider, input: z.object({ user: z.string() }) }, (s) => {
    const user = s.one(users, { input: (input) => ({ id: input.user }), key: (item) => item.id });
    const postOf = s.each(user, posts, { input: (item) => ({ id: item.id }), key: (item) => item.id, window: 4 });
    return { user, postOf };
  });
};
const known = tree(
  'known',
  byPassword(({ expires }) => ({ expiresAt: expires })),
);
const unknown = tree(
  'unknown',
  byPassword(() => ({})),
);
const probed = tree(
  'probed',
  byPassword(() => ({})),
  { probe: true },
);
const keyed = tree('keyed', apiKey({ header: 'x-key' }), { probe: true });
const helpless = tree('helpless', apiKey({ header: 'x-key' }));
const writing = defineProvider({
  id: 'writing',
  baseUrl: () => api.url,
  auth: byPassword(() => ({})),
  limits: [],
  classify: rules([when(emptyList('items'), suspectAuth())]),
});
const order = writing.action('order', {
  input: z.object({ told: z.enum(['as an error', 'as an empty list']) }),
  output: Item,
  request: ({ told }, { idempotencyKey }) => post('/orders', { told }, { 'idempotency-key': idempotencyKey }),
  idempotent: true,
});

beforeAll(async () => {
  api = await startFakeApi();
  const actions = [order];
  world = await createWorld([known, unknown, probed, keyed, helpless], {
    actions,
    workers: 2,
    encryptionKeys: TEST_KEYS,
  });
});
afterAll(async () => {
  await world.end();
  await api.stop();
});
let slowMs = 0;
let isKeyGood = true;
beforeEach(async () => {
  await api.stop();
  api = await startFakeApi();
  shop = loginApi(api);
  shop.told = (lifeMs) => ({ expires: new Date(Date.now() + lifeMs).toISOString() });
  slowMs = 0;
  isKeyGood = true;
  const isKnown: LoginApi['accountOf'] = (call) =>
    call.headers['x-key'] === undefined ? shop.accountOf(call) : isKeyGood ? 'ann' : undefined;
  const page = async (items: readonly { readonly id: string }[]) => {
    await new Promise((resolve) => setTimeout(resolve, slowMs));
    return { body: { items, next: null } };
  };
  api.route('GET', '/users', (call) =>
    page(isKnown(call) === undefined ? [] : Array.from({ length: USERS }, (_, n) => ({ id: `u${n}` }))),
  );
  api.route('GET', '/users/:id/posts', (call, { id }) =>
    page(
      isKnown(call) === undefined || Number(id.slice(1)) % 3 === 0
        ? []
        : Array.from({ length: POSTS }, (_, n) => ({ id: `${id}-p${n}` })),
    ),
  );
  api.route('GET', '/me', (call) => (isKnown(call) === undefined ? { status: 401 } : { body: { id: 'ann' } }));
});
afterEach(() => expect(api.report().violations).toEqual([]));

const connect = (provider: string, account: string, credentials: object) =>
  world.sluice.accounts.connect({ provider, account, credentials });
const login = { username: 'ann', password: PASSWORD };
const run = async (sync: Sync<{ user: string }>, account: string): Promise<RunResult> =>
  (await world.sluice.start(sync, { account, input: { user: 'ann' } })).result();
const callsOf = (route: string): number => api.report().byRoute[route] ?? 0;

describe('an empty list that a bad token would get too', () => {
  it('is never believed beyond the known end of a token: every row is there', async () => {
    // Tokens end in the middle of the run, again and again.
    shop.lifeMs = 1_500;
    slowMs = 300;
    await connect('known', 'a', login);
    expect(await run(known, 'a')).toMatchObject({ state: 'done', complete: true, rows: ROWS });
    expect(shop.logins()).toBeGreaterThan(1);
  });

  it('costs one refresh for many lists that are really empty, where the token is known to live', async () => {
    await connect('known', 'b', login);
    expect(await run(known, 'b')).toMatchObject({ state: 'done', complete: true, rows: ROWS });
    expect(shop.logins()).toBe(1);
  });

  it('is believed for some seconds where nothing is known of the token: every row is there', async () => {
    shop.lifeMs = 7_000;
    slowMs = 700;
    await connect('unknown', 'a', login);
    const [first] = await Promise.all([
      run(unknown, 'a'),
      // Somebody ends the session elsewhere, when the token is no longer new.
      expect.poll(() => callsOf('GET /users/:id/posts'), { interval: 20 }).toBeGreaterThan(USERS / 2),
    ]);
    expect(first).toMatchObject({ state: 'done', complete: true, rows: ROWS });
  });

  it('is settled by the provider’s probe, whatever the age of the token', async () => {
    await connect('probed', 'a', login);
    slowMs = 50;
    const started = await world.sluice.start(probed, { account: 'a', input: { user: 'ann' } });
    await expect.poll(() => callsOf('GET /users/:id/posts'), { interval: 5 }).toBeGreaterThan(3);
    shop.endAll();
    expect(await started.result()).toMatchObject({ state: 'done', complete: true, rows: ROWS });
    expect(shop.logins()).toBe(2);
    expect(callsOf('GET /me')).toBeGreaterThan(0);
    // Those who doubt at once share one.
    expect(callsOf('GET /me')).toBeLessThanOrEqual(USERS);
  });

  it('of a key that can’t be renewed is true while the probe says that the key is good', async () => {
    await connect('keyed', 'a', { accessToken: 'key-0123456789' });
    expect(await run(keyed, 'a')).toMatchObject({ state: 'done', complete: true, rows: ROWS });
  });

  it('of a key that is bad needs the account’s user', async () => {
    isKeyGood = false;
    await connect('keyed', 'b', { accessToken: 'key-0123456789' });
    const started = await world.sluice.start(keyed, { account: 'b', input: { user: 'ann' } });
    await expect.poll(async () => (await started.progress()).state).toBe('paused');
    expect(await started.progress()).toMatchObject({
      pausedBy: 'auth',
      pausedReason: expect.stringContaining('the probe was answered with HTTP 401') as string,
    });
    isKeyGood = true;
    await world.sluice.accounts.reconnected({
      provider: 'keyed',
      account: 'b',
      credentials: { accessToken: 'key-new-98765' },
    });
    expect(await started.result()).toMatchObject({ state: 'done', complete: true, rows: ROWS });
  });

  it('that nothing can settle ends failed and says what to add', async () => {
    await connect('helpless', 'a', { accessToken: 'key-0123456789' });
    isKeyGood = false;
    const result = await run(helpless, 'a');
    expect(result).toMatchObject({ state: 'failed', rows: 0 });
    expect(result.flaws[0]?.reason).toMatch(/can't refresh these credentials. Give it an `authProbe`/);
    expect((await world.sluice.accounts.status({ provider: 'helpless', account: 'a' }))?.status).toBe('connected');
  });

  it('waits for a probe that fails, and ends where it can’t tell', async () => {
    await connect('keyed', 'c', { accessToken: 'key-0123456789' });
    api.script('/me', ['503', '503']);
    expect(await run(keyed, 'c')).toMatchObject({ state: 'done', complete: true, rows: ROWS });
    api.route('GET', '/me', () => ({ status: 404, body: { error: 'no such page' } }));
    await connect('keyed', 'd', { accessToken: 'key-0123456789' });
    const result = await run(keyed, 'd');
    expect(result.complete).toBe(false);
    expect(result.flaws[0]?.reason).toMatch(
      /the probe of the token can't tell whether it is good: it is answered with HTTP 404/,
    );
  });
});

describe('a write whose answer may be that to a bad token', () => {
  it.each(['as an error', 'as an empty list'] as const)('is sent again with a new one: %s', async (told) => {
    const keys: unknown[] = [];
    api.route('POST', '/orders', (call) => {
      keys.push(call.headers['idempotency-key']);
      if (shop.accountOf(call) !== undefined) return { status: 201, body: { id: 'o1' } };
      return { body: told === 'as an error' ? { ok: false, error: 'token_expired' } : { items: [] } };
    });
    await connect('writing', told, { ...login, accessToken: 'over-0123456789' });
    const handle = await world.sluice.act(order, { account: told, input: { told } });
    expect(await handle.result()).toEqual({ id: 'o1' });
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(shop.logins()).toBe(1);
  });
});
