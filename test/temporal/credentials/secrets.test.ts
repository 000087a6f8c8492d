import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { apiKey, defineProvider, defineSync, get, oauth2, seconds, window } from '../../../providers/index.ts';
import { social, socialNetwork } from '../../../providers/social/provider.ts';
import {
  startFakeApi,
  tokenErrors,
  type FakeApi,
  type OAuthHandle,
  type TokenErrorName,
} from '../../../testing/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createWorld, type World } from '../../setup/world.ts';

const CLIENT_SECRET = 'client-secret-0123456789abcdef';
const NAMES = Object.keys(tokenErrors) as TokenErrorName[];

/** What the third party issues, wherever it stands. */
const TOKEN = /[ar]t_[0-9a-f]{32}/;

let api: FakeApi;
let oauth: OAuthHandle;
let world: World;
const log: string[] = [];
const note = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`);

const Item = z.object({ id: z.string(), echo: z.string().optional() });
const Page = z.object({ items: z.array(Item), next: z.string().nullish() });
const provider = defineProvider({
  id: 'careless',
  baseUrl: () => api.url,
  auth: {
    ...oauth2({ tokenUrl: '/oauth/token', clientId: 'app', clientSecret: () => CLIENT_SECRET }),
    apply: apiKey({ query: 'access_token' }).apply,
  },
  limits: [window('account', { by: ['account'], max: 100, perMs: seconds(1) })],
  maxAttempts: 4,
});
const careless = provider.endpoint('items', {
  input: z.object({ path: z.string() }),
  response: Page,
  request: ({ path }) => get(path),
  paginate: { kind: 'link', items: (answer) => answer.items, next: (answer) => answer.next },
});
const echoes = defineSync('echoes', { provider, input: z.object({ paths: z.string() }) }, (s) => {
  const root = s.one(careless, { input: () => ({ path: '/roots' }), key: (item) => item.id });
  const leaf = s.each(root, careless, {
    input: (item) => ({ path: `/echo/${item.id}` }),
    key: (item) => item.id,
    onChildError: { maxSkippedShare: 1 },
  });
  return { root, leaf };
});

beforeAll(async () => {
  api = await startFakeApi();
});
afterAll(async () => {
  await world?.end();
  await api.stop();
});

const connect = (providerId: string, account: string) => {
  const { accessToken, refreshToken } = oauth.issue(account);
  return world.sluice.accounts.connect({ provider: providerId, account, credentials: { accessToken, refreshToken } });
};

describe('the many token errors of one network', () => {
  it(`cost each of ${NAMES.length} accounts one refresh and no row`, async () => {
    oauth = api.oauth({ tokenErrors: NAMES, client: { id: 'app', secret: CLIENT_SECRET } });
    process.env['SOCIAL_SECRET'] = CLIENT_SECRET;
    api.list('/users/:id/friends', { count: 3, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    // One friend of three has no posts: an empty list that is true.
    api.list('/users/:id/posts', {
      count: ({ id }) => (id.endsWith('f1') ? 0 : 30),
      itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }),
    });
    const network = socialNetwork({ baseUrl: api.url, clientId: 'app' });
    world = await createWorld([network, echoes], {
      workers: 2,
      encryptionKeys: TEST_KEYS,
      log: { info: note, warn: note, error: note },
    });
    const accounts = NAMES.map((_, index) => `u${index}`);
    for (const account of accounts) {
      await connect(social().provider.id, account);
      oauth.expire(account);
    }
    const results = await Promise.all(
      accounts.map(async (account) => {
        const run = await world.sluice.start(network, { account, input: { userId: account } });
        return run.result();
      }),
    );
    for (const result of results) expect(result).toMatchObject({ state: 'done', complete: true, rows: 3 + 60 });
    for (const account of accounts) expect(oauth.account(account)).toMatchObject({ refreshes: 1, reuses: 0 });
    const { byStatus } = api.report();
    for (const status of ['400', '401', '403', '498']) expect(byStatus[status]).toBeGreaterThan(0);
    expect(api.report().unauthorized).toBeGreaterThanOrEqual(NAMES.length);
  });
});

describe('after runs full of failures', () => {
  it('no token stands in any table, history or log', async () => {
    const issued: string[] = [];
    const kinds = ['400', '401', '403', '404', '429', '500', 'text', 'html', 'rows', 'link', 'ok-false'];
    const calls = new Map<string, number>();
    api.route('GET', '/roots', () => ({ body: { items: kinds.map((id) => ({ id })), next: null } }));
    // Whatever goes wrong here, the token is in the answer.
    api.route('GET', '/echo/:kind', (call, { kind }) => {
      const token = call.query.get('access_token') ?? '';
      issued.push(token);
      const count = (calls.get(kind) ?? 0) + 1;
      calls.set(kind, count);
      const message = `The token ${token} is not good for /echo?access_token=${token}`;
      if (kind === 'rows') return { body: { items: [{ id: `r-${token.slice(0, 3)}`, echo: message }], next: null } };
      if (kind === 'link') {
        const next = `${api.url}/echo/link?access_token=${token}&page=${count + 1}`;
        return { body: { items: [{ id: `l${count}` }], next: count < 4 ? next : null } };
      }
      if (kind === 'text') return { headers: { 'content-type': 'text/plain' }, body: message };
      if (kind === 'html') return { headers: { 'content-type': 'text/html' }, body: `<html>${message}</html>` };
      if (kind === 'ok-false') return { body: { ok: false, message, items: token } };
      const status = Number(kind);
      // The limit is one that passes.
      if (status === 429 && count > 2) return { body: { items: [], next: null } };
      return { status, headers: status === 429 ? { 'retry-after': '0' } : {}, body: { error: { message } } };
    });
    // The guard of this third party reads headers only; this network sends its token in the query.
    oauth = api.oauth({ protects: '/nothing', client: { id: 'app', secret: CLIENT_SECRET } });
    const given = oauth.issue('clumsy');
    await world.sluice.accounts.connect({
      provider: 'careless',
      account: 'clumsy',
      credentials: { accessToken: given.accessToken, refreshToken: given.refreshToken },
    });
    const run = await world.sluice.start(echoes, { account: 'clumsy', input: { paths: 'all' } });
    const result = await run.result();
    expect(result.flaws.length).toBeGreaterThan(3);
    expect(issued.length).toBeGreaterThan(20);
    expect(issued.some((token) => TOKEN.test(token))).toBe(true);
    expect(calls.get('link')).toBe(4);

    const tables = await dumpTables(world);
    const histories = await dumpHistories(world.taskQueue);
    expect(tables).toContain('clumsy');
    expect(tables).toContain('[removed]');
    expect(histories).toContain('clumsy');
    expect(histories.length).toBeGreaterThan(10_000);
    const hidden = [CLIENT_SECRET, TEST_KEYS.split(':')[1] as string];
    for (const [where, text] of Object.entries({ tables, histories, log: log.join('\n') })) {
      const found = TOKEN.exec(text);
      expect(found && text.slice(Math.max(0, found.index - 120), found.index + 60), where).toBeNull();
      for (const secret of hidden) expect(text.includes(secret), where).toBe(false);
    }
  });
});

/** Every row of every table as text; of encrypted columns, the bytes as they are. */
async function dumpTables({ db }: World): Promise<string> {
  const { rows: tables } = await db.pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema = 'sluice' and table_type = 'BASE TABLE'`,
  );
  expect(tables.map(({ name }) => name)).toContain('sluice.credential');
  let text = '';
  for (const { name } of tables) {
    const { rows } = await db.pool.query<{ row: string }>(`select t::text as row from ${name} t`);
    text += rows.map(({ row }) => row).join('\n');
  }
  const { rows: secrets } = await db.pool.query<{ secret: string }>(
    `select encode(secret, 'escape') as secret from sluice.credential`,
  );
  expect(secrets.length).toBeGreaterThan(0);
  return text + secrets.map(({ secret }) => secret).join('\n');
}

/** Every event of every workflow of this test, payloads decoded. */
async function dumpHistories(taskQueue: string): Promise<string> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of world.temporal.workflow.list({ query: `TaskQueue = '${taskQueue}'` })) {
    const history = await world.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    texts.push(
      JSON.stringify(history, (_, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
      ),
    );
  }
  return texts.join('\n');
}
