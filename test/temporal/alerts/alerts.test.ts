/** What is wrong is an alert: fired once, told to the app and to a webhook until they have taken it, and cleared once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Alert, AlertKind } from '../../../client/index.ts';
import { ROLES, taskQueueOf } from '../../../contracts/names.ts';
import { defineProvider, defineSync, get, oauth2, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi, type OAuthHandle } from '../../../testing/index.ts';
import type { AlertEvent, WorkerOptions } from '../../../workers/index.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../../setup/servers/webhook-receiver.ts';
import { createWorld, type World } from '../../setup/world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const provider = defineProvider({
  id: 'social',
  baseUrl: () => api.url,
  auth: oauth2({ tokenUrl: '/oauth/token', clientId: 'app', skewMs: 60_000 }),
  limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
});
const feed = defineSync('feed', { provider, input: z.object({}), schedule: { every: '30d' }, freshFor: '2h' }, (s) => ({
  items: s.one(
    provider.endpoint('items', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
      request: (_, page) => get('/items', { cursor: page.cursor, limit: page.size }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 5 } },
    }),
    { input: () => ({}), key: ({ id }) => id },
  ),
}));

let api: FakeApi;
let oauth: OAuthHandle;
let webhook: WebhookReceiver;
let world: World;
let worker: { stop(): Promise<void> };
const told: AlertEvent[] = [];
let throws = 1;

const options = (taskQueue: string): Partial<WorkerOptions> => ({
  schedules: taskQueue === world.taskQueue,
  alerts: { lookEveryMs: 300, failingAfterMs: 200, unservedAfterMs: 5_000 },
  onAlert: (event) => {
    if (throws-- > 0) throw new Error('the pager is away');
    told.push(event);
  },
  settings: {
    taskQueue,
    concurrency: 50,
    dbConnections: 10,
    egress: 'default',
    drainSeconds: 1,
    logLevel: 'silent',
    alertWebhook: { url: webhook.url, secret: SECRET },
  },
});

beforeAll(async () => {
  api = await startFakeApi();
  oauth = api.oauth({ accessLifeMs: 3_600_000 });
  api.list('/items', { count: 40, pageSize: { max: 5 } });
  webhook = await startWebhookReceiver(SECRET);
  webhook.fail(2, 503);
  world = await createWorld([feed], { workers: 0, encryptionKeys: TEST_KEYS });
  worker = await world.startWorker(options(world.taskQueue));
});
afterAll(async () => {
  await world?.end();
  await webhook?.stop();
  await api?.stop();
});

const query = (sql: string, values: unknown[] = []) => world.db.pool.query(sql, values);
const connectAccount = (account: string) => {
  const { accessToken, refreshToken } = oauth.issue(account);
  return world.sluice.accounts.connect({
    provider,
    account,
    tenant: 'acme',
    credentials: { accessToken, refreshToken },
  });
};
/** So many at once that an outage shows in a moment: one alone waits longer before each of its attempts. */
const startMany = (account: string) =>
  Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      await connectAccount(`${account}-${i}`);
      return world.sluice.start(feed, { account: `${account}-${i}`, input: {} });
    }),
  );
const ofSubject = async (kind: AlertKind, subject: string): Promise<Alert[]> =>
  (await world.sluice.alerts.list({ kind, all: true })).filter((alert) => alert.subject === subject);
const fired = async (kind: AlertKind, subject: string): Promise<Alert> => {
  await expect.poll(async () => (await ofSubject(kind, subject)).length).toBe(1);
  return (await ofSubject(kind, subject))[0] as Alert;
};
/** Once each by both ways, in order, and no second row, however often it was looked. */
const toldOnceAndCleared = async ({ kind, subject, id }: Alert): Promise<void> => {
  await expect.poll(async () => (await ofSubject(kind, subject))[0]?.clearedAt).toBeTruthy();
  const both = ['alert.fired', 'alert.cleared'];
  const byApp = () => told.filter(({ alert }) => alert.id === id).map(({ type }) => type);
  const byWebhook = () => webhook.received.filter(({ data }) => data.id === id).map(({ type }) => type);
  await expect.poll(byApp).toEqual(both);
  await expect.poll(byWebhook).toEqual(both);
  expect(await ofSubject(kind, subject)).toHaveLength(1);
  expect(new Set(webhook.received.map((event) => event.id)).size).toBe(webhook.received.length);
  expect(webhook.refused).toEqual([]);
};
const cli = (args: string[], env: Record<string, string> = {}) =>
  command(args, {
    DATABASE_URL: world.db.url,
    TEMPORAL_ADDRESS: temporalAddress(),
    SLUICE_TASK_QUEUE: world.taskQueue,
    ...env,
  });

describe('an alert', () => {
  it('of a revoked token names account, reason and what to do, and is cleared when the account is connected again', async () => {
    await connectAccount('gone');
    oauth.revoke('gone');
    const run = await world.sluice.start(feed, { account: 'gone', input: {} });
    const alert = await fired('needs-reconnect', 'social/gone');
    expect(alert).toMatchObject({ tenant: 'acme', clearedAt: null, details: { provider: 'social', account: 'gone' } });
    expect(alert.text).toMatch(
      /^Account gone of social must be connected again, for [\d.]+ s now: .*Have its user log in/,
    );
    const listed = await cli(['alerts']);
    expect(listed.code).toBe(1);
    expect(listed.output).toMatch(/^needs-reconnect {2}social\/gone {2}since 20\S+Z\n {2}Account gone of social/);
    await connectAccount('gone');
    expect(await run.result()).toMatchObject({ complete: true });
    await toldOnceAndCleared(alert);
  });

  it('of rows that are too old counts from the last good run, whatever newer ones did, and is cleared by the next good one', async () => {
    await connectAccount('old');
    await (await world.sluice.start(feed, { account: 'old', input: {} })).result();
    await query(
      `update sluice.run set started_at = started_at - interval '5 hours', ended_at = ended_at - interval '5 hours' where account = 'old'`,
    );
    api.script('/items', [{ status: 403, body: {} }]);
    expect((await (await world.sluice.start(feed, { account: 'old', input: {} })).result()).complete).toBe(false);
    const alert = await fired('stale', 'feed/old');
    expect(alert.text).toMatch(
      /^feed of account old \(social\) had its last complete run 5 h(?: \d min)? ago; at most 2 h are wanted\./,
    );
    // The text follows what is so: a run was going on.
    await expect
      .poll(async () => (await ofSubject('stale', 'feed/old'))[0]?.text)
      .toContain(
        "`npx sluice status 'sync/feed/old' --flaws` says which lists and why; then `npx sluice retry 'sync/feed/old'`",
      );
    const [age] = await world.sluice.freshness({ tenant: 'acme' });
    expect(age).toMatchObject({ sync: 'feed', accounts: 2, stale: 1, stalest: [{ account: 'old', state: 'failed' }] });
    const shown = await cli(['freshness']);
    expect(shown.code).toBe(1);
    expect(shown.output).toMatch(
      /^feed {2}fresh for 2 h: 1 of 2 accounts; the oldest 5 h(?: \d min)?\n {2}old {2}5 h(?: \d min)? old; last good run 20/,
    );
    const flawed = await fired('flaws', 'feed');
    expect(flawed.text).toMatch(/^feed: 1 of 3 lists \(33 %\) in its last 3 runs were not read to their end/);
    for (let count = 0; count < 4; count++)
      await (await world.sluice.start(feed, { account: 'old', input: {} })).result();
    await toldOnceAndCleared(alert);
    await toldOnceAndCleared(flawed);
    expect((await cli(['freshness'])).code).toBe(0);
    // A name that is misspelt is not fresh.
    expect((await cli(['freshness', 'nottes'])).code).toBe(1);
  });

  it('of many accounts at once is one together, and no message for each, neither when they come nor when they are mended', async () => {
    await world.sluice.schedules.pause('feed');
    await query(
      `insert into sluice.account (provider, account, since) select 'social', 'many-' || n, clock_timestamp() - interval '3 hours' from generate_series(1, 30) n`,
    );
    const together = await fired('stale', 'feed/*');
    expect(together.text).toMatch(
      /^feed \(social\): 30 of 32 accounts have had no complete run for 2 h: many-\d+, .* So many at once/,
    );
    await query(`delete from sluice.account where account like 'many-%' and account <> 'many-7'`);
    await toldOnceAndCleared(together);
    const last = await fired('stale', 'feed/many-7');
    expect(last.text).toContain('The schedule feed is paused');
    await query(`delete from sluice.account where account = 'many-7'`);
    await toldOnceAndCleared(last);
    const ofMany = (await world.sluice.alerts.list({ all: true })).filter(({ subject }) =>
      subject.startsWith('feed/many'),
    );
    expect(ofMany).toHaveLength(1);
    await world.sluice.schedules.resume('feed');
  });

  it('of a third party that is away, and of a limit that is closed for hours, says that calls go on by themselves', async () => {
    await connectAccount('cut');
    const outage = api.outage();
    const runs = await startMany('cut');
    await expect
      .poll(async () => (await world.sluice.alerts.list({ kind: 'provider-fails' })).length)
      .toBeGreaterThan(0);
    const [failing] = await world.sluice.alerts.list({ kind: 'provider-fails' });
    expect(failing?.text).toMatch(
      /social has failed for .*Calls to it wait, .*`npx sluice limits list --prefix social\/`/,
    );
    await outage.end();
    for (const run of runs) expect(await run.result()).toMatchObject({ complete: true });
    await toldOnceAndCleared(failing as Alert);

    api.script('/items', [{ status: 429, headers: { 'retry-after': '7200' }, body: {} }]);
    const closed = await world.sluice.start(feed, { account: 'cut', input: {} });
    await expect.poll(async () => (await world.sluice.alerts.list({ kind: 'blocked' })).length).toBe(1);
    const [blocked] = await world.sluice.alerts.list({ kind: 'blocked' });
    expect(blocked?.text).toMatch(
      /^The limit social\/app\/\S* is blocked by an answer .* and 1 h 5\d min more|2 h more/,
    );
    const resumed = await cli(['limits', 'resume', blocked?.subject ?? '']);
    expect(resumed.code, resumed.output).toBe(0);
    await toldOnceAndCleared(blocked as Alert);
    await closed.cancel();
  });

  it('of a task queue that nobody serves is raised by the absence of its canary, by any worker, and by a command when none is left', async () => {
    const other = `other-${world.taskQueue}`;
    const second = await world.startWorker(options(other));
    await expect
      .poll(
        async () =>
          (await query('select asked_at < passed_at as passed from sluice.canary where task_queue = $1', [other])).rows,
      )
      .toEqual([{ passed: true }]);
    await second.stop();
    const alert = await fired('unserved', other);
    expect(alert.text).toContain(`Start a worker: \`SLUICE_TASK_QUEUE=${other} npx sluice worker --module …\``);
    const third = await world.startWorker(options(other));
    await toldOnceAndCleared(alert);
    const served = new RegExp(`^Task queue "${other}" is served, by sluice-\\S+\\. End its workers first`);
    await expect(world.sluice.alerts.forgetQueue(other)).rejects.toThrow(served);
    expect(await cli(['alerts', 'forget-queue', other])).toMatchObject({
      code: 1,
      output: expect.stringMatching(served) as string,
    });
    expect((await query('select 1 from sluice.canary where task_queue = $1', [other])).rowCount).toBe(1);
    await third.stop();
    await worker.stop();
    for (const role of ROLES) await world.sluice.alerts.forgetQueue(taskQueueOf(other, role));
    await query(`update sluice.canary set passed_at = passed_at - interval '10 min'`);
    const env = { SLUICE_ALERT_WEBHOOK_URL: webhook.url, SLUICE_ALERT_WEBHOOK_SECRET: SECRET };
    const checked = await cli(['alerts', 'check', '--json'], env);
    expect(checked.code).toBe(1);
    const unserved = (JSON.parse(checked.output) as Alert[]).filter(({ kind }) => kind === 'unserved');
    const mine = ROLES.map((role) => taskQueueOf(world.taskQueue, role));
    expect(unserved.map(({ subject }) => subject).sort()).toEqual(mine.sort());
    const lost = unserved.find(({ subject }) => subject === world.taskQueue);
    expect(lost).toMatchObject({ clearedAt: null });
    expect(webhook.received.filter(({ data }) => data.id === lost?.id).map(({ type }) => type)).toEqual([
      'alert.fired',
    ]);
    worker = await world.startWorker(options(world.taskQueue));
    await toldOnceAndCleared(lost as Alert);
    await expect.poll(async () => (await cli(['alerts'])).output).toBe('No alerts.\n');
  });

  it('of a day with an outage, a revoked token, old rows, a drifted schedule and a queue without a worker is fired once and cleared once', async () => {
    await worker.stop();
    const { alerts, ...rest } = options(world.taskQueue);
    worker = await world.startWorker({ ...rest, alerts: { ...alerts, driftAfterMs: 300 } });
    const dawn = new Date().toISOString();
    const today = async (): Promise<Alert[]> =>
      (await world.sluice.alerts.list({ all: true })).filter(({ firedAt }) => firedAt > dawn);
    const firedToday = async (kind: AlertKind, subject?: string): Promise<void> => {
      const ours = async () => (await today()).filter((each) => each.kind === kind && each.subject === (subject ?? each.subject)); // prettier-ignore
      await expect.poll(async () => (await ours()).length).toBeGreaterThan(0);
    };
    const cleared = (kind: AlertKind) =>
      expect
        .poll(async () => (await today()).filter((each) => each.kind === kind && each.clearedAt === null)) // prettier-ignore
        .toEqual([]);
    for (const account of ['ann', 'cy']) {
      await connectAccount(account);
      await (await world.sluice.start(feed, { account, input: {} })).result();
    }

    const outage = api.outage();
    const held = await startMany('held');
    await firedToday('provider-fails');
    await outage.end();
    for (const run of held) expect(await run.result()).toMatchObject({ complete: true });
    await cleared('provider-fails');

    oauth.revoke('ann');
    const stuck = await world.sluice.start(feed, { account: 'ann', input: {} });
    await firedToday('needs-reconnect', 'social/ann');
    await connectAccount('ann');
    expect(await stuck.result()).toMatchObject({ complete: true });
    await cleared('needs-reconnect');

    await query(`update sluice.run set started_at = started_at - interval '5 hours', ended_at = ended_at - interval '5 hours' where account = 'cy'`); // prettier-ignore
    await firedToday('stale', 'feed/cy');
    await (await world.sluice.start(feed, { account: 'cy', input: {} })).result();
    await cleared('stale');

    await query(`update sluice.declaration set spec = jsonb_set(spec, '{catchUpMs}', '1') where kind = 'schedule'`);
    await firedToday('drift', world.taskQueue);
    await world.sluice.schedules.apply([feed]);
    await cleared('drift');

    const evening = `evening-${world.taskQueue}`;
    const second = await world.startWorker({ ...options(evening), syncs: [], schedules: false, roles: ['bulk'] });
    const passed = async () => (await query('select 1 from sluice.canary where task_queue = $1 and asked_at < passed_at', [evening])).rowCount; // prettier-ignore
    await expect.poll(passed).toBe(1);
    await second.stop();
    await firedToday('unserved', evening);
    const third = await world.startWorker({ ...options(evening), syncs: [], schedules: false, roles: ['bulk'] });
    await cleared('unserved');
    await third.stop();
    await world.sluice.alerts.forgetQueue(evening);

    const all = await today();
    expect([...new Set(all.map(({ kind }) => kind))].toSorted()).toEqual(['drift', 'needs-reconnect', 'provider-fails', 'stale', 'unserved']); // prettier-ignore
    expect(new Set(all.map(({ kind, subject }) => `${kind} ${subject}`)).size).toBe(all.length);
    for (const { id, text } of all) {
      const both = ['alert.fired', 'alert.cleared'];
      await expect.poll(() => told.filter(({ alert }) => alert.id === id).map(({ type }) => type)).toEqual(both); // prettier-ignore
      await expect.poll(() => webhook.received.filter(({ data }) => data.id === id).map(({ type }) => type)).toEqual(both); // prettier-ignore
      // What to do, as it is typed; when it is over, that nothing is.
      const first = told.find(({ alert }) => alert.id === id)?.alert.text;
      expect(first).toMatch(/`(?:SLUICE_TASK_QUEUE=\S+ )?npx sluice [a-z]/);
      expect(told.findLast(({ alert }) => alert.id === id)?.alert.text).toMatch(/^Over, nothing is left to do\./);
      expect(text).not.toBe('');
    }
  });
});
