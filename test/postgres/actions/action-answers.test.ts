import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { z } from 'zod';
import {
  CallFailed,
  defineProvider,
  get,
  noAuth,
  path,
  post,
  type Action,
  type RequestSpec,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeAnswer, type FakeApi, type FakeCall } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createActionDrive, type ActionDrive } from '../../setup/drive-action.ts';

const MOST_ATTEMPTS = 3;

/** What a third party may say and Postgres would refuse, or a parser. Each is sent every time. */
const bodies: Readonly<Record<string, Buffer>> = {
  'a NUL in its text': Buffer.from(JSON.stringify({ id: 'x', note: 'a\u0000b' })),
  'a NUL in a name': Buffer.from('{"id":"x","a\\u0000b":1}'),
  'half an emoji': Buffer.from(String.raw`{"id":"x","note":"\ud83d"}`),
  'a NUL that is no escape': Buffer.from('{"id":"x","note":"a\u0000b"}'),
  gzip: gzipSync(Buffer.from('{"id":"x"}')),
  'UTF-16': Buffer.from('{"id":"x"}', 'utf16le'),
  'an emoji at the place where reasons are cut': Buffer.from(`${'x'.repeat(199)}😀`),
  'brackets 6,000 deep': Buffer.from(`{"id":"x","note":${'['.repeat(6_000)}${']'.repeat(6_000)}}`),
  'brackets 30,000 deep': Buffer.from(`{"id":"x","note":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
  'no bytes at all': Buffer.alloc(0),
};

describe('a write whose answer is the same every time', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: ActionDrive;
  let answer: FakeAnswer = {};
  const keys: string[] = [];

  const common = {
    input: z.object({}),
    output: z.looseObject({ id: z.string() }),
    request: (_: unknown, { idempotencyKey }: { idempotencyKey: string }) =>
      post('/write', {}, { key: idempotencyKey }),
  };
  let providers = 0;
  /** Of a provider of its own each time: the breaker takes one that fails so often for failing. */
  const anew = (name: string, more: object): Action =>
    defineProvider({
      id: `odd-${providers++}`,
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: MOST_ATTEMPTS,
    }).action(name, { ...common, ...more });
  const ways: Readonly<Record<string, () => Action>> = {
    'that can only be left to a person': () => anew('bare', {}),
    'that is repeated by key': () => anew('keyed', { idempotent: true }),
    'that is looked up': () =>
      anew('looked', {
        whenUnknown: { lookup: () => get('/look'), found: (body: unknown) => body as { id: string }, afterMs: 1 },
      }),
  };
  const bare = ways['that can only be left to a person'] as () => Action;

  beforeAll(async () => {
    api = await startFakeApi();
    const write = (call: FakeCall): FakeAnswer => {
      keys.push(String(call.headers['key']));
      return answer;
    };
    api.route('POST', '/write', write);
    api.route('GET', '/look', () => answer);
    db = await createTestDatabase();
    drive = createActionDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  for (const [way, define] of Object.entries(ways)) {
    it.each([200, 302, 402, 408, 500, 503])(
      `${way} comes to a typed end within its attempts (HTTP %d)`,
      async (status) => {
        for (const [what, body] of Object.entries(bodies)) {
          const action = define();
          keys.length = 0;
          answer = { status, body };
          const step = await drive.perform(action, await drive.accept(action, {}));
          expect(['done', 'failed'], what).toContain(step.state);
          if (step.state === 'failed') expect(step.errorType, what).not.toBeNull();
          expect(step.calls, what).toBeLessThanOrEqual(MOST_ATTEMPTS + 1);
          // One key: whoever honours it has one object. Without it nothing was sent again.
          expect(new Set(keys).size, what).toBe(1);
          expect(keys.length, what).toBeLessThanOrEqual(action.definition.repeatWithinMs === 0 ? 1 : MOST_ATTEMPTS);
        }
      },
    );
  }

  it('has an output of the format that its action states, whatever the content type is, and so has what its look-up finds', async () => {
    const xml = '<order><id>7</id><line>a</line></order>';
    const Order = z.object({ order: z.object({ id: z.string(), line: z.array(z.string()) }) });
    const format = { kind: 'xml', lists: ['order.line'] };
    const octets = { 'content-type': 'application/octet-stream' };
    const performed = async (more: object, given: FakeAnswer) => {
      answer = given;
      const action = anew('formed', more);
      return drive.perform(action, await drive.accept(action, {}));
    };
    const output = { order: { id: '7', line: ['a'] } };
    const made = await performed({ output: Order, format }, { body: xml, headers: octets });
    expect(made).toMatchObject({ state: 'done', output, calls: 1 });
    const whenUnknown = { lookup: () => get('/look'), found: (body: unknown) => body, afterMs: 1 };
    answer = { status: 500 };
    const looked = anew('looked', { output: Order, format, whenUnknown });
    const workflowId = await drive.accept(looked, {});
    await drive.perform(looked, workflowId, { most: 1 });
    answer = { body: xml, headers: octets };
    expect(await drive.perform(looked, workflowId)).toMatchObject({ state: 'done', output, calls: 2 });
    expect(await performed({ output: z.string(), format: 'text' }, { body: '17', headers: octets })).toMatchObject({
      state: 'done',
      output: '17',
    });
    // No body is null, and what is of no such format was done all the same.
    expect(await performed({ output: z.null(), format }, { status: 204 })).toMatchObject({
      state: 'done',
      output: null,
    });
    const broken = await performed({ output: Order, format }, { body: '<order>', headers: octets });
    expect(broken).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: 1 });
    expect(broken.error).toContain('it was accepted, but the body is no XML');
  });

  it('is done, and its output clean, when it was accepted with text that Postgres refuses', async () => {
    for (const [what, note] of [
      ['a NUL in its text', 'a\ufffdb'],
      ['half an emoji', '\ufffd'],
    ] as const) {
      answer = { body: bodies[what] };
      const action = bare();
      const step = await drive.perform(action, await drive.accept(action, {}));
      expect(step).toMatchObject({ state: 'done', calls: 1, output: { id: 'x', note } });
    }
  });

  it('is left to a person, and not sent again, when it was accepted with an output that can’t be kept', async () => {
    answer = { body: bodies['brackets 6,000 deep'] };
    for (const define of Object.values(ways)) {
      const action = define();
      keys.length = 0;
      const workflowId = await drive.accept(action, {});
      const step = await drive.perform(action, workflowId);
      expect(step).toMatchObject({ state: 'failed', errorType: 'output-lost', calls: 1 });
      expect(step.error).toMatch(/^it happened, but its output can't be kept/);
      // Asked again, it stays so.
      expect(await drive.perform(action, workflowId)).toMatchObject({ state: 'failed', errorType: 'output-lost' });
      expect(keys).toHaveLength(1);
    }
  });

  it('was never sent where its own `fetch` has met nobody: it is tried again, and a person need not look', async () => {
    const gone = await startFakeApi();
    await gone.stop();
    const provider = defineProvider({
      id: 'met-nobody',
      baseUrl: gone.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: 2,
    });
    const action = provider.action('create', {
      input: z.object({}),
      output: z.looseObject({ id: z.string() }),
      perform: async () => (await fetch(gone.url)).json() as Promise<{ id: string }>,
    });
    const step = await drive.perform(action, await drive.accept(action, {}));
    expect(step).toMatchObject({ state: 'failed', errorType: 'attempts-spent', attempts: 2 });
  });

  it('of one’s own client that names a limit which nobody declared is a mistake, and is not waited for', async () => {
    const provider = defineProvider({ id: 'own-client', baseUrl: api.url, auth: noAuth(), limits: [] });
    const action = provider.action('create', {
      input: z.object({}),
      output: z.looseObject({ id: z.string() }),
      perform: () => Promise.reject(new CallFailed({ kind: 'limited', limit: 'nope', reason: 'too many' })),
    });
    const step = await drive.perform(action, await drive.accept(action, {}));
    expect(step).toMatchObject({ state: 'failed', errorType: 'config', calls: 1 });
    expect(step.error).toMatch(
      /a rule names the limit "nope"; the provider has none \(provider "own-client"\); too many/,
    );
  });

  it('has the output that `made` takes of its answer, from headers of one without a body as well', async () => {
    const made = anew('made', {
      made: (
        body: { data?: { id: string } } | null,
        { headers, url }: { headers: Record<string, string>; url: string },
      ) => {
        expect(new URL(url).pathname).toBe('/write');
        return { id: body?.data?.id ?? headers['location']?.split('/').at(-1) };
      },
    });
    const answers: readonly (readonly [FakeAnswer, object])[] = [
      [
        { status: 201, headers: { location: '/things/42' } },
        { state: 'done', output: { id: '42' } },
      ],
      [
        { status: 204, headers: { location: 'https://x.example/things/43' } },
        { state: 'done', output: { id: '43' } },
      ],
      [
        { status: 200, body: { data: { id: 'inner' } } },
        { state: 'done', output: { id: 'inner' } },
      ],
    ];
    for (const [given, expected] of answers) {
      answer = given;
      expect(await drive.perform(made, await drive.accept(made, {}))).toMatchObject({ ...expected, calls: 1 });
    }
    // It was accepted: whatever is wrong with what it says, it is not sent again.
    answer = { status: 201 };
    keys.length = 0;
    const step = await drive.perform(made, await drive.accept(made, {}));
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write' });
    expect(step.error).toContain('it was accepted, but the answer of');
    expect(keys).toHaveLength(1);
  });

  it('that can’t be read, and was taken, is heard once more where it may be repeated, and no more', async () => {
    const keyed = anew('keyed', { idempotent: true });
    keys.length = 0;
    answer = { body: { id: 7 } };
    const same = await drive.perform(keyed, await drive.accept(keyed, {}));
    expect(same).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: 2 });
    expect(same.error).toMatch(/it was accepted, but .* \(the same answer twice\)$/s);
    expect(new Set(keys).size).toBe(1);
    // Accepted, and still at work: it may be there at the next call.
    answer = { status: 202, body: { state: 'pending' } };
    expect(await drive.perform(keyed, await drive.accept(keyed, {}))).toMatchObject({ calls: MOST_ATTEMPTS });
  });

  it('in words is their text, and none where it is a page for people', async () => {
    const plain = { 'content-type': 'text/plain; charset=utf-8' };
    const page = { 'content-type': 'text/html' };
    const html = '<!DOCTYPE HTML>\n<html><body>Collection /a has been created.</body></html>';
    const answers: readonly (readonly [FakeAnswer, z.ZodType, object])[] = [
      [{ body: 'ok', headers: page }, z.literal('ok'), { state: 'done', output: 'ok' }],
      [{ body: 'queued as 7', headers: plain }, z.string(), { state: 'done', output: 'queued as 7' }],
      [{ status: 201, body: html, headers: page }, z.null(), { state: 'done', output: null }],
      [{ body: html, headers: page }, z.unknown(), { state: 'failed', errorType: 'unknown-write' }],
      [{ body: 'no such queue', headers: plain }, z.literal('ok'), { state: 'failed', errorType: 'unknown-write' }],
      [{ body: 'ok' }, z.unknown(), { state: 'failed', errorType: 'unknown-write' }],
    ];
    for (const [given, output, expected] of answers) {
      answer = given;
      const action = anew('worded', { output });
      expect(await drive.perform(action, await drive.accept(action, {}))).toMatchObject({ ...expected, calls: 1 });
    }
  });

  it('says why in words that can be stored', async () => {
    answer = { status: 402, body: bodies['gzip'] };
    const action = bare();
    const step = await drive.perform(action, await drive.accept(action, {}));
    expect(step).toMatchObject({ state: 'failed', errorType: 'auth', calls: 1, attempts: 1 });
    expect(step.error).toMatch(/^HTTP 402: /);
  });
});

describe('a write of unknown fate that is looked up by a list', () => {
  const posts: { id: string; key: string }[] = [];
  let api: FakeApi;
  let db: TestDatabase;
  let drive: ActionDrive;
  /** The newest row is not on the first page. */
  let look: () => FakeAnswer = () => ({ body: { items: posts, next: null } });

  beforeAll(async () => {
    api = await startFakeApi();
    api.route('POST', '/posts', ({ headers }) => {
      posts.push({ id: `p${posts.length}`, key: String(headers['key']) });
      return posts.length === 1 ? { status: 500 } : { body: posts.at(-1) };
    });
    api.route('GET', '/posts', () => look());
    db = await createTestDatabase();
    drive = createActionDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });
  const write = async (name: string, more: object = {}) => {
    posts.length = 0;
    const provider = defineProvider({ id: `listed-${name}`, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const Posts = z.object({ items: z.array(z.object({ id: z.string(), key: z.string() })) });
    const create = provider.action('create', {
      input: z.object({}),
      output: z.looseObject({ id: z.string() }),
      request: (_, { idempotencyKey }) => post('/posts', {}, { key: idempotencyKey }),
      whenUnknown: {
        lookup: () => get('/posts'),
        found: (body, _, { idempotencyKey }) => Posts.parse(body).items.find(({ key }) => key === idempotencyKey),
        afterMs: 1,
        ...more,
      },
    });
    return drive.perform(create, await drive.accept(create, {}));
  };
  const first = { id: 'other', key: 'of another one' };

  it.each([
    ['a next page', () => ({ body: { items: [first], next: 'abc' } })],
    ['more rows', () => ({ body: { items: [first], total: 730, page: 1 } })],
    ['a link', () => ({ body: { items: [first] }, headers: { link: '</posts?page=2>; rel="next"' } })],
    ['more, and came empty', () => ({ body: { items: [], has_more: true } })],
  ])('is left to a person, and not sent again, where the answer lacks it and tells of %s', async (what, answer) => {
    look = answer;
    const step = await write(what.replaceAll(/[ ,]+/g, '-'));
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: 2 });
    expect(step.error).toMatch(/more/);
    expect(posts).toHaveLength(1);
  });

  it('is done where the answer has it, whatever it tells of more', async () => {
    look = () => ({ body: { items: posts, next: 'abc' } });
    expect(await write('there')).toMatchObject({ state: 'done', calls: 2, output: { id: 'p0' } });
    expect(posts).toHaveLength(1);
  });

  it('is sent again where the answer lacks it and is the whole, or is said to be', async () => {
    look = () => ({ body: { items: [first], total: 1, next: null, has_more: false } });
    expect(await write('whole')).toMatchObject({ state: 'done', calls: 3 });
    look = () => ({ body: { items: [], next: 'abc' } });
    expect(await write('said', { guards: { 'more-told': false } })).toMatchObject({ state: 'done', calls: 3 });
  });
});

describe('a write of unknown fate', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: ActionDrive;

  const provider = defineProvider({ id: 'lossy', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 4 });
  const common = {
    input: z.object({}),
    output: z.object({ id: z.string() }),
    request: (_: unknown, { idempotencyKey }: { idempotencyKey: string }) =>
      post('/keyed', {}, { 'idempotency-key': idempotencyKey }),
  };
  const keyed = provider.action('keyed', { ...common, idempotent: true });
  const shortKeyed = provider.action('shortKeyed', { ...common, idempotent: true, keyGoodForMs: 30_000 });
  const shortLooked = provider.action('shortLooked', {
    ...common,
    idempotent: true,
    keyGoodForMs: 1,
    whenUnknown: { lookup: () => get('/nothing'), found: () => undefined, afterMs: 1 },
  });

  const lateLooked = provider.action('lateLooked', {
    ...common,
    whenUnknown: { lookup: () => get('/nothing'), found: () => undefined, afterMs: 60_000 },
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.action('POST', '/keyed', {});
    db = await createTestDatabase();
    drive = createActionDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const calls = () => api.report().byRoute['POST /keyed'] ?? 0;

  it('is repeated as long as the third party knows its key', async () => {
    api.script('POST /keyed', ['reset-after', '503']);
    const step = await drive.perform(keyed, await drive.accept(keyed, {}));
    expect(step).toMatchObject({ state: 'done', calls: 3, attempts: 2 });
    expect(api.report().created['POST /keyed']?.duplicates).toBe(0);
  });

  it('is not repeated when the third party has forgotten its key', async () => {
    api.script('POST /keyed', ['reset-after']);
    const workflowId = await drive.accept(shortKeyed, {});
    expect(await drive.perform(shortKeyed, workflowId, { most: 1 })).toMatchObject({ state: 'unknown', calls: 1 });
    // As after an outage of a day: the calls of these hours were never made.
    await db.pool.query(`update sluice.action_step set sent_at = sent_at - interval '1 minute' where workflow_id = $1`, [workflowId]); // prettier-ignore
    const before = calls();
    const step = await drive.perform(shortKeyed, workflowId);
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: 1 });
    expect(step.error).toContain('the third party knows its key for 30000 ms only, which are over');
    expect(calls()).toBe(before);
  });

  it('counts the life of a key from the first sending that may have arrived, not from the last repeat', async () => {
    api.script('POST /keyed', ['reset-after', '503']);
    const workflowId = await drive.accept(shortKeyed, {});
    await drive.perform(shortKeyed, workflowId, { most: 1 });
    await db.pool.query(`update sluice.action_step set sent_at = sent_at - interval '15 seconds' where workflow_id = $1`, [workflowId]); // prettier-ignore
    const repeated = await drive.perform(shortKeyed, workflowId, { most: 1 });
    expect(repeated).toMatchObject({ state: 'unknown', calls: 2 });
    expect(repeated.unsettledMs).toBeGreaterThan(15_000);
    expect(repeated.sinceSentMs).toBeLessThan(repeated.unsettledMs as number);
  });

  it('is looked up when its key is forgotten, and sent again only when it is not there', async () => {
    api.script('POST /keyed', ['reset']);
    const step = await drive.perform(shortLooked, await drive.accept(shortLooked, {}));
    expect(step).toMatchObject({ state: 'done', calls: 3 });
  });

  describe('is not sent again where it was not found on one page of several', () => {
    const other = { id: 'other', clientId: 'x' };
    const looked = (lookup: () => RequestSpec, guards?: { readonly 'more-told': false }) =>
      provider.action('listed', {
        ...common,
        whenUnknown: {
          lookup,
          found: (body: unknown) => (JSON.stringify(body).includes('"mine"') ? { id: 'mine' } : undefined),
          afterMs: 1,
          ...(guards ? { guards } : {}),
        },
      });
    const lost = async (action: Action, answer: FakeAnswer) => {
      api.script('POST /keyed', ['reset-after']);
      api.route('GET', '/listed', () => answer);
      api.route('POST', '/listed', () => answer);
      const before = calls();
      const step = await drive.perform(action, await drive.accept(action, {}));
      return { step, sent: calls() - before };
    };

    it.each<[what: string, answer: FakeAnswer, lookup?: () => RequestSpec]>([
      ['a Link header', { body: [other], headers: { link: '<https://x.example/rows?page=2>; rel="next"' } }],
      ['a flag', { body: { items: [other], has_more: true } }],
      ['a token', { body: { items: [other], nextPageToken: 'x' } }],
      ['a link', { body: { items: [other], '@odata.nextLink': 'https://x.example/rows?page=2' } }],
      ['a count', { body: { items: [other], total_count: 45 } }],
      ['a count beside no rows', { body: { items: [], total_count: 45 } }],
      ['a count in a header', { body: [other], headers: { 'x-total-count': '45' } }],
      ['a number of pages', { body: { items: [other], meta: { total_pages: 2 } } }],
      ['a range', { status: 206, body: [other], headers: { 'content-range': 'items 0-0/45' } }],
      ['a part', { status: 206, body: [other] }],
      [
        'GraphQL’s page info',
        { body: { data: { me: { posts: { nodes: [other], pageInfo: { hasNextPage: true } } } } } },
      ],
      ['a page that came full', { body: [other, other] }, () => get('/listed', { per_page: 2 })],
      ['a search that came full', { body: { hits: [other, other] } }, () => post('/listed', { query: 'x', limit: 2 })],
    ])('as told by %s', async (_, answer, lookup = () => get('/listed')) => {
      const { step, sent } = await lost(looked(lookup), answer);
      expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write' });
      expect(step.error).toContain('it was not found on the one page that a look-up reads');
      expect(sent).toBe(1);
    });

    it('but it is done where that page has it, and sent again where all was seen, or that page surely had it', async () => {
      const more = { has_more: true };
      const plain = looked(() => get('/listed', { limit: 2 }));
      const found = await lost(plain, { body: { items: [other, { id: 'mine' }], ...more } });
      expect(found).toMatchObject({ step: { state: 'done', output: { id: 'mine' } }, sent: 1 });
      const absent = await lost(plain, { body: { items: [other], total_count: 1, has_more: false } });
      expect(absent).toMatchObject({ step: { state: 'done' }, sent: 2 });
      const newest = looked(() => get('/listed'), { 'more-told': false });
      expect(await lost(newest, { body: { items: [other], ...more } })).toMatchObject({ sent: 2 });
    });
  });

  it('stays unknown when its repeat is refused: by a limit it is repeated later, for good it is left to a person', async () => {
    api.script('POST /keyed', ['reset-after', { status: 429, headers: { 'retry-after': '0' }, body: {} }]);
    const limited = await drive.accept(keyed, {});
    expect(await drive.perform(keyed, limited, { most: 2 })).toMatchObject({ state: 'unknown', calls: 2, attempts: 1 });
    expect(await drive.perform(keyed, limited)).toMatchObject({ state: 'done' });

    api.script('POST /keyed', ['reset-after', { status: 402, body: { error: 'card declined' } }]);
    const step = await drive.perform(keyed, await drive.accept(keyed, {}));
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: 2, attempts: 2 });
    expect(step.error).toMatch(/repeated, it was refused: HTTP 402: .*card declined/);
  });

  it('is not said to be cancelled before it was sent when its repeat was put off', async () => {
    api.script('POST /keyed', ['reset-after', { status: 429, headers: { 'retry-after': '0' }, body: {} }]);
    const workflowId = await drive.accept(keyed, {});
    await drive.perform(keyed, workflowId, { most: 2 });
    const step = await drive.perform(keyed, workflowId, { settleOnly: true });
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write' });
  });

  it('is said to have been sent when it is cancelled after a refusal', async () => {
    api.script('POST /keyed', [{ status: 429, headers: { 'retry-after': '0' }, body: {} }]);
    const workflowId = await drive.accept(keyed, {});
    expect(await drive.perform(keyed, workflowId, { most: 1 })).toMatchObject({ state: 'ready', calls: 1 });
    const step = await drive.perform(keyed, workflowId, { settleOnly: true });
    expect(step).toMatchObject({ state: 'cancelled', calls: 1, error: 'it was cancelled; its call was not taken' });
  });

  it('costs an attempt when its worker is lost: a write that kills its workers is not repeated for ever', async () => {
    const workflowId = await drive.accept(keyed, {});
    for (let lost = 0; lost < 4; lost++) {
      await db.pool.query(`update sluice.action_step set state = 'sending', sending = sending + 1, sent_at = clock_timestamp() where workflow_id = $1`, [workflowId]); // prettier-ignore
      if (lost < 3) {
        api.script('POST /keyed', ['reset']);
        await drive.perform(keyed, workflowId, { most: 1 });
      }
    }
    const before = calls();
    const step = await drive.perform(keyed, workflowId);
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write' });
    expect(step.error).toContain('the worker ended while it was being sent');
    expect(calls()).toBe(before);
  });

  it('is what a sending is taken for that the database has lost', async () => {
    const told: number[] = [];
    api.script('POST /keyed', ['reset-after']);
    const workflowId = await drive.accept(lateLooked, {});
    await drive.perform(lateLooked, workflowId, { most: 1, tellSending: (sending) => told.push(sending) });
    expect(told).toEqual([1]);
    // Put back to the moment before the write: as after a failover that lost its last commits.
    await db.pool.query(`update sluice.action_step set state = 'ready', sending = 0, sent_at = null, calls = 0, attempts = 0 where workflow_id = $1`, [workflowId]); // prettier-ignore
    const before = calls();
    const step = await drive.perform(lateLooked, workflowId, { most: 1, lastSending: 1 });
    expect(step).toMatchObject({ state: 'unknown', sending: 1 });
    expect(step.error).toBe('it was sent, and the database has lost what became of it');
    expect(calls()).toBe(before);
  });
});

describe('what is no fault of the third party', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: ActionDrive;
  const provider = defineProvider({
    id: 'own',
    baseUrl: () => `${api.url}/v1`,
    auth: noAuth(),
    limits: [],
    maxAttempts: 3,
  });
  const output = z.object({ id: z.string() });
  const remove = provider.action('remove', {
    input: z.object({ id: z.string() }),
    output,
    request: ({ id }) => post(`/users/${id}`),
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.action('POST', '/v1/slow', { honoursKeys: false });
    db = await createTestDatabase();
    drive = createActionDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  it('fails as wrongly set up, with no call, when a path would leave the base', async () => {
    const step = await drive.perform(remove, await drive.accept(remove, { id: '../../../admin' }), { most: 3 });
    expect(step).toMatchObject({ state: 'failed', errorType: 'config', calls: 0 });
    expect(step.error).toContain('with the tag `path`');
    expect(api.report().calls).toBe(0);
  });

  it('fails as a bug, with no call, when the action’s own function throws whatever it throws', async () => {
    for (const thrown of [new Error('no such plan'), new TypeError('x is undefined'), 'a text\ud800']) {
      const broken = provider.action(`broken${String(thrown).length}`, {
        input: z.object({}),
        output,
        request: () => {
          throw thrown;
        },
      });
      const step = await drive.perform(broken, await drive.accept(broken, {}), { most: 3 });
      expect(step).toMatchObject({ state: 'failed', errorType: 'bug', calls: 0 });
    }
  });

  it('counts as unknown when the rules of the provider throw at the answer', async () => {
    const judged = defineProvider({
      id: 'judged',
      baseUrl: () => `${api.url}/v1`,
      auth: noAuth(),
      limits: [],
      classify: () => {
        throw new Error('a rule is broken');
      },
    }).action('slow', { input: z.object({}), output, request: () => post('/slow', {}) });
    const step = await drive.perform(judged, await drive.accept(judged, {}));
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: 1 });
    expect(step.error).toContain('the rules for HTTP 201 threw Error: a rule is broken');
  });

  it('writes the answer down when the database is back, and sends nothing again, when it was away while the answer came', async () => {
    const slow = provider.action('slow', { input: z.object({}), output, request: () => post(path`/slow`, {}) });
    const name = new URL(db.url).pathname.slice(1);
    const adminUrl = new URL(db.url);
    adminUrl.pathname = '/postgres';
    const admin = new Client({ connectionString: adminUrl.href });
    await admin.connect();
    try {
      const workflowId = await drive.accept(slow, {});
      const before = api.report().calls;
      api.script('POST /v1/slow', [{ delayMs: 300, status: 201, body: { id: 'made' } }]);
      const performed = drive.perform(slow, workflowId, { most: 1 });
      await expect.poll(() => api.report().calls, { interval: 5 }).toBe(before + 1);
      await admin.query(`alter database ${name} with allow_connections false`);
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      await admin.query('select pg_sleep(1.5)');
      await admin.query(`alter database ${name} with allow_connections true`);
      expect(await performed).toMatchObject({ state: 'done', calls: 1, output: { id: 'made' } });
    } finally {
      await admin.query(`alter database ${name} with allow_connections true`);
      await admin.end();
    }
  });
});
