/** The page in a real Chromium, on real Postgres and Temporal: every view, every act, live, by keyboard, in light and dark, at 400 px. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connect, diagnose } from '../../../client/index.ts';
import { createDashboard, serveDashboard, type ServedDashboard } from '../../../dashboard/index.ts';
import { defineProvider, defineSync, get, hours, noAuth, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { ensureChromium, seriousFaults, startBrowser, type Browser } from '../../setup/browser.ts';
import { sluice, startSluice } from '../../setup/programs/command-line.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { visitorAt, type Visitor } from '../../setup/visitor.ts';
import { createWorld, type World } from '../../setup/world.ts';

const program = ensureChromium();

let api: FakeApi;
let world: World;
let browser: Browser;
let served: ServedDashboard;
let page: Page;
let visitor: Visitor;

const Items = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
const shop = defineProvider({
  id: 'shop',
  baseUrl: () => api.url,
  auth: noAuth(),
  limits: [window('account', { by: ['account'], max: 40, perMs: hours(1), endpoints: ['stock'] })],
});
const list = (name: string, path: (id: string) => string = () => `/${name}`) =>
  shop.endpoint(name, {
    input: z.object({ id: z.string() }),
    response: Items,
    request: ({ id }, page) => get(path(id), { cursor: page.cursor, limit: page.size }),
    paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 5, max: 5 } },
  });
const stockList = list('stock');
const orders = defineSync('orders', { provider: shop, input: z.object({}) }, (s) => {
  const all = s.one(list('orders'), { input: () => ({ id: '' }), key: ({ id }) => id });
  const lines = list('lines', (id) => `/orders/${id}/lines`);
  return { orders: all, lines: s.each(all, lines, { input: ({ id }) => ({ id }), key: ({ id }) => id }) };
});
const stock = defineSync('stock', { provider: shop, input: z.object({}) }, (s) => ({
  stock: s.one(stockList, { input: () => ({ id: '' }), key: ({ id }) => id }),
}));

// Nothing of it falls due while the test runs.
const weekly = defineSync(
  'weekly',
  {
    provider: shop,
    input: z.object({}),
    schedule: { at: '03:00', zone: 'UTC', daysOfMonth: [31], input: () => ({}) },
    freshFor: '30d',
  },
  (s) => ({ weekly: s.one(list('weekly'), { input: () => ({ id: '' }), key: ({ id }) => id }) }),
);
const note = shop.action('note', {
  input: z.object({ text: z.string() }),
  output: z.object({ id: z.string() }),
  request: ({ text }) => post('/notes', { text }),
  idempotent: true,
});

beforeAll(async () => {
  if (program === undefined) return;
  api = await startFakeApi({ latencyMs: 5 });
  api.list('/orders', { count: 12, itemAt: (_, i) => ({ id: `o${i}` }) });
  api.list('/orders/:id/lines', { count: 8, itemAt: ({ id }, i) => ({ id: `${id}-l${i}` }) });
  api.list('/stock', { count: 500, itemAt: (_, i) => ({ id: `s${i}` }) });
  // No worker looks for alerts: it would clear those that are made up here.
  const alerts = { lookEveryMs: 3_600_000 };
  world = await createWorld([orders, stock], { actions: [note], encryptionKeys: TEST_KEYS, alerts });
  served = await serveDashboard(world.sluice, {
    port: 0,
    webUiUrl: 'http://127.0.0.1:8233',
    diagnose: () =>
      diagnose({
        databaseUrl: world.db.url,
        temporal: { address: temporalAddress() },
        encryptionKeys: TEST_KEYS,
        taskQueue: world.taskQueue,
        probe: false,
      }),
  });
  browser = await startBrowser(program);
  page = await browser.context.newPage();
  visitor = visitorAt(page, () => served.url);
  await page.emulateMedia({ colorScheme: 'light' });
});
afterAll(async () => {
  await browser?.end();
  await served?.close();
  await world?.end();
  await api?.stop();
});
afterEach(() => {
  expect(browser?.complaints.splice(0) ?? []).toEqual([]);
});

const open = (path: string) => visitor.open(path);
const said = () => visitor.said();
const state = () => page.locator('#run .state').textContent();
const press = (name: string) => visitor.press(name);
const follow = (name: string | RegExp) => visitor.follow(name);
const picture = (name: string) => visitor.picture(name);
const whyAnd = (act: string) => visitor.whyAnd(act);

describe.skipIf(program === undefined)('the page', () => {
  it('shows a run as it moves and why it waits, and pauses, resumes and cancels it', async () => {
    const run = await world.sluice.start(stock, { account: 'acct_1', input: {} });
    await expect.poll(() => run.waits().then(([wait]) => wait?.limit)).toMatch(/^shop\/account\//);
    await open('/');
    await follow('stock');
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('stock of acct_1');
    await expect.poll(() => page.locator('#waits').textContent()).toMatch(/1 list waits for shop\/account/);
    expect(await page.getByRole('link', { name: /Temporal/ }).getAttribute('href')).toBe(
      'http://127.0.0.1:8233/namespaces/default/workflows/sync%2Fstock%2Facct_1',
    );
    await picture('dashboard-run');
    await follow('Pause …');
    expect(await page.locator('main').textContent()).toMatch(/No call is begun .*What is stored stays/s);
    await picture('dashboard-pause');
    await press('Pause');
    expect(await said()).toBe('It is paused.');
    await expect.poll(state).toBe('paused');
    expect(await run.progress()).toMatchObject({ state: 'paused' });
    await follow('Resume …');
    await press('Resume');
    // The page is not loaded again.
    await expect.poll(state).toBe('running');
    await follow('Cancel …');
    await press('Cancel');
    // Without a reason the browser does not send it.
    expect(new URL(page.url()).pathname).toBe('/do/cancel-run');
    await whyAnd('Cancel');
    await expect.poll(state).toBe('cancelled');
  });

  it('shows every flaw of a run and retries it, and starts an account’s sync again', async () => {
    api.script('/orders/o3/lines', [{ status: 403, body: {} }]);
    const bad = await (await world.sluice.start(orders, { account: 'acct_42', input: {}, tenant: 'acme' })).result();
    expect(bad.complete).toBe(false);
    await open(`/runs/${bad.runId}`);
    expect(await page.locator('#flaws').textContent()).toMatch(/o3.*lines.*HTTP 403/s);
    await picture('dashboard-flaws');
    await follow('Read all flaws again …');
    await press('Read all flaws again');
    expect(await said()).toBe('A run of all lists with flaws was started.');
    // What can be done is done to the newest run alone.
    await expect.poll(() => page.locator('#run').textContent()).toContain('there is a newer one');
    await expect.poll(() => page.locator('#acts').textContent()).toBe('');
    await follow('there is a newer one');
    await expect.poll(state).toBe('done');
    await open('/accounts/acct_42');
    await follow(/^Start again\s+orders/);
    await press('Start again');
    expect(await said()).toBe('A new run was started.');
    await expect.poll(() => world.sluice.runs.count({ account: 'acct_42' }).then(({ done }) => done)).toBe(2);
    const [first] = await world.sluice.reports.list({ account: 'acct_42', order: 'newest', limit: 1 });
    expect(first?.startedBy).toBe('user:dashboard');
  });

  it('acts on all runs that match, after their number was confirmed', async () => {
    for (const account of ['b1', 'b2', 'b3']) await world.sluice.start(stock, { account, input: {}, tenant: 'b' });
    await expect.poll(() => world.sluice.runs.count({ sync: 'stock' }).then(({ running }) => running)).toBe(3);
    await open('/runs?state=running&sync=stock');
    await follow('Pause all that match …');
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toMatch(/3 runs: .*stock.*\?/);
    // It begins after the page was made, and is left alone.
    await world.sluice.start(stock, { account: 'b4', input: {}, tenant: 'b' });
    await expect.poll(() => world.sluice.runs.count({ account: 'b4' }).then(({ running }) => running)).toBe(1);
    await whyAnd('Pause all that match');
    expect(await said()).toBe('3 of 3 runs paused.');
    const entries = await world.sluice.audit.list({ act: 'run.pause', limit: 10 });
    expect(entries.filter(({ why }) => why === 'a test of it; one of 3 that match stock, running')).toHaveLength(3);
    expect(await world.sluice.runs.count({ sync: 'stock' })).toMatchObject({ paused: 3, running: 1 });
    await open('/runs?state=paused&sync=stock');
    await follow('Resume all that match …');
    await whyAnd('Resume all that match');
    expect(await said()).toBe('3 of 3 runs resumed.');
    await expect.poll(() => world.sluice.runs.count({ sync: 'stock' }).then(({ running }) => running)).toBe(4);
  });

  it('pauses, resumes, overrides and forgets a limit', async () => {
    await open('/limits?state=waiting');
    await follow(/^shop\/account\/.*b1/);
    await expect.poll(() => page.locator('#queue').textContent()).toContain('b1');
    expect(await page.locator('#users').textContent()).toMatch(/stock\s*b\s*1\s*1/);
    const [waited] = await world.sluice.limits.list({ prefix: 'shop/account/', state: 'waiting' });
    const key = waited?.key ?? '';
    await open(`/limits/${encodeURIComponent(key)}`);
    await follow('Pause …');
    expect(await page.locator('main').textContent()).toMatch(/1 call of 1 account waits for it now/);
    await whyAnd('Pause');
    expect(await said()).toBe('1 key paused.');
    expect(await world.sluice.limits.show(key)).toMatchObject({ state: 'paused', pausedReason: 'a test of it' });
    await follow('Resume …');
    await press('Resume');
    expect(await said()).toBe('1 key resumed.');
    await follow('Override …');
    await page.getByLabel(/^Units/).fill('41');
    await page.getByLabel(/minutes/).fill('30');
    await whyAnd('Override');
    expect(await said()).toBe('Overridden for 30 minutes.');
    expect(await page.locator('#limit').textContent()).toMatch(/Overridden\s+until in 30 min/);
    const { overriddenUntil = '' } = (await world.sluice.limits.show(key)) ?? {};
    expect(Date.parse(overriddenUntil) - Date.now()).toBeGreaterThan(29 * 60_000);
    expect(await page.locator('#events').textContent()).toMatch(/overridden.*paused/s);
    expect(await page.locator('#audit').textContent()).toMatch(
      /limits\.override.*user:dashboard, page.*a test of it.*limits\.pause/s,
    );
    await open('/limits?prefix=shop/account/');
    await follow('Pause all that begin with shop/account/ …');
    expect(await page.locator('main').textContent()).toMatch(
      /\d+ keys begin with shop\/account\/, and calls wait for [1-9]/,
    );
    await whyAnd('Pause');
    expect(await said()).toMatch(/^\d+ keys paused\.$/);
    expect(await world.sluice.limits.show(key)).toMatchObject({ state: 'paused', pausedReason: 'a test of it' });
    await follow('Resume all that begin with shop/account/ …');
    await press('Resume');
    expect((await world.sluice.limits.show(key))?.state).not.toBe('paused');
    await open(`/limits/${encodeURIComponent(key)}`);
    await follow('Forget …');
    await whyAnd('Forget');
    expect(await said()).toBe('It is forgotten.');
  });

  it('shows an account that must be connected again, and cancels an action', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    for (const account of ['acct_42', 'acct_7'])
      await world.sluice.accounts.connect({
        provider: 'shop',
        account,
        tenant: 'acme',
        credentials: { accessToken: 'at_secret_0123456789', refreshToken: 'rt_secret_0123456789', expiresAt },
      });
    await world.db.pool.query(
      `update sluice.account set status = 'needs_reconnect', reason = 'HTTP 401: revoked' where account = 'acct_7'`,
    );
    await open('/');
    await follow('accounts to connect again');
    expect(await page.locator('#accounts').textContent()).toMatch(/acct_7.*HTTP 401: revoked/s);
    expect(await page.locator('#accounts').textContent()).not.toContain('acct_42');
    await open('/accounts/acct_42');
    expect(await page.locator('main').textContent()).toMatch(/Token\s+valid ends in 1 h.*Last good run/s);
    expect(await page.content()).not.toContain('_secret_');
    await picture('dashboard-account');
    await world.sluice.limits.pause('shop/*', 'a test');
    const action = await world.sluice.act(note, {
      account: 'acct_42',
      input: { text: 'private row' },
      startedBy: 'user:7',
    });
    await open('/actions?status=pending');
    await follow(/note/);
    await follow('the action');
    await follow('Cancel …');
    await whyAnd('Cancel');
    expect(await said()).toBe('Its end was asked for.');
    await expect.poll(() => page.locator('#action .state').first().textContent()).toBe('cancelled');
    expect(await page.content()).not.toContain('private row');
    await action.result().catch(() => {});
    await world.sluice.limits.resume('shop/*');
  });

  it('shows schedules, alerts and who did what, and pauses a schedule', async () => {
    await world.sluice.schedules.apply([weekly]);
    await world.sluice.alerts.look();
    await world.db.pool.query(
      `insert into sluice.alert (kind, subject, text, details) values ('stale', 'weekly/acct_42', 'weekly of "acct_42" is old: look at its last run.',
         '{"sync": "weekly", "provider": "shop", "account": "acct_42"}')`,
    );
    await open('/');
    expect(await page.locator('#freshness').textContent()).toMatch(/weekly\s*30 d/);
    expect(await page.locator('#queues').textContent()).toContain('served');
    await follow('alerts open');
    expect(await page.locator('#alerts').textContent()).toMatch(/weekly\/acct_42.*stale.*open.*look at its last run/s);
    await follow('weekly/acct_42');
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('Alert: weekly/acct_42');
    expect(await page.locator('#alert').textContent()).toMatch(/weekly of\s+acct_42/);
    await page.locator('#alert').getByRole('link', { name: 'acct_42' }).click();
    expect(await page.locator('#alerts').textContent()).toContain('look at its last run');
    await follow('Schedules');
    await page.waitForURL(/schedules$/);
    expect(await page.locator('#schedules').textContent()).toMatch(/weekly.*running/s);
    expect(await page.locator('#freshness').textContent()).toContain('30 d');
    await follow('Pause …');
    await whyAnd('Pause');
    expect(await said()).toBe('It is paused.');
    expect((await world.sluice.schedules.list())[0]).toMatchObject({ id: 'weekly', pausedReason: 'a test of it' });
    await picture('dashboard-schedules');
    await follow('weekly');
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('Schedule weekly');
    await follow('Resume …');
    await press('Resume');
    expect(await said()).toBe('It goes on.');
    await follow('Audit');
    expect(await page.locator('#audit').textContent()).toMatch(/schedules\.resume.*schedules\.pause.*a test of it/s);
    await open('/audit?act=limits');
    expect(await page.locator('#audit').textContent()).not.toContain('schedules.pause');
    await picture('dashboard-audit');
    await open('/audit');
    await follow('schedules.pause');
    await page.waitForURL(/audit\/\d+$/);
    expect(await page.locator('#entry').textContent()).toMatch(/user:dashboard, page.*a test of it.*Before.*After/s);
  });

  it('answers five questions of support in three clicks each', async () => {
    let clicks = 0;
    const click = async (name: string | RegExp): Promise<void> => {
      clicks++;
      await follow(name);
    };
    const ask = async (way: () => Promise<void>, answer: RegExp): Promise<void> => {
      await open('/');
      clicks = 0;
      await way();
      await expect.poll(() => page.locator('main').textContent()).toMatch(answer);
      expect(clicks).toBeLessThanOrEqual(3);
    };
    const [waited] = await world.sluice.limits.list({ prefix: 'shop/account/', state: 'waiting' });
    const key = waited?.key ?? '';
    await world.sluice.as({ by: 'user:eve', why: 'they asked us to' }).limits.override(key, { max: 40 });
    // Why has acct_42 no new orders since Tuesday?
    api.script('/orders/o5/lines', [{ status: 403, body: {} }]);
    await (await world.sluice.start(orders, { account: 'acct_42', input: {}, tenant: 'acme' })).result();
    await ask(async () => {
      await page.getByLabel('Find').fill('acct_42');
      clicks++;
      await press('Go');
      await page.waitForURL(/accounts\/acct_42$/);
      await click('orders');
    }, /Lists that were not read to their end.*o5.*lines.*HTTP 403/s);
    // Are we the reason that they throttle us?
    await ask(async () => {
      await click('Limits');
      await click('waited for');
      await click(key);
    }, /40 of 40.*Over time.*Calls and refusals.*Who waits/s);
    // What happens if I pause this?
    await ask(async () => {
      await click('stock');
      await click('Pause …');
    }, /has 1 list in hand.*What is stored stays.*Leave it as it is/s);
    expect((await world.sluice.runs.list({ state: 'running', limit: 10 })).length).toBeGreaterThan(0);
    // Which accounts must be connected again?
    await ask(() => click('accounts to connect again'), /acct_7.*HTTP 401: revoked/s);
    // Who changed this limit?
    await ask(async () => {
      await click('Limits');
      await click('waited for');
      await click(key);
    }, /Who changed it.*limits\.override.*user:eve, client.*they asked us to/s);
  });

  it('draws how a limit was used, with marks for overrides and deploys, for an hour, a day and 90 days', async () => {
    const [waited] = await world.sluice.limits.list({ prefix: 'shop/account/', state: 'waiting' });
    await open(`/limits/${encodeURIComponent(waited?.key ?? '')}`);
    // Workers tell every some seconds; the page is not loaded again.
    await expect
      .poll(() => page.locator('#graphs').textContent(), { timeout: 30_000 })
      .toMatch(/Calls and refusals in a minute.*Used, below the limit in force/s);
    expect(await page.locator('#graphs .bars').first().getAttribute('d')).toMatch(/^M/);
    await expect.poll(() => page.locator('#graphs .mark-override').count()).toBeGreaterThan(0);
    expect(await page.locator('#graphs .mark-deploy title').first().textContent()).toMatch(/workers of build sluice-/);
    await picture('dashboard-limit');
    await page.getByText('As numbers').click();
    expect(await page.locator('#numbers').textContent()).toMatch(/overridden, max: 40/);
    await follow('last day');
    await expect.poll(() => page.locator('#graphs').textContent()).toContain('in a quarter of an hour');
    await follow('last 90 days');
    await expect.poll(() => page.locator('#graphs').textContent()).toContain('in six hours');
  });

  it('is led to from Temporal’s Web UI, where its public address is known', async () => {
    const client = await connect({
      databaseUrl: world.db.url,
      temporal: { address: temporalAddress() },
      taskQueue: world.taskQueue,
      dashboardUrl: served.url,
    });
    try {
      const run = await client.start(orders, { account: 'a)b [c](', input: {} });
      const { staticDetails } = await world.temporal.workflow
        .getHandle(run.workflowId)
        .describe()
        .then(async (of) => ({ staticDetails: await of.staticDetails() }));
      const address = /^- \[[^\]]+\]\(([^()\s]+)\)$/m.exec(staticDetails ?? '')?.[1] ?? '';
      await run.result();
      await page.goto(address);
      await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('orders of a)b [c](');
    } finally {
      await client.close();
    }
    await expect(connect({ databaseUrl: world.db.url, dashboardUrl: 'javascript:alert(1)' })).rejects.toThrow(
      /dashboardUrl/,
    );
  });

  it('is light and dark, and fits 400 px', async () => {
    await open('/');
    await picture('dashboard-overview');
    await page.emulateMedia({ colorScheme: 'dark' });
    const paper = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const dark = await paper();
    await picture('dashboard-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await paper()).not.toBe(dark);
    await page.setViewportSize({ width: 400, height: 800 });
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    await picture('dashboard-narrow');
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('says what is wrong with servers and workers, once and not in a stream', async () => {
    await open('/');
    await follow('Doctor');
    await page.waitForURL(/\/doctor$/);
    expect(await page.locator('#findings').textContent()).toMatch(/temporal reachable\s*ok/);
    expect(await page.locator('#stream').count()).toBe(0);
    expect((await fetch(new URL('/live?view=%2Fdoctor', served.url))).status).toBe(404);
  });

  it('is walked by keyboard alone: a run is found, and paused', async () => {
    const run = await world.sluice.start(stock, { account: 'keys', input: {} });
    await expect.poll(() => world.sluice.runs.count({ account: 'keys' }).then(({ running }) => running)).toBe(1);
    await open('/');
    const focused = (): Promise<string> =>
      page.evaluate<string>('(document.activeElement.textContent || document.activeElement.id).trim()');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    const reach = async (name: string, key = 'Tab'): Promise<void> => {
      for (let steps = 0; (await focused()) !== name; steps++) {
        expect(steps, `"${name}" is not reached; the keyboard is at "${await focused()}"`).toBeLessThan(60);
        await page.keyboard.press(key);
      }
      const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
      expect(`${name}: ${outline}`).toBe(`${name}: solid`);
    };
    const walkTo = async (name: string): Promise<void> => {
      await reach(name);
      await page.keyboard.press('Enter');
    };
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('main');
    await reach('q', 'Shift+Tab');
    await page.keyboard.type('keys');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/accounts\/keys$/);
    await walkTo('stock');
    await page.waitForURL(/\/runs\/[0-9a-f-]{36}$/);
    // The regions are put in anew beneath the keyboard: it stays where it is.
    await walkTo('Pause …');
    await page.waitForURL(/\/do\/pause-run/);
    await walkTo('Pause');
    await expect.poll(said).toBe('It is paused.');
    await expect.poll(() => run.progress().then((progress) => progress.state)).toBe('paused');
    await run.cancel();
  });

  it('stops its stream in a hidden tab, and shows what has changed when it is seen again', async () => {
    const run = await world.sluice.start(stock, { account: 'hidden', input: {} });
    await expect.poll(() => world.sluice.runs.count({ account: 'hidden' }).then(({ running }) => running)).toBe(1);
    await open('/runs?account=hidden');
    await expect.poll(() => page.locator('#stream').textContent()).toContain('Live');
    const see = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${isHidden} });
        document.dispatchEvent(new Event('visibilitychange'))`);
    const isOver = page.waitForEvent('requestfailed', (request) => request.url().includes('/live'));
    await see(true);
    await isOver;
    await run.pause();
    const at = page.locator('#runs .state');
    expect(await at.textContent()).toBe('running');
    await see(false);
    await expect.poll(() => at.textContent()).toBe('paused');
    await run.cancel();
  });

  it('shows hostile names and texts as they are, cut, and without marks that turn the writing', async () => {
    const account = '<img src=x onerror=alert(1)>\u202e&"evil';
    await (await world.sluice.start(orders, { account, input: {} })).result();
    const mega = `<script>alert(2)</script>\u2067${'x'.repeat(1_000_000)}`;
    await world.db.pool.query(`update sluice.run set error = $1, state = 'failed' where account = $2`, [mega, account]);
    await world.db.pool.query(
      `update sluice.report set error = $1, traceback = $1, what = $1, status = 'failed' where account = $2`,
      [mega, account],
    );
    await world.sluice.limits.pause('shop/*', mega);
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs++;
      void dialog.dismiss();
    });
    const [run] = await world.sluice.runs.list({ account });
    const [report] = await world.sluice.reports.list({ account });
    const named = encodeURIComponent(account);
    const places = ['/', '/runs', '/reports', '/limits', `/accounts/${named}`, `/runs?account=${named}`];
    for (const path of [...places, `/runs/${run?.runId}`, `/reports/${report?.sequence}`]) {
      await open(path);
      await expect.poll(() => page.locator('#stream').textContent()).toContain('Live');
      expect((await page.content()).length, path).toBeLessThan(200_000);
      expect(await page.locator('main').textContent(), path).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
      expect(await page.locator('main img, main script').count(), path).toBe(0);
    }
    await open('/runs');
    expect(await page.locator('#runs').textContent()).toContain('<img src=x onerror=alert(1)>⟨U+202E⟩&"evil');
    await world.sluice.limits.resume('shop/*');
    // The name leads to its own account, and an act on it finds it.
    await follow(/<img/);
    await follow(/^Start again\s+orders/);
    await press('Start again');
    expect(await said()).toBe('A new run was started.');
    await expect.poll(() => world.sluice.runs.count({ account }).then((of) => of.done + of.running)).toBe(1);
    expect(dialogs).toBe(0);
  });

  it('lets in by a token where it has some, and shows a reader no act', async () => {
    const tokens = { operate: 'operate-0123456789', read: 'read-0123456789012' };
    const guarded = await serveDashboard(world.sluice, { port: 0, tokens });
    try {
      await page.goto(new URL('/runs', guarded.url).href);
      expect(new URL(page.url()).pathname).toBe('/login');
      expect(await seriousFaults(page)).toEqual([]);
      await page.getByLabel('Token').fill('not-the-right-one');
      await press('Come in');
      expect(await page.getByRole('alert').textContent()).toBe('This token is not right.');
      await page.getByLabel('Token').fill(tokens.read);
      await press('Come in');
      await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('Overview');
      const [run] = await world.sluice.runs.list({ state: 'cancelled', limit: 1 });
      await page.goto(new URL(`/runs/${run?.runId}`, guarded.url).href);
      expect(await page.locator('#acts').textContent()).toBe('');
      const refused = await page.goto(new URL(`/do/start-again?run=${run?.runId}`, guarded.url).href);
      expect(refused?.status()).toBe(403);
      // The browser itself tells of the 401 and the 403.
      expect(browser.complaints.splice(0).filter((each) => !/status of 40[13]/.test(each))).toEqual([]);
    } finally {
      await page.goto('about:blank');
      await guarded.close();
    }
  });

  it('is mounted in an app, with links below its path and the app’s own log-in', async () => {
    const dashboard = createDashboard(world.sluice, {
      basePath: '/admin/sluice',
      authorize: (request) =>
        request.headers.get('cookie')?.includes('app=yes') ? { role: 'operate', by: 'user:jo' } : undefined,
    });
    const app = new Hono().all('/admin/sluice/*', ({ req }) => dashboard.fetch(req.raw));
    const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
      const starting = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(starting));
    });
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}/admin/sluice/`;
    try {
      expect((await fetch(url)).status).toBe(401);
      await browser.context.addCookies([{ name: 'app', value: 'yes', url }]);
      await page.goto(url);
      await follow('Accounts');
      await follow('acct_42');
      await page.waitForURL(`${url}accounts/acct_42`);
      await expect.poll(() => page.locator('#stream').textContent()).toContain('Live');
      await follow(/^Start again\s+orders/);
      await press('Start again');
      expect(await said()).toBe('A new run was started.');
      const [report] = await world.sluice.reports.list({ account: 'acct_42', order: 'newest', limit: 1 });
      expect(report?.startedBy).toBe('user:jo');
    } finally {
      dashboard.close();
      await page.goto('about:blank');
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('is a command, which says its address and refuses to be open to others without a token', async () => {
    const env = { DATABASE_URL: world.db.url, TEMPORAL_ADDRESS: temporalAddress(), SLUICE_TASK_QUEUE: world.taskQueue };
    const refused = await sluice(['dashboard', '--host', '0.0.0.0', '--port', '0'], env);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.output).toContain('Set SLUICE_DASHBOARD_TOKEN');
    const running = startSluice(['dashboard', '--port', '0'], env);
    await expect.poll(running.said).toMatch(/Dashboard {2}http/);
    const url = /http\S+/.exec(running.said())?.[0] ?? '';
    expect(await (await fetch(url)).text()).toContain('<h1>Overview</h1>');
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(0);
  });
});
