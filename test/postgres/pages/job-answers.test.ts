/** What a job's answers say against the state that its definition reads from them. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Drive } from '../../../bench/common/drive.ts';
import {
  defineProvider,
  defineSync,
  endOfData,
  get,
  noAuth,
  path,
  post,
  rules,
  status,
  when,
  type JobState,
} from '../../../providers/index.ts';
import type { FakeApi, ScriptStep } from '../../../testing/index.ts';
import { onListStage } from '../../setup/list-stage.ts';
import type { TestDatabase } from '../../setup/servers/database.ts';

interface Loose {
  readonly url?: string | null;
  readonly rows?: number;
  readonly names?: readonly string[];
}

describe('a job', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let account: string;
  onListStage((stage) => ({ api, db, drive, account } = stage));

  /** As a definition in a hurry has it: the answer of a poll may be anything. */
  const looseOf = (state: (answer: Loose) => JobState, more: object = {}) => {
    const provider = defineProvider({
      id: 'loose',
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: 3,
      timeouts: { totalMs: 2_000 }, // after which a call is not on its way any more
      classify: rules([when(status(204), endOfData())]),
    });
    const report = provider.endpoint('report', {
      input: z.object({}),
      response: z.array(z.object({ id: z.string() })),
      job: {
        submitted: z.object({ id: z.string() }),
        polled: z.any(),
        submit: (_, { key }) => post('/reports', { key }),
        id: ({ id }) => id,
        poll: (id) => get(path`/reports/${id}`),
        state,
        pollMs: { first: 20, most: 100 },
        ...more,
      },
      request: (_, page) => get(page.job.result),
      format: 'csv',
      paginate: { kind: 'single', items: (rows) => rows },
    });
    return defineSync('loose', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(report, { input: () => ({}), key: ({ id }) => id }),
    }));
  };

  it.each([
    ['an error under a status of success', { error: 'not found' }],
    ['a state that it does not know', { id: 'j1', status: 'CANCELLED' }],
  ])('that its definition takes for running is not asked for without end: %s', async (_, body) => {
    api.route('POST', '/reports', () => ({ body: { id: 'j1' } }));
    api.route('GET', '/reports/:id', () => ({ body }));
    const state = () => ({ state: 'running' }) as const;
    const result = await drive.run(looseOf(state), { account });
    expect(result).toMatchObject({ state: 'failed', calls: 4 });
    expect(result?.flaws[0]?.reason).toContain('`job.state` takes for running');
  });

  it.each<[what: string, more: object, after: ScriptStep]>([
    ['`job.id`', { id: () => ({ of: 'it' }) }, 'ok'],
    [
      '`job.whenUnknown.found`',
      { whenUnknown: { lookup: () => get('/reports/j1'), found: () => ({ of: 'it' }) } },
      '500',
    ],
  ])('whose %s gives no id fails its list and says so', async (what, more, after) => {
    api.route('POST', '/reports', () => ({ body: { id: 'j1' } }));
    api.route('GET', '/reports/:id', () => ({ body: { id: 'j1' } }));
    api.script('POST /reports', [after]);
    const state = () => ({ state: 'running' }) as const;
    const result = await drive.run(looseOf(state, more), { account });
    expect(result).toMatchObject({ state: 'failed', complete: false });
    expect(result?.flaws[0]?.reason).toContain(`${what} threw TypeError: it gave {"of":"it"} (object)`);
  });

  it.each(['POST', 'GET'])(
    'is no empty list where a rule for lists takes its answer for the end of one: %s',
    async (method) => {
      api.route('POST', '/reports', () => (method === 'POST' ? { status: 204 } : { body: { id: 'j1' } }));
      api.route('GET', '/reports/:id', () => ({ status: 204 }));
      const result = await drive.run(
        looseOf(() => ({ state: 'running' })),
        { account },
      );
      expect(result).toMatchObject({ state: 'failed', complete: false });
      expect(result?.flaws[0]?.reason).toContain('says nothing of its job');
    },
  );

  it.each([
    ['none', 1, []],
    ['one less', 1, ['a', 'b']],
  ])('whose results are fewer when they are asked for again (%s) is made anew', async (_, from, left) => {
    const all = ['a', 'b', 'c'];
    for (const name of all) api.file(`/${name}`, { format: 'csv', count: 2, rowAt: (n) => ({ id: `${name}${n}` }) });
    let made = 0;
    let polls = 0;
    api.route('POST', '/reports', () => ({ body: { id: `j${++made}` } }));
    api.route('GET', '/reports/:id', () => ({
      body: { status: 'done', names: made === 1 && ++polls > from ? left : all },
    }));
    const state = ({ names = [] }: Loose) => ({ state: 'done', results: names.map((name) => `/${name}`) }) as const;
    expect(await drive.run(looseOf(state), { account })).toMatchObject({ complete: true, rows: 6 });
    expect(made).toBe(2);
  });

  it('that is done with fewer rows than it says, or with an error, is never green', async () => {
    api.file('/a', { format: 'csv', count: 7, rowAt: (n) => ({ id: `a-${n}` }), isPublic: true });
    let answer = {};
    api.route('POST', '/reports', () => ({ body: { id: 'j1' } }));
    api.route('GET', '/reports/:id', () => ({ body: { status: 'done', url: `${api.url}/a?sig=secret`, ...answer } }));
    const state = ({ url, rows }: Loose) => ({ state: 'done', results: url ? [url] : [], rows }) as const;
    const ends: unknown[] = [];
    for (answer of [{ rows: 7 }, { rows: 30 }, { rows: 30, url: null }, { rows: 7, error: 'a shard is away' }]) {
      account = `acct-of-end-${ends.length}`;
      const result = await drive.run(looseOf(state), { account });
      ends.push([result?.complete, result?.rows, result?.flaws.map(({ kind }) => kind)]);
      const { rows } = await db.pool.query<object>('select job from sluice.unit where run_id = $1', [
        drive.lastRunId(),
      ]);
      expect(JSON.stringify(rows)).not.toContain('secret');
    }
    expect(ends).toEqual([
      [true, 7, []],
      [false, 7, ['truncated']],
      [false, 0, ['truncated']],
      [false, 7, ['flawed']],
    ]);
  });

  it.each([
    ['a failure of the server', { status: 500, body: { error: 'oops' } }],
    ['an error under a status of success', { body: { error: { code: 'EXPIRED', message: 'this file has expired' } } }],
  ])('that is done, and whose file is never read, fails its list within the attempts: %s', async (_, answer) => {
    let reads = 0;
    api.route('POST', '/reports', () => ({ body: { id: 'j1' } }));
    api.route('GET', '/reports/:id', () => ({ body: { status: 'done', url: `${api.url}/a` } }));
    api.route('GET', '/a', () => {
      reads++;
      return answer;
    });
    const state = ({ url }: Loose) => ({ state: 'done', results: url ? [url] : [] }) as const;
    expect(await drive.run(looseOf(state), { account })).toMatchObject({
      state: 'failed',
      flaws: [{ kind: 'failed' }],
    });
    expect(reads).toBe(3);
  });
});
