/** The page in a real Chromium, on real Postgres and Temporal: every view, every act, live, by keyboard, in light and dark, at 400 px. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { serveDashboard, type ServedDashboard } from '../../../dashboard/index.ts';
import { defineProvider, defineSync, get, hours, noAuth, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { findChromium, seriousFaults, startBrowser, type Browser } from '../../setup/browser.ts';
import { createWorld, type World } from '../../setup/world.ts';

const program = findChromium();
if (program === undefined && process.env['CI'])
  throw new Error('No Chromium on the PATH: install it, or name it in SLUICE_CHROMIUM.');

let api: FakeApi;
let world: World;
let browser: Browser;
let served: ServedDashboard;
let page: Page;

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

beforeAll(async () => {
  if (program === undefined) return;
  api = await startFakeApi({ latencyMs: 5 });
  api.list('/orders', { count: 12, itemAt: (_, i) => ({ id: `o${i}` }) });
  api.list('/orders/:id/lines', { count: 8, itemAt: ({ id }, i) => ({ id: `${id}-l${i}` }) });
  api.list('/stock', { count: 500, itemAt: (_, i) => ({ id: `s${i}` }) });
  world = await createWorld([orders, stock]);
  served = await serveDashboard(world.sluice, { port: 0, webUiUrl: 'http://127.0.0.1:8233' });
  browser = await startBrowser(program);
  page = await browser.context.newPage();
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

const open = (path: string) => page.goto(new URL(path, served.url).href);

describe.skipIf(program === undefined)('the page', () => {
  it('shows a run as it moves, why it waits, and pauses, resumes and cancels it', async () => {
    const run = await world.sluice.start(stock, { account: 'acct_1', input: {} });
    await expect.poll(() => run.waits().then(([wait]) => wait?.limit)).toMatch(/^shop\/account\//);
    await open('/');
    await page.getByRole('link', { name: 'stock' }).click();
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('stock of acct_1');
    await expect.poll(() => page.locator('#waits').textContent()).toMatch(/1 list waits for shop\/account/);
    expect(await page.getByRole('link', { name: /Temporal/ }).getAttribute('href')).toBe(
      'http://127.0.0.1:8233/namespaces/default/workflows/sync%2Fstock%2Facct_1',
    );
    await page.getByRole('link', { name: 'Pause …' }).click();
    expect(await page.locator('main').textContent()).toMatch(/No call is begun .*What is stored stays/s);
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(() => page.getByRole('status').first().textContent()).toBe('It is paused.');
    await expect.poll(() => page.locator('#run .state').textContent()).toBe('paused');
    expect(await run.progress()).toMatchObject({ state: 'paused' });
    await page.getByRole('link', { name: 'Resume …' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    // Live: the page is not loaded again.
    await expect.poll(() => page.locator('#run .state').textContent()).toBe('running');
    await page.getByRole('link', { name: 'Cancel …' }).click();
    await page.getByLabel(/^Why/).fill('a test');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => page.locator('#run .state').textContent()).toBe('cancelled');
    expect(await seriousFaults(page)).toEqual([]);
  });
});
