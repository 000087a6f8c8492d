/** The providers that come along, each against its third party as `test/setup/vendors` plays it: a sync, the run after it, an action. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createIssue, githubSync } from '../../../providers/vendors/github/index.ts';
import * as google from '../../../providers/vendors/google-calendar/index.ts';
import * as graph from '../../../providers/vendors/microsoft-graph/index.ts';
import { addTags, shopifySync } from '../../../providers/vendors/shopify/index.ts';
import { postMessage, slackSync } from '../../../providers/vendors/slack/index.ts';
import { createRefund, stripeSync } from '../../../providers/vendors/stripe/index.ts';
import type { FakeApi, Simulator } from '../../../testing/index.ts';
import { onSimulator, onThirdParty, whole } from '../../setup/vendors/vendor-stage.ts';
import { playGithub } from '../../setup/vendors/github.ts';
import { playGoogleCalendar } from '../../setup/vendors/google-calendar.ts';
import { playMicrosoftGraph } from '../../setup/vendors/microsoft-graph.ts';
import { playShopify } from '../../setup/vendors/shopify.ts';
import { playSlack } from '../../setup/vendors/slack.ts';
import { playStripe } from '../../setup/vendors/stripe.ts';

let simulator: Simulator;
let api: FakeApi;
onSimulator((started) => (simulator = started));
onThirdParty((played) => (api = played));

describe('GitHub', () => {
  const account = { account: 'gh', credentials: { accessToken: 'ghp-of-a-test' } };

  it('waits where 403 tells a limit, asks for nothing twice, and pays nothing for what has not changed', async () => {
    const { repositories, issues, discussions, hour, spent } = playGithub(api);
    api.script('/repos/:owner/:repo/issues', ['ok', spent(2)]);
    const first = await simulator.run(githubSync, { api, input: {}, ...account });
    expect(first.result).toMatchObject({ ...whole, rows: 3 + 3 * 120 + discussions.length });
    expect(first.rows(githubSync.issues)).toContainEqual(expect.objectContaining({ repository: 'acme/repo-2' }));
    expect(first.violations).toEqual([]);
    const paid = hour.used('ghp-of-a-test');
    expect(paid).toBe(7 + 1);

    // The third run asks as the second did: nothing has changed, so nothing is paid for.
    await simulator.run(githubSync, { api, input: {}, account: 'gh' });
    const before = hour.used('ghp-of-a-test');
    expect((await simulator.run(githubSync, { api, input: {}, account: 'gh' })).result).toMatchObject(whole);
    expect(hour.used('ghp-of-a-test')).toBe(before);
    expect(api.report().byStatus['304']).toBeGreaterThanOrEqual(4);

    const issue = issues.get('repo-1')![7]!;
    Object.assign(issue, { title: 'Mended', updated_at: new Date().toISOString() });
    const last = await simulator.run(githubSync, { api, input: {}, account: 'gh' });
    expect(last.rows(githubSync.issues)).toContainEqual(expect.objectContaining({ id: issue.id, title: 'Mended' }));
    expect(last.rows(githubSync.repositories)).toHaveLength(repositories.length);
  });

  it('creates one issue where the answer is lost', async () => {
    const { issues } = playGithub(api);
    api.script('POST /repos/:owner/:repo/issues', ['reset-after']);
    const input = { owner: 'acme', repo: 'repo-0', title: 'Broken', body: 'It is.' };
    const { status, output } = await simulator.act(createIssue, { api, input, ...account });
    expect(status).toMatchObject({ state: 'done', error: null });
    expect(output).toMatchObject({ number: 121 });
    expect(issues.get('repo-0')!.filter(({ title }) => title === 'Broken')).toHaveLength(1);
  });
});

describe('Stripe', () => {
  const account = { account: 'st', credentials: { accessToken: 'rk_test_of-a-test' }, settings: { mode: 'test' } };

  it('goes on where the row was deleted behind which a page begins, and finds deleted customers', async () => {
    const { customers, transactions, transaction } = playStripe(api);
    let isGone = false;
    api.script('/v1/customers', ['ok', { status: 503 }]);
    const first = await simulator.run(stripeSync, { api, input: {}, ...account });
    expect(first.result).toMatchObject({ ...whole, rows: 230 + 40 });
    transactions.unshift(transaction(99, Math.floor(Date.now() / 1_000)));
    // The last row of the first page goes before the second one is asked for.
    api.route('GET', '/v1/customers', ({ query }) => {
      const after = query.get('starting_after');
      if (after === null && !isGone) {
        isGone = true;
        const data = customers.slice(0, 100);
        customers.splice(99, 1);
        return { body: { object: 'list', data, has_more: true } };
      }
      const start = after === null ? 0 : customers.findIndex(({ id }) => id === after) + 1;
      if (after !== null && start === 0)
        return { status: 400, body: { error: { code: 'resource_missing', param: 'starting_after', message: 'gone' } } };
      const data = customers.slice(start, start + 100);
      return { body: { object: 'list', data, has_more: start + 100 < customers.length } };
    });
    const second = await simulator.run(stripeSync, { api, input: {}, account: 'st' });
    expect(second.result).toMatchObject(whole);
    // Read again from the beginning, the deleted one is not among them.
    expect(second.rows(stripeSync.balanceTransactions)).toHaveLength(41);
    const third = await simulator.run(stripeSync, { api, input: {}, account: 'st' });
    expect(third.rows(stripeSync.customers)).toHaveLength(229);
    expect(api.report().violations).toEqual([]);
  });

  it('pays back once where the answer is lost, and tries again where the charge is locked', async () => {
    const { refunds } = playStripe(api);
    const locked = { status: 429, body: { error: { type: 'invalid_request_error', code: 'lock_timeout' } } };
    api.script('POST /v1/refunds', [locked, 'reset-after']);
    const { status, output } = await simulator.act(createRefund, {
      api,
      input: { charge: 'ch_1', amount: 500 },
      ...account,
    });
    expect(status).toMatchObject({ state: 'done', error: null });
    expect(output).toMatchObject({ amount: 500, status: 'succeeded' });
    expect(refunds.objects()).toHaveLength(1);
    expect(refunds.objects()[0]!.body).toEqual({ charge: 'ch_1', amount: '500' });
  });
});

describe('Shopify', () => {
  const account = { account: 'sh', credentials: { accessToken: 'shpat-of-a-test' }, settings: { shop: 'acme' } };

  it('keeps to a bucket that is smaller than its plan has it, as the answers tell', async () => {
    const { products } = playShopify(api, { capacity: 600, perSecond: 100 });
    const first = await simulator.run(shopifySync, { api, input: {}, ...account });
    // By its plan alone, it would have been refused.
    expect(first.violations).toEqual([]);
    expect(first.result).toMatchObject({ ...whole, rows: 250 + 130 });
    expect(first.rows(shopifySync.orders)[0]).toMatchObject({ totalPriceSet: { shopMoney: { currencyCode: 'EUR' } } });
    products[3] = { ...products[3]!, title: 'Green tea', updatedAt: new Date().toISOString() };
    const second = await simulator.run(shopifySync, { api, input: {}, account: 'sh' });
    expect(second.result).toMatchObject(whole);
    expect(second.rows(shopifySync.products)).toContainEqual(expect.objectContaining({ title: 'Green tea' }));
    expect(second.calls).toBe(2);
  });

  it('waits for as many points as a throttled query has lacked', async () => {
    const { points } = playShopify(api, { capacity: 1_000, perSecond: 200 });
    // Another app of the shop takes nearly all of it.
    api.script('POST /graphql.json', [
      {
        body: {
          errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
          extensions: {
            cost: {
              requestedQueryCost: 402,
              actualQueryCost: null,
              throttleStatus: { maximumAvailable: 1_000, currentlyAvailable: 2, restoreRate: 200 },
            },
          },
        },
      },
    ]);
    const startedAt = api.now();
    const { result } = await simulator.run(shopifySync, { api, input: {}, ...account, account: 'sh2' });
    expect(result).toMatchObject(whole);
    expect(api.now() - startedAt).toBeGreaterThan(2_000);
    expect(points.violations()).toBe(0);
  });

  it('adds tags once, and fails for good where the answer says that the input is wrong', async () => {
    const { tags } = playShopify(api, { capacity: 1_000, perSecond: 100 });
    api.script('POST /graphql.json', ['reset-after']);
    const good = { id: 'gid://shopify/Product/1', tags: ['sale'] };
    expect((await simulator.act(addTags, { api, input: good, ...account })).status.state).toBe('done');
    expect([...tags.get(good.id)!]).toEqual(['sale']);
    const bad = { id: 'gid://shopify/Shop/1', tags: ['sale'] };
    const { status } = await simulator.act(addTags, { api, input: bad, ...account });
    expect(status).toMatchObject({ state: 'failed', errorType: 'bug' });
  });
});

describe('Slack', () => {
  const account = { account: 'sl', credentials: { accessToken: 'xoxb-of-a-test' } };

  it('reads channels that the bot is in, and then what is new in them', async () => {
    const { say } = playSlack(api, 'xoxb-of-a-test');
    api.script('/conversations.history', [{ body: { ok: false, error: 'internal_error' } }]);
    const first = await simulator.run(slackSync, { api, input: {}, ...account });
    expect(first.result).toMatchObject({ ...whole, rows: 230 + 12 + 3 * 250 });
    say('C1', 'news', 0);
    const second = await simulator.run(slackSync, { api, input: {}, account: 'sl' });
    expect(second.result).toMatchObject(whole);
    expect(second.rows(slackSync.messages)).toContainEqual(expect.objectContaining({ channel: 'C1', text: 'news' }));
    expect(second.calls).toBe(2 + 1 + 3);
    expect(second.violations).toEqual([]);
  });

  it('posts once where the answer is lost, and one message a second in a channel', async () => {
    const { messages } = playSlack(api, 'xoxb-of-a-test');
    api.script('POST /chat.postMessage', ['reset-after']);
    const post = (text: string) => simulator.act(postMessage, { api, input: { channel: 'C1', text }, ...account });
    const posted = await Promise.all([post('one'), post('two')]);
    expect(posted.map(({ status }) => status.state)).toEqual(['done', 'done']);
    expect(messages.get('C1')!.filter(({ text }) => text === 'one' || text === 'two')).toHaveLength(2);
    expect(api.report().violations).toEqual([]);
    const input = { channel: 'C999', text: 'hi' };
    expect((await simulator.act(postMessage, { api, input, ...account })).status.state).toBe('failed');
  });
});

describe('Google Calendar', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const account = {
    account: 'gc',
    settings: { user: 'jo@example.com' },
    credentials: {
      extra: {
        clientEmail: 'sync@project.iam.example.com',
        privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      },
    },
  };

  it('asks for what has changed, and reads all of it by itself where its token is too old', async () => {
    const fake = playGoogleCalendar(api, publicKey);
    const { events } = google.googleCalendarSync;
    const first = await simulator.run(google.googleCalendarSync, { api, input: {}, ...account });
    expect(first.result).toMatchObject({ ...whole, rows: 2 + 2 * 60 });
    fake.cancel('team@example.com', 'e7');
    const second = await simulator.run(google.googleCalendarSync, { api, input: {}, account: 'gc' });
    expect(second.result).toMatchObject(whole);
    expect(second.calls).toBe(3);
    expect(second.rows(events)).toHaveLength(119);
    const gone = expect.objectContaining({ id: 'e7', calendar: 'team@example.com' }) as unknown;
    expect(second.rows(events)).not.toContainEqual(gone);
    fake.forgetTokens();
    const third = await simulator.run(google.googleCalendarSync, { api, input: {}, account: 'gc' });
    expect(third.result).toMatchObject(whole);
    expect(third.rows(events)).toHaveLength(119);
  });

  it('creates one event where the answer is lost', async () => {
    const fake = playGoogleCalendar(api, publicKey);
    api.script('POST /calendars/:calendar/events', ['reset-after']);
    const time = { dateTime: '2026-12-01T10:00:00Z' };
    const input = { calendar: 'team@example.com', summary: 'Review', start: time, end: time };
    const { status } = await simulator.act(google.createEvent, { api, input, ...account });
    expect(status).toMatchObject({ state: 'done', error: null });
    expect(fake.events.get('team@example.com')).toHaveLength(61);
  });
});

describe('Microsoft Graph', () => {
  const client = { id: 'app-1', secret: 'secret-of-a-test' };
  const account = {
    account: 'ms',
    settings: { tenantId: 'contoso.example' },
    credentials: { extra: { clientId: client.id, clientSecret: client.secret } },
  };

  it('asks for users who have changed as a whole, for new mail, and for all where its delta link is too old', async () => {
    const fake = playMicrosoftGraph(api, client);
    const { users, messages, changes } = graph.microsoftGraphSync;
    const slow = { status: 429, headers: { 'retry-after': '1' }, body: { error: { code: 'TooManyRequests' } } };
    api.script('/users/:id/messages', [slow]);
    const input = { mailFrom: '2026-01-01T00:10:00Z' };
    const first = await simulator.run(graph.microsoftGraphSync, { api, input, ...account });
    expect(first.result).toMatchObject({ ...whole, rows: 50 + 50 + 2 * 120 });
    fake.put({ id: 'u3', displayName: 'New name', mail: null });
    fake.remove('u4');
    const second = await simulator.run(graph.microsoftGraphSync, { api, input: {}, account: 'ms' });
    expect(second.result).toMatchObject(whole);
    expect(second.rows(users)).toContainEqual(
      expect.objectContaining({ id: 'u3', displayName: 'New name', mail: null }),
    );
    expect(second.rows(changes).filter(({ id }) => id === 'u3' || id === 'u4')).toEqual([{ id: 'u3' }]);
    expect(second.calls).toBe(1 + 1 + 49);
    fake.forgetTokens();
    const third = await simulator.run(graph.microsoftGraphSync, { api, input: {}, account: 'ms' });
    expect(third.result).toMatchObject(whole);
    expect(third.rows(changes)).toHaveLength(49);
    expect(third.rows(messages)).toHaveLength(240);
    expect(third.violations).toEqual([]);
  });

  it('creates one event where the answer is lost', async () => {
    const { events } = playMicrosoftGraph(api, client);
    api.script('POST /users/:id/events', ['reset-after']);
    const time = { dateTime: '2026-12-01T10:00:00', timeZone: 'UTC' };
    const input = { user: 'u0', subject: 'Review', start: time, end: time };
    const { status, output } = await simulator.act(graph.createEvent, { api, input, ...account });
    expect(status).toMatchObject({ state: 'done', error: null });
    expect(output).toMatchObject({ id: 'event-0' });
    expect(events).toHaveLength(1);
  });
});
