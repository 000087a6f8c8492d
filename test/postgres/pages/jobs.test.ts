/** Lists that have to be ordered: a job is made, asked for until it is done, and its results are read. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Drive } from '../../../bench/common/drive.ts';
import type { UnitJob } from '../../../contracts/job.ts';
import { setJob } from '../../../db/stores/sync/job-store.ts';
import { defineProvider, defineSync, del, get, noAuth, path, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { onListStage } from '../../setup/list-stage.ts';
import type { TestDatabase } from '../../setup/servers/database.ts';

type Options = {
  readonly whenUnknown?: 'submit-again' | 'look-up';
  readonly maxJobs?: number;
  readonly longestMs?: number;
  readonly openHosts?: readonly string[];
};

describe('a job', () => {
  let api: FakeApi;
  /** Where results are kept. */
  let files: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let account: string;
  onListStage((stage) => ({ api, db, drive, account } = stage));
  beforeEach(async () => {
    files = await startFakeApi();
  });
  afterEach(() => files.stop());

  const Status = z.object({
    id: z.string(),
    status: z.enum(['running', 'done', 'failed', 'expired']),
    results: z.array(z.string()).optional(),
    error: z.string().optional(),
  });
  const jobOf = ({ whenUnknown, maxJobs, longestMs }: Options) =>
    ({
      submitted: z.object({ id: z.string().optional(), busy: z.boolean().optional() }),
      polled: Status,
      submit: (_: unknown, { key }: { key: string }) => post('/reports', { key }),
      id: (answer: { id?: string | undefined }) => answer.id,
      isBusy: (answer: { busy?: boolean | undefined }) => answer.busy === true,
      poll: (id: string) => get(path`/reports/${id}`),
      state: ({ status, results, error }: z.output<typeof Status>) => ({ state: status, results, reason: error }),
      pollMs: { first: 20, most: 100 },
      ...(maxJobs === undefined ? {} : { maxJobs }),
      ...(longestMs === undefined ? {} : { longestMs, cancel: (id: string) => del(path`/reports/${id}`) }),
      ...(whenUnknown === undefined
        ? {}
        : {
            whenUnknown:
              whenUnknown === 'submit-again'
                ? whenUnknown
                : {
                    lookup: (_: unknown, { key }: { key: string }) => get('/reports', { key }),
                    found: (answer: unknown) => (answer as { jobs: { id: string }[] }).jobs[0]?.id,
                  },
          }),
    }) as const;
  /** Results are files of rows at addresses that the job tells. */
  const exportsOf = (options: Options = {}) => {
    const provider = defineProvider({
      id: 'reports',
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [window('submits', { by: ['app'], max: 100, perMs: 1_000, endpoints: ['report.submit'] })],
      maxAttempts: 3,
      headers: { authorization: 'Bearer of-the-provider' },
    });
    const report = provider.endpoint('report', {
      input: z.object({}),
      response: z.array(z.object({ id: z.string() })),
      job: jobOf(options),
      request: (_, page) => get(page.job.result),
      format: 'csv',
      paginate: { kind: 'single', items: (rows) => rows },
      openHosts: options.openHosts ?? [new URL(files.url).host],
      totalTimeoutMs: 400,
    });
    return defineSync('reports', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(report, { input: () => ({}), key: ({ id }) => id }),
    }));
  };
  const serveFile = (name: string, count = 10) =>
    files.file(`/${name}`, {
      format: 'csv',
      count,
      rowAt: (n) => ({ id: `${name}-${n}` }),
      isPublic: true,
      gzip: true,
    });
  const run = (options: Options = {}) => drive.run(exportsOf(options), { account });
  const stored = async (): Promise<string[]> =>
    (
      await db.pool.query<{ key: string }>('select key from sluice.record where account = $1 order by key', [account])
    ).rows.map(({ key }) => key);
  const jobRow = async () =>
    (await db.pool.query('select job, attempts, position from sluice.unit where run_id = $1', [drive.lastRunId()]))
      .rows[0] as { job: { state: string; parts: number } };

  it('is made once and asked for until it is done; its parts are read elsewhere without credentials', async () => {
    serveFile('a');
    serveFile('b', 3);
    const jobs = api.jobs('/reports', { polls: 3, results: () => [`${files.url}/a?sig=1`, `${files.url}/b`] });
    // One call to make it, four that ask, two files; and, where a new process reads the second, one that asks for its address.
    expect(await run()).toMatchObject({ state: 'done', complete: true, rows: 13, calls: 8 });
    expect(jobs.made()).toHaveLength(1);
    expect(await stored()).toHaveLength(13);
    expect(await jobRow()).toMatchObject({ job: { state: 'done', parts: 2 }, attempts: 0 });
    // An address that lets anybody in is written down nowhere.
    const { rows } = await db.pool.query("select 1 from sluice.unit where to_jsonb(unit)::text like '%sig=%'");
    expect(rows).toEqual([]);
  });

  it('is moved on by one of two workers that have seen the same, who may say it twice', async () => {
    api.jobs('/reports', { polls: 1_000 });
    await drive.run(exportsOf(), { account, maxCalls: 1 });
    const { rows } = await db.pool.query<{ id: string; run_id: string; node: string; pages: number; job: UnitJob }>(
      'select id, run_id, node, pages, job from sluice.unit where run_id = $1',
      [drive.lastRunId()],
    );
    const { id, run_id: ofRun, node, pages, job: was } = rows[0]!;
    const { n, key } = was;
    const move = (change: number) =>
      setJob(
        db.pool,
        { unit: Number(id), run: ofRun, node, pages, change },
        { was, now: { n, key, state: 'none' }, calls: 0, delayMs: null, why: null },
      );
    expect(was).toMatchObject({ state: 'made' });
    const moved = await move(1);
    expect(moved).toMatchObject({ n, key, state: 'none' });
    expect(await move(2)).toBeUndefined();
    expect(await move(1)).toEqual(moved);
  });

  it('that brings nothing ends its list as complete, without a call', async () => {
    api.jobs('/reports', { results: () => [] });
    expect(await run()).toMatchObject({ state: 'done', complete: true, rows: 0, calls: 3 });
    expect(files.report().calls).toBe(0);
  });

  it('is asked for when the third party says, and meanwhile costs no attempt', async () => {
    serveFile('a');
    api.jobs('/reports', { polls: 5, askAgainSeconds: 1, results: () => [`${files.url}/a`] });
    const startedAt = performance.now();
    // More questions than there are attempts.
    expect(await run()).toMatchObject({ complete: true, calls: 8 });
    expect(performance.now() - startedAt).toBeGreaterThan(5_000);
  });

  it('that fails, expires or is forgotten is made anew, as often as its definition says', async () => {
    serveFile('a');
    const ends = ['failed', 'gone', 'done'] as const;
    const jobs = api.jobs('/reports', { ends: ({ number }) => ends[number - 1]!, results: () => [`${files.url}/a`] });
    expect(await run()).toMatchObject({ complete: true, rows: 10 });
    expect(jobs.made()).toHaveLength(3);
    expect(new Set(jobs.made().map(({ key }) => key)).size).toBe(3);
  });

  it('that is not there yet where it is asked for is waited for, and no second one is made', async () => {
    serveFile('a');
    const jobs = api.jobs('/reports', { results: () => [`${files.url}/a`] });
    api.script('GET /reports/:id', [
      { status: 404, body: {} },
      { status: 404, body: {} },
    ]);
    expect(await run()).toMatchObject({ complete: true, rows: 10 });
    expect(jobs.made()).toHaveLength(1);
  });

  it('that always fails fails its list with the reason', async () => {
    const jobs = api.jobs('/reports', { ends: () => 'failed' });
    expect(await run({ maxJobs: 2 })).toMatchObject({
      state: 'failed',
      flaws: [expect.objectContaining({ reason: '2 jobs have failed, the last one: it has failed' })],
    });
    expect(jobs.made()).toHaveLength(2);
  });

  it('whose address has grown old has it told anew; whose file is gone is made anew', async () => {
    serveFile('b');
    const answers = [403, 403, 404];
    files.route('GET', '/a', () => ({
      status: answers.shift() ?? 404,
      body: 'Request has expired',
      headers: { 'content-type': 'text/plain' },
    }));
    const jobs = api.jobs('/reports', { results: ({ number }) => [`${files.url}/${number === 1 ? 'a' : 'b'}`] });
    expect(await run()).toMatchObject({ complete: true, rows: 10 });
    expect(jobs.made()).toHaveLength(2);
    expect(jobs.made()[0]!.polls).toBeGreaterThan(3);
  });

  it.each<[what: string, results: (asked: number) => string[]]>([
    [
      'in another order',
      (asked) => (asked === 0 ? ['a', 'b', 'c'] : ['c', 'a', 'b']).map((name) => `${name}?sig=${asked}`),
    ],
    ['at addresses of this time', (asked) => ['a', 'b', 'c'].map((name) => `${asked}/${name}`)],
    [
      'at addresses that differ by their queries',
      (asked) => ['a', 'b', 'c'].map((name) => `file?name=${name}&sig=${asked}`),
    ],
  ])('whose results come %s when it is asked again brings every row of them', async (_what, results) => {
    const rows = { a: 4, b: 3, c: 2 };
    const serve = (name: string) => ({
      body: ['id', ...Array.from({ length: rows[name as 'a'] }, (__, n) => `${name}-${n}`)].join('\n'),
      headers: { 'content-type': 'text/csv' },
    });
    files.route('GET', '/:name', (_, { name }) => serve(name));
    files.route('GET', '/:asked/:name', (_, { name }) => serve(name));
    files.route('GET', '/file', ({ query }) => serve(query.get('name') ?? ''));
    let asked = 0;
    const jobs = api.jobs('/reports', {
      polls: 0,
      results: () => results(asked++).map((name) => `${files.url}/${name}`),
    });
    expect(await run()).toMatchObject({ complete: true, flaws: [], rows: 9 });
    expect(asked).toBeGreaterThan(1);
    expect(jobs.made()).toHaveLength(1);
    expect(await stored()).toHaveLength(9);
  });

  it('some of whose results are others when it is asked again is made anew', async () => {
    for (const name of ['a', 'b', 'c', 'd']) serveFile(name);
    let asked = 0;
    const jobs = api.jobs('/reports', {
      polls: 0,
      results: () => (asked++ === 0 ? ['a', 'b', 'c'] : ['a', 'd', 'c']).map((name) => `${files.url}/${name}`),
    });
    expect(await run()).toMatchObject({ complete: true, rows: 30 });
    expect(jobs.made()).toHaveLength(2);
  });

  it('that takes too long is cancelled once, also where the answer to that is lost, and made anew', async () => {
    serveFile('a');
    const polls = [1_000, 1_000, 0];
    let number = 0;
    const jobs = api.jobs('/reports', { polls: 1_000, results: () => [`${files.url}/a`] });
    api.script('DELETE /reports/:id', ['reset-after', 'ok']);
    api.route('GET', '/reports/:id', (_, { id }) => {
      number = Number(id.slice(4));
      const status = polls[number - 1] === 0 ? 'done' : 'running';
      return { body: { id, status, ...(status === 'done' ? { results: [`${files.url}/a`] } : {}) } };
    });
    expect(await run({ longestMs: 200 })).toMatchObject({ complete: true, rows: 10 });
    expect(jobs.made().map(({ cancels }) => cancels)).toEqual([1, 1, 0]);
  });

  it('waits behind another one without an attempt where the third party allows no two', async () => {
    serveFile('a');
    const jobs = api.jobs('/reports', { most: 0 });
    expect(await drive.run(exportsOf(), { account, maxCalls: 6 })).toBeUndefined();
    expect(jobs.made()).toHaveLength(0);
    expect(await jobRow()).toMatchObject({ job: { state: 'none' }, attempts: 0 });
  });

  it.each(['submit-again', 'look-up'] as const)('whose answer is lost is not made twice: %s', async (whenUnknown) => {
    serveFile('a');
    const jobs = api.jobs('/reports', {
      honoursKeys: whenUnknown === 'submit-again',
      results: () => [`${files.url}/a`],
    });
    api.script('POST /reports', ['reset-after']);
    expect(await run({ whenUnknown })).toMatchObject({ complete: true, rows: 10 });
    expect(jobs.made()).toHaveLength(1);
  });

  it('that a look-up does not find is made', async () => {
    serveFile('a');
    const jobs = api.jobs('/reports', { results: () => [`${files.url}/a`] });
    api.script('POST /reports', ['504']);
    expect(await run({ whenUnknown: 'look-up' })).toMatchObject({ complete: true, rows: 10 });
    expect(jobs.made()).toHaveLength(1);
  });

  it('that a look-up does not find on one page of several fails its list, and is not made twice', async () => {
    const jobs = api.jobs('/reports', { honoursKeys: false });
    api.route('GET', '/reports', () => ({ body: { jobs: [], next_cursor: 'x' } }));
    api.script('POST /reports', ['reset-after']);
    expect(await run({ whenUnknown: 'look-up' })).toMatchObject({
      state: 'failed',
      flaws: [
        expect.objectContaining({ reason: expect.stringMatching(/not known whether its job was made.*next page/) }),
      ],
    });
    expect(jobs.made()).toHaveLength(1);
  });

  it('of which nobody can say whether it was made fails its list, and is not made twice', async () => {
    const jobs = api.jobs('/reports', {});
    api.script('POST /reports', ['reset-after']);
    expect(await run()).toMatchObject({
      state: 'failed',
      flaws: [
        expect.objectContaining({ reason: expect.stringMatching(/not known whether its job was made.*retryFailed/) }),
      ],
    });
    expect(jobs.made()).toHaveLength(1);
  });

  it('whose result is on a host that was not named is not read there', async () => {
    serveFile('a');
    api.jobs('/reports', { results: () => [`${files.url}/a`] });
    expect(await run({ openHosts: ['files.example'] })).toMatchObject({
      state: 'failed',
      flaws: [expect.objectContaining({ reason: expect.stringMatching(/credentials are not sent to other origins/) })],
    });
    expect(files.report().calls).toBe(0);
  });

  it('is read by its id in pages, with a locator in a header', async () => {
    api.jobs('/jobs', {});
    const asked: string[] = [];
    api.route('GET', '/jobs/:id/results', ({ query }, { id }) => {
      const at = Number(query.get('locator') ?? 0);
      asked.push(`${id} ${at}`);
      return {
        headers: { 'content-type': 'text/csv', 'sforce-locator': at < 2 ? String(at + 1) : 'null' },
        body: `Id\n${at}\n`,
      };
    });
    const provider = defineProvider({ id: 'bulk', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const query = provider.endpoint('query', {
      input: z.object({ soql: z.string() }),
      response: z.array(z.object({ Id: z.string() })),
      job: {
        submitted: z.object({ id: z.string() }),
        polled: z.object({ status: z.string() }),
        submit: ({ soql }) => post('/jobs', { operation: 'query', query: soql }),
        id: (answer) => answer.id,
        poll: (id) => get(path`/jobs/${id}`),
        state: ({ status }) => (status === 'done' ? { state: 'done' } : { state: 'running', askAgainMs: 10 }),
        pollMs: { first: 10 },
      },
      request: (_, page) => get(path`/jobs/${page.job.id}/results`, { locator: page.cursor }),
      format: 'csv',
      paginate: {
        kind: 'cursor',
        items: (rows) => rows,
        next: (_, { headers }) => (headers['sforce-locator'] === 'null' ? null : headers['sforce-locator']),
      },
    });
    const sync = defineSync('bulk', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(query, { input: () => ({ soql: 'select Id from Account' }), key: ({ Id }) => Id }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 3, calls: 6 });
    expect(asked).toEqual(['job-1 0', 'job-1 1', 'job-1 2']);
  });
});
