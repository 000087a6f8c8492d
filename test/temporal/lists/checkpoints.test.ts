/** Lists that go on from what the third party gave: a sync token, a delta link, an ETag; and third parties that forget it. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import {
  checkpointExpired,
  defineProvider,
  defineSync,
  get,
  noAuth,
  rules,
  status,
  when,
  window,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

let api: FakeApi;
let world: World;

const calendar = defineProvider({ id: 'calendar', baseUrl: () => api.url, auth: noAuth(), limits: [] });
const Event = z.object({ id: z.string() });
const events = calendar.endpoint('events', {
  input: z.object({ syncToken: z.string().optional() }),
  response: z.object({
    items: z.array(Event),
    nextPageToken: z.string().optional(),
    nextSyncToken: z.string().optional(),
  }),
  request: ({ syncToken }, page) => get('/events', { syncToken, pageToken: page.cursor }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.items,
    next: (answer) => answer.nextPageToken,
    checkpoint: (answer) => answer.nextSyncToken,
  },
});
/** Its link is a whole address in a header; what it does not know any more is a 404. */
const files = calendar.endpoint('files', {
  input: z.object({ link: z.string().optional() }),
  response: z.array(Event),
  request: ({ link }) => get(link ?? '/files'),
  classify: rules([when(status(404), checkpointExpired())]),
  paginate: {
    kind: 'single',
    items: (answer) => answer,
    checkpoint: (_answer, { headers }) => headers['x-delta-link'],
  },
});
const sync = defineSync('calendar', { provider: calendar, input: z.object({}) }, (s) => ({
  events: s.one(events, {
    input: (_input, { checkpoint }) => (checkpoint === undefined ? {} : { syncToken: checkpoint }),
    key: ({ id }) => id,
    incremental: 'checkpoint',
    deletions: 'full-pass',
  }),
  files: s.one(files, {
    input: (_input, { checkpoint }) => (checkpoint === undefined ? {} : { link: checkpoint }),
    key: ({ id }) => id,
    incremental: 'checkpoint',
  }),
}));

/** It tells deletions as rows, and no more is said of them. */
const deltas = calendar.endpoint('deltas', {
  input: z.object({ syncToken: z.string().optional() }),
  response: z.object({
    items: z.array(z.object({ id: z.string(), deleted: z.boolean().optional() })),
    nextSyncToken: z.string(),
  }),
  request: ({ syncToken }) => get('/deltas', { syncToken }),
  paginate: { kind: 'single', items: (answer) => answer.items, checkpoint: (answer) => answer.nextSyncToken },
});
const deltaSync = defineSync('deltas', { provider: calendar, input: z.object({}) }, (s) => ({
  deltas: s.one(deltas, {
    input: (_input, { checkpoint }) => ({ syncToken: checkpoint }),
    key: ({ id }) => id,
    incremental: 'checkpoint',
    isGone: ({ deleted }) => deleted === true,
  }),
}));

const repo = defineProvider({
  id: 'repo',
  baseUrl: () => api.url,
  auth: noAuth(),
  limits: [
    window('hour', {
      by: ['app'],
      max: 1_000,
      perMs: 3_600_000,
      actualCost: (answer) => (answer.status === 304 ? 0 : 1),
    }),
  ],
});
const labels = repo.endpoint('labels', {
  input: z.object({}),
  response: z.array(Event),
  request: () => get('/labels'),
  paginate: { kind: 'single', items: (answer) => answer },
  conditional: 'whole',
});
const issues = repo.endpoint('issues', {
  input: z.object({ label: z.string() }),
  response: z.array(Event),
  request: ({ label }) => get('/issues', { label }),
  paginate: { kind: 'single', items: (answer) => answer },
});
const repoSync = defineSync('repo', { provider: repo, input: z.object({}) }, (s) => {
  const all = s.one(labels, { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' });
  return { labels: all, issues: s.each(all, issues, { input: ({ id }) => ({ label: id }), key: ({ id }) => id }) };
});

let seen: string[] = [];
let known: string | undefined = 't1';
let rows = ['a', 'b', 'c'];
beforeAll(async () => {
  world = await createWorld([sync, repoSync, deltaSync]);
  api = await startFakeApi();
  api.route('GET', '/events', ({ query }) => {
    const [token, page] = [query.get('syncToken'), query.get('pageToken')];
    seen.push(`events ${token ?? '-'} ${page ?? '-'}`);
    if (token !== null) {
      if (token !== known)
        return { status: 410, body: { error: { code: 410, message: 'Sync token is no longer valid' } } };
      return { body: { items: [{ id: 'd' }], nextSyncToken: (known = 't2') } };
    }
    if (page === null) return { body: { items: rows.slice(0, 2).map((id) => ({ id })), nextPageToken: 'p2' } };
    return { body: { items: rows.slice(2).map((id) => ({ id })), nextSyncToken: known } };
  });
  api.route('GET', '/files', ({ query }) => {
    const since = query.get('since');
    seen.push(`files ${since ?? '-'}`);
    if (since === 'lost') return { status: 404, body: {} };
    return {
      body: [{ id: since ?? '1' }],
      headers: { 'x-delta-link': `${api.url}/files?since=${since === null ? '2' : 'lost'}` },
    };
  });
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});
beforeEach(() => {
  seen = [];
});

const runOnce = async (mode: 'incremental' | 'full' = 'incremental') => {
  seen = [];
  const run = await world.sluice.start(sync, { account: 'a', input: {}, mode });
  return run.result();
};
const keptOf = async (resource: string) => {
  const { rows: found } = await world.db.pool.query<{ kept: unknown; reason: string | null }>(
    'select kept, expired_reason as reason from sluice.list where resource = $1',
    [resource],
  );
  return found[0];
};
const stored = async (): Promise<string[]> => {
  const ids: string[] = [];
  for await (const record of world.sluice.records(sync.events, { account: 'a' }))
    if (record.change === 'upsert') ids.push(record.key);
  return ids.toSorted();
};

it('a list goes on from the token of its last page or header, from run to run', async () => {
  expect(await runOnce()).toMatchObject({ complete: true, rows: 4 });
  expect(seen.toSorted()).toEqual(['events - -', 'events - p2', 'files -']);
  expect(await keptOf('calendar.events')).toMatchObject({ kept: { checkpoint: 't1' }, reason: null });
  expect(await runOnce()).toMatchObject({ complete: true, rows: 2 });
  expect(seen.toSorted()).toEqual(['events t1 -', 'files 2']);
  expect(await stored()).toEqual(['a', 'b', 'c', 'd']);
  expect(await keptOf('calendar.events')).toMatchObject({ kept: { checkpoint: 't2' } });
});

it('one that the third party has forgotten leads to a full pass by itself, which finds deletions and sets it anew', async () => {
  known = 't9';
  rows = ['a', 'c', 'e'];
  const result = await runOnce();
  expect(result).toMatchObject({ complete: true, flaws: [] });
  expect(seen.filter((line) => line.startsWith('events'))).toEqual(['events t2 -', 'events - -', 'events - p2']);
  expect(seen.filter((line) => line.startsWith('files'))).toEqual(['files lost', 'files -']);
  expect(await stored()).toEqual(['a', 'c', 'e']);
  const kept = await keptOf('calendar.events');
  expect(kept).toMatchObject({ kept: { checkpoint: 't9' } });
  expect(kept?.reason).toMatch(/HTTP 410.*no longer valid/);
  expect(await runOnce()).toMatchObject({ complete: true });
  expect(seen).toContain('events t9 -');
});

it('one that is forgotten in the middle of its list ends that list as failed, and the next run reads it from its beginning', async () => {
  api.route('GET', '/events', ({ query }) => {
    const [token, page] = [query.get('syncToken'), query.get('pageToken')];
    seen.push(`events ${token ?? '-'} ${page ?? '-'}`);
    if (token !== null)
      return page === null ? { body: { items: [{ id: 'f' }], nextPageToken: 'p2' } } : { status: 410, body: {} };
    return { body: { items: [{ id: 'a' }], nextSyncToken: (known = 't10') } };
  });
  const result = await runOnce();
  expect(result).toMatchObject({ state: 'failed', complete: false });
  expect(result.flaws[0]?.reason).toMatch(/its checkpoint has expired while it was read: HTTP 410/);
  expect(await runOnce()).toMatchObject({ complete: true });
  expect(seen).toContain('events - -');
  expect(await stored()).toEqual(['a']);
  expect(await keptOf('calendar.events')).toMatchObject({ kept: { checkpoint: 't10' } });
});

it('a full run asks without it and sets it anew', async () => {
  expect(await runOnce('full')).toMatchObject({ complete: true });
  expect(seen.filter((line) => line.startsWith('events'))).toEqual(['events - -']);
  expect(await keptOf('calendar.events')).toMatchObject({ kept: { checkpoint: 't10' } });
});

it('a cursor that dies behind one leads back to it, once, and the run is complete', async () => {
  let refusals = 1;
  const token = 't10';
  api.route('GET', '/events', ({ query }) => {
    const page = query.get('pageToken');
    seen.push(`events ${query.get('syncToken') ?? '-'} ${page ?? '-'}`);
    if (page === null) return { body: { items: [{ id: 'g' }], nextPageToken: 'p2' } };
    // As a third party says whose data has changed since its last page.
    if (refusals-- > 0) return { status: 400, body: { error: 'invalid page token' } };
    return { body: { items: [{ id: 'h' }], nextSyncToken: (known = 't11') } };
  });
  expect(await runOnce()).toMatchObject({ complete: true, flaws: [] });
  expect(seen.filter((line) => line.startsWith('events'))).toEqual(
    ['-', 'p2', '-', 'p2'].map((page) => `events ${token} ${page}`),
  );
  expect(await stored()).toEqual(['a', 'g', 'h']);
  expect(await keptOf('calendar.events')).toMatchObject({ kept: { checkpoint: 't11' } });
});

it.each(['full', 'incremental'] as const)(
  'a deletion that its rows would have told is not lost where all is read anew: a token that is forgotten, or a full run: %s',
  async (mode) => {
    let version = 2;
    api.route('GET', '/deltas', ({ query }) => {
      const token = query.get('syncToken');
      if (token === 'v1' && mode === 'incremental') return { status: 410, body: {} };
      const changes = token === null || token === `v${version}` ? [] : [{ id: 'b', deleted: true }];
      const all = version === 1 ? ['a', 'b'] : ['a'];
      return { body: { items: token === null ? all.map((id) => ({ id })) : changes, nextSyncToken: `v${version}` } };
    });
    const run = async (as: 'incremental' | 'full', on: number) => {
      version = on;
      const result = await (await world.sluice.start(deltaSync, { account: mode, input: {}, mode: as })).result();
      const keys: string[] = [];
      for await (const record of world.sluice.records(deltaSync.deltas, { account: mode }))
        if (record.change === 'upsert') keys.push(record.key);
      return { complete: result.complete, keys: keys.toSorted() };
    };
    expect(await run('incremental', 1)).toEqual({ complete: true, keys: ['a', 'b'] });
    expect(await run(mode, 2)).toEqual({ complete: true, keys: ['a'] });
    expect(await run('incremental', 2)).toEqual({ complete: true, keys: ['a'] });
  },
);

it('a list that has not changed keeps what is known, its children are visited, and it costs what the provider says', async () => {
  let tag = '"v1"';
  let names = ['x', 'y'];
  const asked: (string | undefined)[] = [];
  api.route('GET', '/labels', ({ headers }) => {
    asked.push(headers['if-none-match']);
    if (headers['if-none-match'] === tag) return { status: 304 };
    return { body: names.map((id) => ({ id })), headers: { etag: tag } };
  });
  let visits: string[] = [];
  api.route('GET', '/issues', ({ query }) => {
    visits.push(String(query.get('label')));
    return { body: [{ id: `${query.get('label')}-1` }] };
  });
  const runRepo = async (mode: 'incremental' | 'full' = 'incremental') => {
    visits = [];
    const run = await world.sluice.start(repoSync, { account: 'r', input: {}, mode });
    return run.result();
  };
  const used = async (): Promise<number> => {
    const found = await world.db.pool.query<{ used: number }>("select used from sluice.limit_bucket where key like 'repo/hour%'"); // prettier-ignore
    return found.rows[0]?.used ?? 0;
  };
  const labelsOf = async () => {
    const keys: string[] = [];
    for await (const record of world.sluice.records(repoSync.labels, { account: 'r' }))
      if (record.change === 'upsert') keys.push(record.key);
    return keys.toSorted();
  };
  expect(await runRepo()).toMatchObject({ complete: true });
  expect(await used()).toBe(3);
  expect(await runRepo()).toMatchObject({ complete: true, flaws: [] });
  expect(asked).toEqual([undefined, '"v1"']);
  expect(visits.toSorted()).toEqual(['x', 'y']);
  expect(await labelsOf()).toEqual(['x', 'y']);
  // Two calls for children; the one for labels cost nothing.
  expect(await used()).toBe(5);
  [tag, names] = ['"v2"', ['y', 'z']];
  expect(await runRepo()).toMatchObject({ complete: true });
  expect(await labelsOf()).toEqual(['y', 'z']);
  expect(await runRepo()).toMatchObject({ complete: true });
  expect(await runRepo('full')).toMatchObject({ complete: true });
  expect(asked.slice(2)).toEqual(['"v1"', '"v2"', undefined]);
  expect(await labelsOf()).toEqual(['y', 'z']);
});
