import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bearer, defineProvider, defineSync, get, oauth2, seconds, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi, type OAuthHandle } from '../../../testing/index.ts';
import { NeedsReconnect, type CredentialSource } from '../../../workers/index.ts';
import type { RunProgress } from '../../../contracts/run.ts';
import type { SyncHandle } from '../../../client/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { callsWithin } from '../../setup/run-facts.ts';
import { createWorld, type World } from '../../setup/world.ts';

const Item = z.object({ id: z.string() });
const Page = z.object({ items: z.array(Item), next: z.string().nullish() });
const ROWS = 200;

let api: FakeApi;
let world: World;
let rowsToday = ROWS;

const provider = defineProvider({
  id: 'social',
  baseUrl: () => api.url,
  auth: oauth2({ tokenUrl: '/oauth/token', clientId: 'app', skewMs: 60_000 }),
  limits: [window('account', { by: ['account'], max: 20, perMs: seconds(1) })],
});
const items = provider.endpoint('items', {
  input: z.object({}),
  response: Page,
  request: (_, page) => get('/items', { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next, pageSize: { start: 5 } },
});
const feed = defineSync('feed', { provider, input: z.object({}) }, (s) => ({
  items: s.one(items, { input: () => ({}), key: (item) => item.id }),
}));
const inbox = defineSync('inbox', { provider, input: z.object({}) }, (s) => ({
  items: s.one(items, { input: () => ({}), key: (item) => item.id }),
}));

/** Its lists may be read without a token, or so it was thought. */
const openProvider = defineProvider({
  id: 'open',
  baseUrl: () => api.url,
  auth: bearer({ optional: true }),
  limits: [window('account', { by: ['account'], max: 20, perMs: seconds(1) })],
});
const openFeed = defineSync('openFeed', { provider: openProvider, input: z.object({}) }, (s) => ({
  items: s.one(
    openProvider.endpoint('items', {
      input: z.object({}),
      response: Page,
      request: (_, page) => get('/items', { cursor: page.cursor, limit: page.size }),
      paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
    }),
    { input: () => ({}), key: (item) => item.id },
  ),
}));

const startApi = async (): Promise<void> => {
  api = await startFakeApi();
  api.list('/items', { count: () => rowsToday, pageSize: { max: 5 } });
};
const rowsOf = async (account: string, node = feed.items): Promise<number> => {
  let rows = 0;
  for await (const _ of world.sluice.records(node, { account })) rows++;
  return rows;
};
const stateOf = async (run: SyncHandle) => (await run.progress()).state;
const untilPages = async (run: SyncHandle, pages: number) =>
  expect
    .poll(
      async () => {
        const progress = await run.progress();
        return 'nodes' in progress ? progress.nodes[0]!.pages : 0;
      },
      { timeout: 30_000, interval: 20 },
    )
    .toBeGreaterThanOrEqual(pages);
const login = (oauth: OAuthHandle, account: string, isLifeKnown = false) => {
  const { accessToken, refreshToken, expiresInMs } = oauth.issue(account);
  const expiresAt = isLifeKnown ? { expiresAt: new Date(Date.now() + expiresInMs).toISOString() } : {};
  return { provider, account, credentials: { accessToken, refreshToken, ...expiresAt } };
};

describe('a sync with credentials from the store', () => {
  beforeAll(async () => {
    await startApi();
    world = await createWorld([feed, inbox, openFeed], { workers: 2, encryptionKeys: TEST_KEYS });
    await api.stop();
  });
  afterAll(() => world.end());
  beforeEach(async () => {
    rowsToday = ROWS;
    await startApi();
  });
  afterEach(() => api.stop());

  it('whose token is refused in the middle refreshes it once and stores every row', async () => {
    const oauth = api.oauth({ accessLifeMs: 3_600_000 });
    await world.sluice.accounts.connect(login(oauth, 'mid'));
    const run = await world.sluice.start(feed, { account: 'mid', input: {} });
    await untilPages(run, 5);
    oauth.expire('mid');
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, flaws: [] });
    expect(await rowsOf('mid')).toBe(ROWS);
    expect(oauth.account('mid')).toMatchObject({ refreshes: 1, refusedRefreshes: 0, reuses: 0, isLost: false });
    const report = api.report();
    expect(report.unauthorized).toBe(1);
    expect(report.repeated).toEqual([]);
    expect(report.violations).toEqual([]);
  });

  it('whose tokens live shorter than itself refreshes each before its end, and is never refused', async () => {
    rowsToday = 600;
    const oauth = api.oauth({ accessLifeMs: 2_000 });
    await world.sluice.accounts.connect(login(oauth, 'short', true));
    const run = await world.sluice.start(feed, { account: 'short', input: {} });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true });
    expect(await rowsOf('short')).toBe(600);
    const { refreshes, reuses, refusedRefreshes, refreshedAt } = oauth.account('short');
    expect(refreshes).toBeGreaterThanOrEqual(2);
    expect({ reuses, refusedRefreshes }).toEqual({ reuses: 0, refusedRefreshes: 0 });
    // One for each expiry: never two close together.
    const gaps = refreshedAt.slice(1).map((at, index) => at - refreshedAt[index]!);
    for (const gap of gaps) expect(gap).toBeGreaterThan(1_000);
    expect(api.report().repeated.filter(({ path }) => path === '/items')).toEqual([]);
  });

  it('pauses with a reason when the refresh is refused, and goes on by itself when the user has connected again', async () => {
    const oauth = api.oauth();
    await world.sluice.accounts.connect({ ...login(oauth, 'gone'), tenant: 'acme' });
    const run = await world.sluice.start(feed, { account: 'gone', input: {} });
    const stopped = await world.sluice.start(inbox, { account: 'gone', input: {} });
    await untilPages(run, 3);
    await untilPages(stopped, 1);
    await stopped.pause();
    await expect.poll(() => stateOf(stopped)).toBe('paused');
    oauth.revoke('gone');
    await expect.poll(() => stateOf(run), { timeout: 20_000 }).toBe('paused');
    expect(await run.progress()).toMatchObject({
      pausedBy: 'auth',
      pausedReason: 'the refresh was answered with HTTP 400 invalid_grant',
    });
    expect(await world.sluice.accounts.list({ status: 'needs_reconnect', tenant: 'acme' })).toMatchObject([
      { provider: 'social', account: 'gone', reason: 'the refresh was answered with HTTP 400 invalid_grant' },
    ]);

    // Nothing is asked of the third party meanwhile.
    await expect.poll(() => api.report().inFlight).toBe(0);
    expect(await callsWithin(api, 1_500)).toBe(0);

    await world.sluice.accounts.reconnected(login(oauth, 'gone'));
    expect(await run.result()).toMatchObject({ state: 'done', complete: true });
    expect(await rowsOf('gone')).toBe(ROWS);
    expect(await world.sluice.accounts.status({ provider, account: 'gone' })).toMatchObject({
      status: 'connected',
      reason: null,
      tenant: 'acme',
    });
    // A pause of an operator is not ended by it.
    expect(await stopped.progress()).toMatchObject({ state: 'paused', pausedBy: 'operator' });
    await stopped.resume();
    expect(await stopped.result()).toMatchObject({ state: 'done' });
  });

  it('started before its account is connected waits for it', async () => {
    const oauth = api.oauth();
    const run = await world.sluice.start(feed, { account: 'later', input: {} });
    await expect.poll(() => stateOf(run), { timeout: 20_000 }).toBe('paused');
    expect((await run.progress()) as RunProgress).toMatchObject({
      pausedBy: 'auth',
      pausedReason: '"later" is not connected to "social": no credentials are known',
    });
    expect(api.report().calls).toBe(0);
    expect(await run.waits()).toMatchObject([
      {
        kind: 'account',
        text: expect.stringMatching(/^the account "later" must be connected again \("later" is not/) as string,
      },
    ]);
    await world.sluice.accounts.connect(login(oauth, 'later'));
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await rowsOf('later')).toBe(ROWS);
  });

  it('ends and says what to do when a third party wants a token of an account that needs none', async () => {
    const oauth = api.oauth();
    const run = await world.sluice.start(openFeed, { account: 'guest', input: {} });
    const result = await run.result();
    expect(result).toMatchObject({ state: 'failed', calls: 1 });
    expect(result.flaws[0]?.reason).toMatch(
      /HTTP 401.*account "guest" has no credentials for provider "open": connect it with accounts.connect\(\)/,
    );
    expect(await world.sluice.accounts.list({ provider: openProvider })).toEqual([]);
    await world.sluice.accounts.connect({ ...login(oauth, 'guest'), provider: openProvider });
    expect(await (await run.retryFailed()).result()).toMatchObject({ state: 'done', complete: true });
    // One that has a token which can't be renewed is its user's business.
    oauth.expire('guest');
    const later = await world.sluice.start(openFeed, { account: 'guest', input: {} });
    await expect.poll(() => stateOf(later), { timeout: 20_000 }).toBe('paused');
    await later.cancel();
  });

  it('pauses again when the new login is refused as well, and an operator who resumes it learns the same', async () => {
    const oauth = api.oauth();
    await world.sluice.accounts.connect(login(oauth, 'twice'));
    oauth.revoke('twice');
    const run = await world.sluice.start(feed, { account: 'twice', input: {} });
    await expect.poll(() => stateOf(run), { timeout: 20_000 }).toBe('paused');
    await run.resume();
    await expect
      .poll(async () => (await run.progress()) as object)
      .toMatchObject({ state: 'paused', pausedBy: 'auth' });
    const second = login(oauth, 'twice');
    oauth.revoke('twice');
    await world.sluice.accounts.reconnected(second);
    await expect.poll(() => api.report().byRoute['POST /oauth/token'], { timeout: 20_000 }).toBe(2);
    await expect.poll(() => stateOf(run)).toBe('paused');
    await world.sluice.accounts.reconnected(login(oauth, 'twice'));
    expect(await run.result()).toMatchObject({ state: 'done' });
  });

  it('ends failed and not in a loop when the third party refuses every token it gives', async () => {
    const oauth = api.oauth({ accessLifeMs: 1_000 });
    await world.sluice.accounts.connect(login(oauth, 'never'));
    api.script('/items', [{ status: 401, body: '' }], { repeats: true });
    const run = await world.sluice.start(feed, { account: 'never', input: {} });
    const result = await run.result();
    expect(result).toMatchObject({ state: 'failed' });
    expect(result.flaws[0]).toMatchObject({ kind: 'failed', reason: expect.stringContaining('HTTP 401') as string });
    expect(oauth.account('never').reuses).toBe(0);
  });
});

describe('a sync with credentials from the app', () => {
  let token: string | undefined;
  let asked: string[] = [];
  const source: CredentialSource = {
    get: (providerId, account) => {
      asked.push(`${providerId}/${account}`);
      if (token === undefined) return Promise.reject(new NeedsReconnect('the vault has no token'));
      return Promise.resolve({ accessToken: token });
    },
  };
  beforeAll(async () => {
    await startApi();
    world = await createWorld([feed], { credentials: source });
  });
  afterAll(async () => {
    await world.end();
    await api.stop();
  });

  it('pauses when they are refused or missing, and goes on when the app says so', async () => {
    asked = [];
    const oauth = api.oauth();
    token = oauth.issue('own').accessToken;
    const run = await world.sluice.start(feed, { account: 'own', input: {} });
    await untilPages(run, 3);
    oauth.expire('own');
    await expect.poll(() => stateOf(run), { timeout: 20_000 }).toBe('paused');
    // Of a name that was misspelt, secrets would be kept that nobody uses.
    await expect(
      world.sluice.accounts.reconnected({ provider, account: 'onw', credentials: { accessToken: 'x' } }),
    ).rejects.toThrow(/Account "onw" was never connected at "social"; connect it with accounts\.connect/);
    token = undefined;
    await world.sluice.accounts.reconnected({ provider, account: 'own' });
    await expect
      .poll(async () => (await run.progress()) as object, { timeout: 20_000 })
      .toMatchObject({ state: 'paused', pausedReason: 'the vault has no token' });
    token = oauth.issue('own').accessToken;
    await world.sluice.accounts.reconnected({ provider, account: 'own' });
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await rowsOf('own')).toBe(ROWS);
    expect(new Set(asked)).toEqual(new Set(['social/own']));
    expect(api.report().byRoute['POST /oauth/token']).toBeUndefined();
  });
});
