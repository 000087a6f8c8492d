/**
 * Every view and the form of every act, found by its links alone, in a real Chromium that runs no script: of accounts, rows, errors and
 * reasons that are as hostile as a third party can make them. Each is harmless, is walked by keyboard, and passes axe-core.
 */
import type { CDPSession } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { acts } from '../../../dashboard/acts/acts.ts';
import { serveDashboard, type ServedDashboard } from '../../../dashboard/index.ts';
import { diagnose } from '../../../client/index.ts';
import { VIEWS } from '../../../dashboard/routes.ts';
import { bearer, defineProvider, defineSync, get, hours, path, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { ensureChromium, startBrowser, type Browser } from '../../setup/browser.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { visitorAt, type Visitor } from '../../setup/visitor.ts';
import { createWorld, type World } from '../../setup/world.ts';

const program = ensureChromium();

const EVIL = '<img src=x onerror=alert(1)>\u202e&"evil\'';
const MEGA = `<script>alert(2)</script>\u2067${'x'.repeat(1_000_000)}`;
const MARKS = /[\u202a-\u202e\u2066-\u2069]/;
/** Of one view with other queries, or of other subjects. */
const MOST_OF_A_KIND = 5;

let api: FakeApi;
let world: World;
let browser: Browser;
let served: ServedDashboard;
let at: Visitor;
let debug: CDPSession;

const odd = defineProvider({
  id: 'odd',
  baseUrl: () => api.url,
  auth: bearer(),
  limits: [window('account', { by: ['account'], max: 3, perMs: hours(1), endpoints: ['slow'] })],
  maxAttempts: 1,
});
const list = (name: string, pathOf: (id: string) => string = () => `/${name}`) =>
  odd.endpoint(name, {
    input: z.object({ id: z.string() }),
    response: z.object({ items: z.array(z.looseObject({ id: z.string() })), next: z.string().nullish() }),
    request: ({ id }, page) => get(pathOf(id), { cursor: page.cursor, limit: page.size }),
    paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 5, max: 5 } },
  });
const slow = defineSync('slow', { provider: odd, input: z.object({}) }, (s) => ({
  slow: s.one(list('slow'), { input: () => ({ id: '' }), key: ({ id }) => id }),
}));
const tree = defineSync('tree', { provider: odd, input: z.object({}) }, (s) => {
  const roots = s.one(list('roots'), { input: () => ({ id: '' }), key: ({ id }) => id });
  const leaves = list('leaves', (id) => path`/roots/${id}/leaves`);
  return { roots, leaves: s.each(roots, leaves, { input: ({ id }) => ({ id }), key: ({ id }) => id }) };
});
const scheduled = (name: string) =>
  defineSync(
    name,
    {
      provider: odd,
      input: z.object({}),
      schedule: { at: '03:00', zone: 'UTC', daysOfMonth: [31], input: () => ({}) },
    },
    (s) => ({ rows: s.one(list(`${name}-rows`), { input: () => ({ id: '' }), key: ({ id }) => id }) }),
  );
const [weekly, monthly] = [scheduled('weekly'), scheduled('monthly')];
const note = odd.action('note', {
  input: z.object({ text: z.string() }),
  output: z.object({ id: z.string() }),
  request: ({ text }) => post('/notes', { text }),
});

const sent = async (script?: Parameters<FakeApi['script']>[1]) => {
  if (script) api.script('POST /notes', script);
  const action = await world.sluice.act(note, { account: EVIL, input: { text: EVIL }, startedBy: `user:${EVIL}` });
  if (script) await action.result().catch(() => {});
  return `/actions/${encodeURIComponent(action.workflowId)}`;
};

beforeAll(async () => {
  if (program === undefined) return;
  api = await startFakeApi({ latencyMs: 2 });
  api.list('/slow', { count: 500, itemAt: (_, i) => ({ id: `s${i}` }) });
  api.list('/roots', { count: 12, itemAt: (_, i) => ({ id: `${EVIL}${i}` }) });
  api.list('/roots/:id/leaves', { count: 3, itemAt: ({ id }, i) => ({ id: `${id}-${i}` }) });
  world = await createWorld([slow, tree, weekly, monthly], { actions: [note], encryptionKeys: TEST_KEYS });
  const { db, taskQueue } = world;
  const servers = { databaseUrl: db.url, temporal: { address: temporalAddress() } };
  served = await serveDashboard(world.sluice, {
    port: 0,
    definitions: { syncs: [slow, tree], actions: [note] },
    diagnose: () => diagnose({ ...servers, encryptionKeys: TEST_KEYS, taskQueue, probe: false }),
  });
  browser = await startBrowser(program);
  at = visitorAt(await browser.context.newPage(), () => served.url);
  await at.page.emulateMedia({ colorScheme: 'light' });
  debug = await browser.context.newCDPSession(at.page);
}, 120_000);
afterAll(async () => {
  await browser?.end();
  await served?.close();
  await world?.end();
  await api?.stop();
});

const withoutScript = (value: boolean) => debug.send('Emulation.setScriptExecutionDisabled', { value });

/** @returns addresses at which to begin, besides the first one. */
async function makeTrouble(): Promise<string[]> {
  const { sluice, db } = world;

  const credentials = { accessToken: 'at_secret_0123456789' };

  for (const account of [EVIL, 'paused', `${EVIL} gone`])
    await sluice.accounts.connect({ provider: odd, account, tenant: EVIL, credentials });
  api.script('GET /roots/:id/leaves', [{ status: 403, body: { error: { message: MEGA } } }]);

  expect(await (await sluice.start(tree, { account: EVIL, input: {}, tenant: EVIL })).result()).toMatchObject({
    state: 'incomplete',
  });

  await sluice.start(slow, { account: EVIL, input: {}, tenant: EVIL });

  const paused = await sluice.start(slow, { account: 'paused', input: {}, tenant: EVIL });

  await expect.poll(() => sluice.runs.count({ sync: 'slow' }).then(({ running }) => running)).toBe(2);

  await paused.pause();

  const failed = await sent([{ status: 422, body: { error: { message: MEGA } } }]);

  const unknown = await sent(['reset-after']);

  await sluice.schedules.apply([weekly, monthly]);

  await sluice.schedules.pause('monthly', EVIL);

  await sluice.limits.pause('odd/*', MEGA);

  const waiting = await sent();

  await db.pool.query(`update sluice.account set status = 'needs_reconnect', reason = $1 where account = $2`, [
    MEGA,
    `${EVIL} gone`,
  ]);

  await db.pool.query(`insert into sluice.alert (kind, subject, text, details) values ('stale', $1, $2, $3)`, [
    `weekly/${EVIL}`,
    MEGA,
    { sync: 'weekly', provider: 'odd', account: EVIL },
  ]);

  const keys = [
    ...(await sluice.limits.list({ prefix: 'odd/*', limit: 1 })),
    ...(await sluice.limits.list({ prefix: 'odd/account/', limit: 1 })),
  ];

  return [
    '/doctor',
    '/runs?state=running',
    '/runs?state=paused',
    '/runs?state=incomplete',
    '/limits?prefix=odd/',
    ...keys.map(({ key }) => `/limits/${encodeURIComponent(key)}`),
    failed,
    unknown,
    waiting,
    `/accounts/${encodeURIComponent(`${EVIL} gone`)}`,
  ];
}

/** `runs/:run`, `do/pause-run`: views by their form, acts by their name. */
function kindOf(address: string): string {
  const parts = new URL(address, served.url).pathname.replaceAll(/^\/|\/$/g, '').split('/');
  if (parts.length < 2 || parts[0] === 'do') return parts.join('/');
  return VIEWS.find((view) => view.startsWith(`${parts[0]}/:`)) ?? parts.join('/');
}

const CAN_BE_REACHED = `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled)`;

/** What the keyboard does not reach, or does not show where it is. */
async function unreached(): Promise<string[]> {
  const { page } = at;
  const names = await page.evaluate<string[]>(
    `${CAN_BE_REACHED}.map((element, n) => (element.dataset.n = n, (element.textContent || element.name).trim().slice(0, 60)))`,
  );
  const found = new Map<number, string>();
  // What can be scrolled is reached as well.
  for (let n = 0; n < 2 * names.length + 10 && found.size < names.length; n++) {
    await page.keyboard.press('Tab');
    const [which, outline] = await page.evaluate<[string | undefined, string]>(
      '[document.activeElement.dataset.n, getComputedStyle(document.activeElement).outlineStyle]',
    );
    if (which !== undefined) found.set(Number(which), outline);
  }
  return names.flatMap((name, n) => {
    const outline = found.get(n);
    if (outline === undefined) return [`the keyboard does not reach "${name}"`];
    return outline === 'solid' ? [] : [`"${name}" does not show that it has the keyboard`];
  });
}

/** What a hostile text has brought about. */
async function harm(): Promise<string[]> {
  const { page } = at;
  const size = (await page.content()).length;
  const text = (await page.locator('body').textContent()) ?? '';
  const strange = await page.locator('main img, main script, body > img').count();
  return [
    ...(size < 250_000 ? [] : [`it has ${size} characters`]),
    ...(MARKS.test(text) || MARKS.test(await page.title()) ? ['it has marks that turn the writing'] : []),
    ...(strange === 0 ? [] : ['it has elements of others']),
    ...(text.includes('at_secret') ? ['it shows a secret'] : []),
  ];
}

describe.skipIf(program === undefined)('every view and form', () => {
  it('is harmless, reached by its links, walked by keyboard, and has nothing serious for axe-core', async () => {
    let dialogs = 0;
    at.page.on('dialog', (dialog) => {
      dialogs++;
      void dialog.dismiss();
    });
    const open = ['/', ...(await makeTrouble())];
    const known = new Set(open);
    const seen = new Map<string, number>();
    const faults: string[] = [];
    for (let address = open.shift(); address !== undefined; address = open.shift()) {
      const kind = kindOf(address);
      const count = seen.get(kind) ?? 0;
      if (count >= (kind.startsWith('do/') ? 1 : MOST_OF_A_KIND)) continue;
      seen.set(kind, count + 1);
      await withoutScript(true);
      const status = await at.open(address);
      const links = await at.page.evaluate<string[]>(
        `[...document.querySelectorAll('a[href]')].map((link) => link.href)`,
      );
      for (const link of links) {
        const { origin, pathname, search } = new URL(link);
        if (origin !== new URL(served.url).origin || known.has(pathname + search)) continue;
        known.add(pathname + search);
        open.push(pathname + search);
      }
      const found = [...(status === 200 ? [] : [`${status}`]), ...(await harm()), ...(await unreached())];
      faults.push(...found.map((fault) => `${address}: ${fault}`));
      await withoutScript(false);
      const width = await at.narrowWidth();
      if (width > 400) faults.push(`${address} is ${width} px wide`);
      if (count === 0) faults.push(...(await at.faults(address)));
    }
    expect(faults).toEqual([]);
    expect(dialogs).toBe(0);
    const kinds = [...VIEWS, ...Object.keys(acts).map((act) => `do/${act}`)];
    expect(kinds.filter((kind) => !seen.has(kind))).toEqual([]);
  }, 300_000);
});
