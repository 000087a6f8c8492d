/** What people have reported of real APIs, each written from the docs as a user would, and run by `sluice/testing`. */
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  bearer,
  calendar,
  deadCursor,
  defineProvider,
  defineSync,
  get,
  minutes,
  path,
  post,
  rules,
  status,
  when,
  type Endpoint,
  type LimitDeclaration,
} from '../../../providers/index.ts';
import { SimulationStuck, startFakeApi, startSimulator, type FakeApi, type Simulator } from '../../../testing/index.ts';
import { zipOf } from '../../setup/zip-of.ts';

let api: FakeApi;
let files: FakeApi;
let simulator: Simulator;
let counter = 0;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator?.stop());
beforeEach(async () => {
  counter++;
  [api, files] = await Promise.all([startFakeApi(), startFakeApi()]);
});
afterEach(() => Promise.all([api.stop(), files.stop()]));

const credentials = { accessToken: 'token-of-a-test' };
const Id = z.object({ id: z.string() });
const Empty = z.object({});
const Cursor = z.object({ items: z.array(Id), next: z.string().nullish() });

const providerOf = (more: { limits?: LimitDeclaration[]; classify?: ReturnType<typeof rules> } = {}) =>
  defineProvider({
    id: `reported-${counter}`,
    baseUrl: () => api.url,
    auth: bearer(),
    limits: [],
    maxAttempts: 2,
    ...more,
  });
const listOf = <Item extends { readonly id: string }>(endpoint: Endpoint<Record<string, never>, Item>) =>
  defineSync(`reported${counter}`, { provider: endpoint.provider, input: Empty }, (s) => ({
    rows: s.one(endpoint, { input: () => ({}), key: ({ id }) => id }),
  }));
const run = (sync: ReturnType<typeof listOf>, more: { timeoutMs?: number; mode?: 'full' } = {}) =>
  simulator.run(sync, { api, input: {}, credentials, ...more });

describe('an API that', () => {
  it('answers data and errors in one keeps its rows, and the list is flawed', async () => {
    api.route('POST', '/graphql', () => ({
      body: {
        data: { items: [{ id: 'a' }, { id: 'b' }] },
        errors: [{ message: 'x', extensions: { code: 'ACCESS_DENIED' } }],
      },
    }));
    const query = providerOf().endpoint('query', {
      input: Empty,
      response: z.object({ data: z.object({ items: z.array(Id) }) }),
      request: () => post('/graphql', { query: '{ items { id } }' }),
      paginate: { kind: 'single', items: ({ data }) => data.items },
    });
    const { result, rows } = await run(listOf(query));
    expect(result).toMatchObject({ complete: false, rows: 2, flaws: [{ kind: 'flawed' }] });
    expect(rows(listOf(query).rows)).toHaveLength(2);
  });

  it('tells times without a zone, or one in the future, hides no row in the next run', async () => {
    let rows = [
      { id: 'a', at: '2026-01-01T10:00:00' },
      { id: 'future', at: '2999-01-01T00:00:00' },
    ];
    const asked: (string | null)[] = [];
    api.route('GET', '/orders', ({ query }) => {
      const since = query.get('since');
      asked.push(since);
      return { body: { items: rows.filter(({ at }) => since === null || new Date(`${at}Z`) >= new Date(since)) } };
    });
    const orders = providerOf().endpoint('orders', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({ items: z.array(Id.extend({ at: z.string() })) }),
      request: ({ since }) => get('/orders', { since }),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const sync = defineSync(`reported${counter}`, { provider: orders.provider, input: Empty }, (s) => ({
      rows: s.one(orders, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ at }) => at, lookbackMs: minutes(10) },
      }),
    }));
    const before = Date.now();
    await run(sync);
    rows = [...rows, { id: 'new', at: new Date().toISOString().slice(0, 19) }];
    const next = await run(sync);
    expect(next.result).toMatchObject({ complete: true });
    expect(next.rows(sync.rows).map(({ id }) => id)).toContain('new');
    const since = Date.parse(asked[1] ?? '');
    expect(since).toBeGreaterThan(before - minutes(10) - 2_000);
    expect(since).toBeLessThan(Date.now() - minutes(10) + 1_000);
  });

  it('has pages of its own in a nested connection is asked for those alone that have more', async () => {
    const Comments = z.object({ items: z.array(Id), next: z.string().nullish() });
    api.route('GET', '/posts', () => ({
      body: {
        items: Array.from({ length: 30 }, (_, n) => ({
          id: `p${n}`,
          comments: { items: [{ id: `p${n}-0` }], next: n < 3 ? '1' : null },
        })),
      },
    }));
    api.route('GET', '/posts/:id/comments', (_, { id }) => ({ body: { items: [{ id: `${id}-1` }], next: null } }));
    const provider = providerOf();
    const posts = provider.endpoint('posts', {
      input: Empty,
      response: z.object({ items: z.array(Id.extend({ comments: Comments })) }),
      request: () => get('/posts'),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const comments = provider.endpoint('comments', {
      input: Id,
      response: Comments,
      request: ({ id }, page) => get(path`/posts/${id}/comments`, { cursor: page.cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const sync = defineSync(`reported${counter}`, { provider, input: Empty }, (s) => {
      const all = s.one(posts, { input: () => ({}), key: ({ id }) => id });
      return {
        rows: all,
        comments: s.each(all, comments, {
          input: ({ id }) => ({ id }),
          key: ({ id }) => id,
          nested: (row) => row.comments,
        }),
      };
    });
    const { result, rows } = await simulator.run(sync, { api, input: {}, credentials });
    expect(result).toMatchObject({ complete: true, calls: 4 });
    expect(rows(sync.comments)).toHaveLength(33);
  });

  it('says to come back in 3,000 years, or has a quota of the calendar, is waited for, and not called meanwhile', async () => {
    api.script('GET /items', [{ status: 429, headers: { 'retry-after': '99999999999' } }]);
    api.list('/items', { count: 3 });
    const items = (limits: LimitDeclaration[]) =>
      providerOf({ limits }).endpoint('items', {
        input: Empty,
        response: Cursor,
        request: (_, page) => get('/items', { cursor: page.cursor, limit: 1 }),
        paginate: { kind: 'cursor', items: (answer) => answer.items, next: ({ next }) => next },
      });
    await expect(run(listOf(items([])), { timeoutMs: 4_000 })).rejects.toThrow(SimulationStuck);
    expect(api.report().calls).toBe(1);
    counter += 1_000;
    api.reset();
    const daily = listOf(items([calendar('day', { by: ['account'], max: 2, per: 'day', zone: 'Europe/Berlin' })]));
    await expect(run(daily, { timeoutMs: 4_000 })).rejects.toThrow(SimulationStuck);
    expect(api.report().calls).toBe(2);
  });

  it('makes a report whose file is packed, elsewhere, and refuses a token there, brings its rows by one job', async () => {
    files.file('/report', { format: 'ndjson', count: 500, gzip: true, isPublic: true });
    const jobs = api.jobs('/reports', { polls: 2, results: () => [`${files.url}/report?signature=1`] });
    const report = providerOf().endpoint('report', {
      input: Empty,
      response: z.array(Id),
      job: {
        submitted: Id,
        polled: z.object({ status: z.enum(['running', 'done']), results: z.array(z.string()).optional() }),
        submit: (_, { key }) => post('/reports', {}, { 'idempotency-key': key }),
        id: ({ id }) => id,
        poll: (id) => get(path`/reports/${id}`),
        state: ({ status: state, results }) => ({ state, results }),
        pollMs: { first: 50 },
      },
      request: (_, page) => get(page.job.result),
      openHosts: [new URL(files.url).host],
      format: 'ndjson',
      paginate: { kind: 'single', items: (rows) => rows },
    });
    expect((await run(listOf(report))).result).toMatchObject({ complete: true, rows: 500 });
    expect(jobs.made()).toHaveLength(1);
  });

  it('exports CSV with a mark, XML, Latin-1 and zips of several files is read to the letter', async () => {
    const bodies: Record<string, [string, Buffer]> = {
      csv: ['text/csv', Buffer.from('\ufeffid;name\r\na;"Müller; ""M"""\r\n')],
      latin1: [
        'text/csv; charset=iso-8859-1',
        gzipSync(Buffer.from('id;name\r\na;Müller; "M"\r\n'.replace('Müller; "M"', 'Müller'), 'latin1')),
      ],
      zip: ['application/zip', zipOf({ 'a.csv': 'id;name\na;Müller\n', 'b.csv': 'id;name\nb;Meier\n' })],
    };
    for (const [name, [type, body]] of Object.entries(bodies))
      api.route('GET', `/${name}`, () => ({ headers: { 'content-type': type }, body }));
    api.route('GET', '/xml', () => ({
      headers: { 'content-type': 'text/xml' },
      body: '<r><o id="a"><name>Müller</name></o></r>',
    }));
    const provider = providerOf();
    const csv = (name: string) =>
      provider.endpoint(name, {
        input: Empty,
        response: z.array(Id.extend({ name: z.string() })),
        request: () => get(`/${name}`),
        format: { kind: 'csv', delimiter: ';' },
        paginate: { kind: 'single', items: (rows) => rows },
      });
    const xml = provider.endpoint('xml', {
      input: Empty,
      response: z.object({ r: z.object({ o: z.array(z.object({ '@id': z.string(), name: z.string() })) }) }),
      request: () => get('/xml'),
      format: { kind: 'xml', lists: ['r.o'] },
      paginate: { kind: 'single', items: ({ r }) => r.o },
    });
    const sync = defineSync(`reported${counter}`, { provider, input: Empty }, (s) => ({
      csv: s.one(csv('csv'), { input: () => ({}), key: ({ id }) => id }),
      latin1: s.one(csv('latin1'), { input: () => ({}), key: ({ id }) => id }),
      zip: s.one(csv('zip'), { input: () => ({}), key: ({ id }) => id }),
      xml: s.one(xml, { input: () => ({}), key: (row) => row['@id'] }),
    }));
    const { result, rows } = await simulator.run(sync, { api, input: {}, credentials });
    expect(result).toMatchObject({ complete: true });
    expect(rows(sync.csv)).toEqual([{ id: 'a', name: 'Müller; "M"' }]);
    expect(rows(sync.latin1)).toEqual([{ id: 'a', name: 'Müller' }]);
    expect(rows(sync.zip).map(({ name }) => name)).toEqual(['Müller', 'Meier']);
    expect(rows(sync.xml)).toEqual([{ '@id': 'a', name: 'Müller' }]);
  });

  it('forgets its cursors is read on behind the last row', async () => {
    let dies = 2;
    api.route('GET', '/events', ({ query }) => {
      const cursor = query.get('cursor');
      if (cursor !== null && cursor.endsWith('0') && dies-- > 0)
        return { status: 422, body: { error: 'no such page' } };
      const from = Number(cursor ?? query.get('after') ?? 0);
      const items = Array.from({ length: Math.min(5, 50 - from) }, (_, n) => ({ id: String(from + n + 1) }));
      return { body: { items, next: from + 5 < 50 ? String(from + 5) : null } };
    });
    const events = providerOf({ classify: rules([when(status(422), deadCursor())]) }).endpoint('events', {
      input: Empty,
      response: Cursor,
      request: (_, page) => get('/events', { cursor: page.cursor, after: page.behind }),
      paginate: {
        kind: 'cursor',
        items: ({ items }) => items,
        next: ({ next }) => next,
        onDeadCursor: { behind: ({ id }) => id },
      },
    });
    expect((await run(listOf(events))).result).toMatchObject({ complete: true, rows: 50, calls: 12 });
  });

  it('has ids of 64 bits keeps them exactly', async () => {
    const ids = ['9007199254740993', '9007199254740992', '1'];
    api.route('GET', '/ids', () => ({ body: `{"items":[${ids.map((id) => `{"id":${id}}`).join(',')}]}` }));
    const endpoint = providerOf().endpoint('ids', {
      input: Empty,
      response: z.object({ items: z.array(z.object({ id: z.coerce.string() })) }),
      request: () => get('/ids'),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const { result, rows } = await run(listOf(endpoint));
    expect(result).toMatchObject({ complete: true, rows: 3 });
    expect(rows(listOf(endpoint).rows).map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
  });

  it('says no under a status of success is never an empty, green list', async () => {
    const bodies = [
      { ok: false, error: 'not_allowed' },
      { success: false, message: 'nope' },
      { error: { code: 500, message: 'x' } },
      { errors: [{ message: 'x' }] },
      { code: 40001, message: 'no such shop' },
      { status: 'error', message: 'x' },
    ];
    const provider = providerOf();
    const nodes = bodies.map((body, n) => {
      api.route('GET', `/no-${n}`, () => ({ body }));
      return provider.endpoint(`no-${n}`, {
        input: Empty,
        response: z.object({ items: z.array(Id).optional() }),
        request: () => get(`/no-${n}`),
        paginate: { kind: 'single', items: ({ items }) => items ?? [] },
      });
    });
    const sync = defineSync(`reported${counter}`, { provider, input: Empty }, (s) =>
      Object.fromEntries(nodes.map((node, n) => [`no${n}`, s.one(node, { input: () => ({}), key: ({ id }) => id })])),
    );
    const { result } = await simulator.run(sync, { api, input: {}, credentials });
    expect(result).toMatchObject({ complete: false, rows: 0 });
    expect(result.flaws.map(({ node }) => node).sort()).toEqual(bodies.map((_, n) => `no${n}`));
  });
});
