/** Jobs whose lists have ended without them, as a worker cancels them. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createHttpSender, leaveNext, type ActivityDeps } from '../../../activities/index.ts';
import type { Drive } from '../../../bench/common/drive.ts';
import { createLimiter } from '../../../limiter/index.ts';
import { bearer, defineProvider, defineSync, del, get, noAuth, path, post } from '../../../providers/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { onListStage } from '../../setup/list-stage.ts';
import type { TestDatabase } from '../../setup/servers/database.ts';

describe('a job whose list has ended without it', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let account: string;
  onListStage((stage) => ({ api, db, drive, account } = stage));

  const reports = (cancel: (id: string) => ReturnType<typeof del>, auth = noAuth()) => {
    const provider = defineProvider({ id: 'left', baseUrl: () => api.url, auth, limits: [] });
    const report = provider.endpoint('report', {
      input: z.object({}),
      response: z.array(z.object({ id: z.string() })),
      job: {
        submitted: z.object({ id: z.string() }),
        polled: z.object({ status: z.string() }),
        submit: () => post('/reports', {}),
        id: ({ id }) => id,
        poll: (id) => get(path`/reports/${id}`),
        state: () => ({ state: 'running' }),
        cancel,
      },
      request: () => get('/never'),
      format: 'csv',
      paginate: { kind: 'single', items: (rows) => rows },
    });
    return defineSync('left', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(report, { input: () => ({}), key: ({ id }) => id }),
    }));
  };
  const remove = (id: string) => del(path`/reports/${id}`);
  const warned: unknown[] = [];

  /** Its list fails while the job is at work, in a run that began long ago. @returns what a worker does about it. */
  const leaving = async (sync: ReturnType<typeof reports>) => {
    const jobs = api.jobs('/reports', { polls: 1_000 });
    await drive.run(reports(remove), { account, maxCalls: 1 });
    const run = drive.lastRunId();
    await db.pool.query(`update sluice.unit set end_kind = 'failed', state = 'failed' where run_id = $1`, [run]);
    await db.pool.query(`update sluice.run set started_at = started_at - interval '3 days' where id = $1`, [run]);
    const http = createHttpSender();
    const deps = {
      pool: db.pool,
      http,
      limiter: createLimiter({ pool: db.pool }),
      syncNamed: () => sync.definition,
      credentials: { get: () => Promise.resolve(undefined) },
      egress: 'default',
      log: { info: () => {}, error: () => {}, warn: (facts: unknown) => warned.push(facts) },
    } as unknown as ActivityDeps;
    const job = async () =>
      (await db.pool.query<{ job: object }>('select job from sluice.unit where run_id = $1', [run])).rows[0]?.job;
    return { jobs, job, next: () => leaveNext(deps, ['left.rows']), end: () => http.close() };
  };

  it('is cancelled once, however long ago its run began', async () => {
    const { jobs, job, next, end } = await leaving(reports(remove));
    expect([await next(), await next()]).toEqual([true, false]);
    expect(jobs.made().map(({ cancels }) => cancels)).toEqual([1]);
    expect(await job()).toMatchObject({ state: 'left', said: 'cancelled' });
    await end();
  });

  it('is given up where its definition throws, in words that can be stored and tell no secret', async () => {
    const sync = reports(() => {
      throw new Error('no \0 such Bearer abcdefghijklmnopqrstuvwxyz0123456789');
    });
    const { jobs, job, next, end } = await leaving(sync);
    expect([await next(), await next()]).toEqual([true, false]);
    expect(jobs.made().map(({ cancels }) => cancels)).toEqual([0]);
    expect(await job()).toMatchObject({ state: 'left', said: expect.stringContaining('[removed]') });
    expect(JSON.stringify([warned, await job()])).not.toMatch(/abcdefghijk|\\u0000/);
    await end();
  });

  it('waits, a minute at a time, for an account that must be connected again, and is no error', async () => {
    const { jobs, job, next, end } = await leaving(reports(remove, bearer()));
    const before = Date.now();
    expect([await next(), await next()]).toEqual([true, false]);
    expect(await job()).toMatchObject({ state: 'made' });
    expect(((await job()) as { after: number }).after).toBeGreaterThanOrEqual(before + 60_000);
    expect(jobs.made().map(({ cancels }) => cancels)).toEqual([0]);
    await end();
  });
});
