/** What an operator does to actions and accounts on the page, in a real Chromium: decided, sent again, started, connected, erased. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connectAddressOf, serveDashboard, type ServedDashboard } from '../../../dashboard/index.ts';
import { bearer, defineProvider, defineSync, get, post, seconds, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { ensureChromium, startBrowser, type Browser } from '../../setup/browser.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { visitorAt, type Visitor } from '../../setup/visitor.ts';
import { createWorld, type World } from '../../setup/world.ts';

const program = ensureChromium();
const SECRET = 'at_secret_0123456789';

let api: FakeApi;
let world: World;
let browser: Browser;
let served: ServedDashboard;
let at: Visitor;
/** Texts as they were written at the third party. */
const invoices: string[] = [];

const crm = defineProvider({
  id: 'crm',
  baseUrl: () => api.url,
  auth: bearer(),
  limits: [window('app', { by: ['app'], max: 1_000, perMs: seconds(1) })],
  timeouts: { totalMs: 3_000, headersMs: 2_000 },
});
const invoice = crm.action('invoice', {
  input: z.object({ text: z.string().max(60) }),
  output: z.object({ id: z.string() }),
  request: ({ text }) => post('/invoices', { text }),
});
const contacts = crm.endpoint('contacts', {
  input: z.object({ list: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
  request: ({ list }, page) => get(`/contacts/${list}`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
});
const sync = defineSync('crm-contacts', { provider: crm, input: z.object({ list: z.string() }) }, (s) => ({
  contacts: s.one(contacts, { input: (of) => of, key: ({ id }) => id }),
}));

const connected = (account: string) =>
  world.sluice.accounts.connect({ provider: crm, account, tenant: 'acme', credentials: { accessToken: SECRET } });
const sent = (text: string, account = 'acct_1') =>
  world.sluice.act(invoice, { account, tenant: 'acme', input: { text }, startedBy: 'user:7' });
const pathOf = (workflowId: string): string => `/actions/${encodeURIComponent(workflowId)}`;
const written = (text: string): number => invoices.filter((each) => each === text).length;

beforeAll(async () => {
  if (program === undefined) return;
  api = await startFakeApi({ latencyMs: 5 });
  api.route('POST', '/invoices', async ({ body }) => {
    invoices.push((body as { text: string }).text);
    return { body: { id: `i-${invoices.length}` } };
  });
  api.list('/contacts/:list', { count: 8, itemAt: ({ list }, i) => ({ id: `${list}${i}` }) });
  world = await createWorld([sync], { actions: [invoice], encryptionKeys: TEST_KEYS });
  served = await serveDashboard(world.sluice, {
    port: 0,
    definitions: { syncs: [sync], actions: [invoice] },
    connectUrl: connectAddressOf('https://app.example/connect/{provider}?account={account}&tenant={tenant}'),
  });
  browser = await startBrowser(program);
  at = visitorAt(await browser.context.newPage(), () => served.url);
  await at.page.emulateMedia({ colorScheme: 'light' });
  await connected('acct_1');
});
afterAll(async () => {
  await browser?.end();
  await served?.close();
  await world?.end();
  await api?.stop();
});
afterEach(() => {
  // Chromium itself tells of a form that was refused, and of a view that is gone.
  expect((browser?.complaints.splice(0) ?? []).filter((each) => !/status of 40[49]/.test(each))).toEqual([]);
});

describe.skipIf(program === undefined)('an operator at the page', () => {
  it('says of an unknown write that it happened, with an output that its code checks', async () => {
    api.script('POST /invoices', ['reset-after']);
    const action = await sent('<b>first</b>');
    await action.result().catch(() => {});
    await at.open('/actions?status=failed');
    await at.follow(/invoice/);
    await at.follow('the action');
    expect(await at.text('#action')).toMatch(/Nobody knows whether it happened/);
    // Nothing that is unknown is sent as a new one.
    expect(await at.text('#action')).not.toContain('Send again');
    await at.follow('It happened …');
    await at.page.getByLabel(/^Its output/).fill('{ "id": 7 }');
    await at.whyAnd('Say that it happened');
    expect(await at.page.getByRole('alert').textContent()).toMatch(/Not done: .*id/s);
    // What was typed is still there.
    expect(await at.page.getByLabel(/^Its output/).inputValue()).toBe('{ "id": 7 }');
    expect(await at.page.getByLabel('Why?').inputValue()).toBe('a test of it');
    expect(await action.status()).toMatchObject({ errorType: 'unknown-write', resolvedBy: null });
    await at.page.getByLabel(/^Its output/).fill('{ "id": "i-7" }');
    await at.press('Say that it happened');
    expect(await at.said()).toBe('It is done.');
    expect(await at.text('#action')).toMatch(/done.*user:dashboard/s);
    expect(await action.result()).toEqual({ id: 'i-7' });
    const [entry] = await world.sluice.audit.list({ act: 'action.resolve' });
    expect(entry).toMatchObject({ by: 'user:dashboard', via: 'page', why: 'a test of it', outcome: 'done' });
  });

  it('says of an unknown write that it did not happen: it is sent again under the same key', async () => {
    api.script('POST /invoices', ['reset-after']);
    const action = await sent('second');
    await action.result().catch(() => {});
    await at.open(pathOf(action.workflowId));
    await at.follow('It did not happen: send it …');
    await at.whyAnd('Say that it did not happen');
    expect(await at.said()).toBe('It is sent again, or closed where it is a step of a saga.');
    await expect.poll(() => action.status().then((status) => status?.state)).toBe('done');
    expect(written('second')).toBe(2);
  });

  it('sends a failed action again with changed input, once however often the form is sent', async () => {
    api.script('POST /invoices', [{ status: 422, body: {} }]);
    const hostile = '</textarea><i>\u202e';
    const action = await sent(hostile);
    await action.result().catch(() => {});
    await at.open(pathOf(action.workflowId));
    // It is asked for by the button, and shown by nothing else.
    expect(await at.page.content()).not.toContain('textarea');
    await at.follow('Send again, changed or not …');
    const input = at.page.getByLabel(/^Its input/);
    expect(JSON.parse(await input.inputValue())).toEqual({ text: hostile });
    expect(await input.inputValue()).toContain('\\u202e');
    expect(await at.page.locator('main i').count()).toBe(0);
    await at.picture('dashboard-send-again');
    const form = at.page.url();
    const key = () => at.page.locator('input[name=key]').inputValue();
    const first = await key();
    await input.fill(`{ "text": "${'x'.repeat(80)}" }`);
    await at.whyAnd('Send again');
    expect(await at.page.getByRole('alert').textContent()).toContain('Not done');
    await input.fill('no json');
    await at.press('Send again');
    expect(await at.page.getByRole('alert').textContent()).toContain('This is no JSON');
    // Refused or not answered, it is the same thing that is sent.
    expect(await key()).toBe(first);
    await input.fill('{ "text": "third" }');
    const fields = await at.page.evaluate<string>(
      `new URLSearchParams(new FormData(document.querySelector('main form'))).toString()`,
    );
    await at.press('Send again');
    expect(await at.said()).toBe('It is sent again, as this action.');
    // The very same form once more.
    const repeated = await at.page.request.post(form.split('?')[0] as string, {
      data: fields,
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(served.url).origin },
      maxRedirects: 0,
    });
    expect(repeated.status()).toBe(303);
    await expect.poll(() => at.text('#action')).toContain('done');
    expect(written('third')).toBe(1);
    expect(await action.status()).toMatchObject({ state: 'failed' });
    const [entry] = await world.sluice.audit.list({ act: 'action.sendAgain', subject: action.workflowId });
    expect(entry).toMatchObject({ by: 'user:dashboard', via: 'page', why: 'a test of it' });
    expect(JSON.stringify(entry?.after)).toContain('action/crm/invoice/acct_1/');
  });

  it('does not show an input that holds what looks like a secret', async () => {
    api.script('POST /invoices', [{ status: 422, body: {} }]);
    const action = await sent('password=4eC39HqLyjWD');
    await action.result().catch(() => {});
    await at.open(`/do/send-again?id=${encodeURIComponent(action.workflowId)}`);
    expect(await at.page.getByLabel(/^Its input/).inputValue()).toBe('');
    expect(await at.page.content()).not.toContain('4eC39HqLyjWD');
  });

  it('leads to the app’s own page to connect an account again, and says when it is', async () => {
    const account = 'a b&c="d"';
    await connected(account);
    await world.db.pool.query(
      `update sluice.account set status = 'needs_reconnect', reason = 'HTTP 401' where account = $1`,
      [account],
    );
    await at.open(`/accounts/${encodeURIComponent(account)}`);
    const link = at.page.getByRole('link', { name: 'in your app' });
    expect(await link.getAttribute('href')).toBe(
      `https://app.example/connect/crm?account=${encodeURIComponent(account)}&tenant=acme`,
    );
    await at.follow('It is connected again …');
    await at.whyAnd('Say that it is connected again');
    expect(await at.said()).toBe('It counts as connected, and its syncs go on.');
    expect((await world.sluice.accounts.status({ provider: crm, account }))?.status).toBe('connected');
    expect(await at.page.content()).not.toContain('secret_');
  });

  it('starts a sync that never ran, with an input that its code checks', async () => {
    await at.open('/accounts/acct_1');
    await at.follow('Start a sync …');
    await at.press('Start a sync');
    expect(await at.page.getByRole('alert').textContent()).toMatch(/Not done: .*list/s);
    await at.page.getByLabel(/^Its input/).fill('{ "list": "vip" }');
    await at.press('Start a sync');
    expect(await at.said()).toBe('A run was started.');
    await expect
      .poll(() => world.sluice.runs.list({ account: 'acct_1', sync: 'crm-contacts' }).then(([run]) => run?.state))
      .toBe('done');
    const [report] = await world.sluice.reports.list({ account: 'acct_1', kind: 'sync', order: 'newest', limit: 1 });
    expect(report).toMatchObject({ startedBy: 'user:dashboard', tenant: 'acme' });
  });

  it('can’t send an unknown write as a new one, whatever address is typed', async () => {
    api.script('POST /invoices', ['reset-after']);
    const unknown = await sent('fifth');
    await unknown.result().catch(() => {});
    expect(await at.open(`/do/send-again?id=${encodeURIComponent(unknown.workflowId)}`)).toBe(409);
    expect(await at.text('main')).toContain('resolve it first');
  });

  it('erases an account after its name was typed, and shows before what goes', async () => {
    await at.open('/accounts/acct_1');
    await at.follow('Erase …');
    expect(await at.text('main')).toMatch(/There is no way back.*rows: .* of account/s);
    await at.page.getByLabel(/^Type the name/).fill('acct_2');
    await at.whyAnd('Erase');
    expect(await at.page.getByRole('alert').textContent()).toContain('not the name of the account');
    expect((await world.sluice.accounts.stored({ provider: crm, account: 'acct_1' })).rows).not.toEqual({});
    await at.page.getByLabel(/^Type the name/).fill('acct_1');
    await at.press('Erase');
    await at.page.waitForURL(/\/accounts$/, { timeout: 60_000 });
    expect(await at.said()).toMatch(/rows deleted|is being erased/);
    await expect
      .poll(async () => (await world.sluice.accounts.stored({ provider: crm, account: 'acct_1' })).rows, {
        timeout: 60_000,
      })
      .toEqual({});
    expect(await at.open('/accounts/acct_1')).toBe(404);
    await expect
      .poll(async () => (await world.sluice.audit.list({ act: 'accounts.erase' }))[0]?.outcome, { timeout: 100_000 })
      .toBe('done');
  }, 200_000);

  it('sets how many calls at once a worker makes, says what a drain does, and drains it', async () => {
    await at.open('/');
    await at.follow('Workers');
    expect(await at.text('#queues')).toMatch(/served/);
    const [worker] = (await world.sluice.workers.list()).workers;
    expect(await at.text('#workers')).toContain(worker?.identity);
    await at.follow('Calls at once …');
    expect(await at.text('main')).toContain('which is the most');
    await at.page.getByLabel(/^Calls at once/).fill('3');
    await at.whyAnd('Set how many calls at once it makes');
    expect(await at.said()).toBe('Within some seconds it makes 3 calls at once.');
    expect(await at.text('#workers')).toMatch(/3 of \d+, set by an operator/);
    await at.follow('Drain …');
    expect(await at.text('main')).toContain('takes no new work');
    await at.whyAnd('Drain');
    expect(await at.said()).toBe('It drains within some seconds.');
    expect(await at.text('#workers')).toContain('it drains');
    const acts = await world.sluice.audit.list({ act: 'workers' });
    expect(acts.map(({ act, via, why }) => ({ act, via, why }))).toEqual([
      { act: 'workers.drain', via: 'page', why: 'a test of it' },
      { act: 'workers.setConcurrency', via: 'page', why: 'a test of it' },
    ]);
  });
});
