/** Runs that start by themselves: who is started, what is joined, what a kill leaves, and what applying changes. */
import { WITHOUT_TRACING } from '../../../client/tracing/trace-starts.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RemovesMany } from '../../../client/index.ts';
import { startDue } from '../../../client/sync/start-due.ts';
import { claimDue } from '../../../db/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { hourly, nightly } from '../../fixtures/scheduled.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { built } from '../../setup/programs/programs.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

let api: FakeApi;
let world: World;
const LEASE_MS = 3_000;

beforeAll(async () => {
  api = await startForestApi({ friends: 12 });
  world = await createWorld([hourly, nightly], {
    schedules: true,
    scheduler: { leaseMs: LEASE_MS, intervalMs: 300, placeIntervalMs: 1_000 },
  });
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});

const query = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  (await world.db.pool.query<Row>(sql, values)).rows;
const connectAccount = (account: string) =>
  world.sluice.accounts.connect({ provider: 'forest', account, settings: {} });
const dueRow = async (account: string, schedule = 'hourly') =>
  (
    await query<{ outcome: string | null; parked: boolean; inMs: number; caught: boolean; start: string | null }>(
      `select last_outcome as outcome, is_parked as parked, is_catch_up as caught, start_id as start,
         (extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as "inMs"
       from sluice.due where schedule = $1 and account = $2`,
      [schedule, account],
    )
  )[0];
const makeDue = (account: string, lateMs = 0, schedule = 'hourly') =>
  query(
    `update sluice.due set last_outcome = null, due_at = clock_timestamp() - make_interval(secs => $3 / 1000.0) where schedule = $1 and account = $2`,
    [schedule, account, lateMs],
  );
const runsOf = async (account: string, sync = 'hourly') =>
  query<{ state: string }>('select state from sluice.run where account = $1 and sync = $2 order by started_at', [
    account,
    sync,
  ]);
/** Its own time may be in this minute: it is put off. */
const placed = async (account: string) => {
  await expect.poll(() => dueRow(account), { timeout: 20_000 }).toBeDefined();
  await query(`update sluice.due set due_at = clock_timestamp() + interval '30 min' where account = $1`, [account]);
};
const settled = (account: string, outcome: string, schedule?: string) =>
  expect.poll(async () => (await dueRow(account, schedule))?.outcome, { timeout: 15_000 }).toBe(outcome);
/** Its next call fails late: there is time to pause its run. */
const holdUp = (id: string) => api.script(`/users/${id}/friends`, [{ delayMs: 500, status: 500, body: {} }]);
const cli = (...args: string[]) =>
  command(args, {
    DATABASE_URL: world.db.url,
    TEMPORAL_ADDRESS: temporalAddress(),
    SLUICE_TASK_QUEUE: world.taskQueue,
  });

describe('a schedule', () => {
  it('starts a run for each connected account, joins one that a person has started, and leaves out who must connect again', async () => {
    for (const account of ['s1', 's2', 's3', 's4']) await connectAccount(account);
    for (const account of ['s1', 's2', 's3', 's4']) await placed(account);
    holdUp('s2');
    const manual = await world.sluice.start(hourly, { account: 's2', input: { id: 's2' }, startedBy: 'user:7' });
    await manual.pause();
    await expect.poll(() => runsOf('s2')).toEqual([{ state: 'paused' }]);
    // Nobody has told the schedule yet that this one is not connected any more.
    await query(`update sluice.account set status = 'needs_reconnect', reason = 'revoked' where account = 's3'`);
    for (const account of ['s1', 's2', 's3']) await makeDue(account);
    await settled('s1', 'started');
    await settled('s2', 'joined');
    await expect.poll(async () => (await runsOf('s1'))[0]?.state).toBe('done');
    expect(await runsOf('s2')).toEqual([{ state: 'paused' }]);
    await manual.resume();
    expect(await manual.result()).toMatchObject({ complete: true });
    const [first] = await world.sluice.accounts.show({ account: 's1' });
    const next = first?.syncs.find(({ sync }) => sync === 'hourly')?.nextRunAt ?? '';
    expect(Date.parse(next) - Date.now()).toBeGreaterThan(0);
    expect(Date.parse(next) - Date.now()).toBeLessThanOrEqual(3_600_000);

    await expect.poll(async () => (await dueRow('s3'))?.parked, { timeout: 20_000 }).toBe(true);
    expect(await runsOf('s3')).toEqual([]);
    expect(await runsOf('s4')).toEqual([]);
    // It was due while it was not connected.
    await connectAccount('s3');
    await settled('s3', 'started');
    await world.sluice.accounts.disconnect({ provider: 'forest', account: 's3' });
    await expect.poll(() => dueRow('s3'), { timeout: 20_000 }).toBeUndefined();
  });

  it('with another run in the way waits for its end, and is one run of its own then', async () => {
    await connectAccount('w1');
    await expect.poll(() => dueRow('w1', 'nightly/daily'), { timeout: 20_000 }).toBeDefined();
    holdUp('w1');
    const manual = await world.sluice.start(nightly, { account: 'w1', input: { id: 'w1' } });
    await manual.pause();
    await expect.poll(() => runsOf('w1', 'nightly')).toEqual([{ state: 'paused' }]);
    await makeDue('w1', 0, 'nightly/daily');
    await settled('w1', 'busy', 'nightly/daily');
    await manual.resume();
    await manual.result();
    await makeDue('w1', 0, 'nightly/daily');
    await settled('w1', 'started', 'nightly/daily');
    await expect.poll(() => runsOf('w1', 'nightly')).toEqual([{ state: 'done' }, { state: 'done' }]);
  });

  it('comes back within seconds for a run that was cancelled and has not ended, and waits for none of them in place', async () => {
    await connectAccount('e1');
    await placed('e1');
    const cancelled = await world.temporal.workflow.start('sync', {
      workflowId: 'sync/hourly/e1',
      taskQueue: `nobody-${world.taskQueue}`,
      args: [{ sync: 'hourly', account: 'e1', input: { id: 'e1' } }],
    });
    await cancelled.cancel();
    await makeDue('e1');
    await settled('e1', 'busy');
    const later = await dueRow('e1');
    // A run that goes on is looked at again after 30 s.
    expect(later?.inMs).toBeLessThanOrEqual(5_000);
    expect(later?.caught).toBe(true);
    await cancelled.terminate();
    await settled('e1', 'started');
  });

  it('loses nothing and starts nothing twice when its worker is killed before the start, or between the start and its note', async () => {
    for (const account of ['k1', 'k2']) await connectAccount(account);
    for (const account of ['k1', 'k2']) await placed(account);
    const parts = {
      client: world.temporal,
      pool: world.db.pool,
      taskQueue: world.taskQueue,
      tracer: WITHOUT_TRACING,
      startedBy: 'system' as const,
      closing: new AbortController().signal,
    };
    // What a worker does that is killed then. The one that serves is asked all the time, and may be first.
    const claimed = async (account: string) => {
      for (;;) {
        await makeDue(account);
        const claim = { schedules: ['hourly'], taskQueue: world.taskQueue, room: 10, leaseMs: LEASE_MS };
        const mine = (await claimDue(world.db.pool, claim)).find((due) => due.account === account);
        if (mine) return mine;
      }
    };
    await claimed('k1');
    const before = await runsOf('k1');
    const half = await claimed('k2');
    const ofBefore = (await runsOf('k2')).length;
    expect(await startDue(parts, hourly, { account: 'k2', input: { id: 'k2' } }, half.startId)).toBe('started');
    await world.sluice.run({ sync: hourly, account: 'k2' }).result();
    await settled('k1', 'started');
    await settled('k2', 'started');
    await expect.poll(async () => (await runsOf('k1')).length).toBe(before.length + 1);
    expect(await runsOf('k2')).toHaveLength(ofBefore + 1);
    expect(await dueRow('k2')).toMatchObject({ start: null, caught: false });
  });

  it('makes up for an outage of hours with one run, spread and not at once', async () => {
    await connectAccount('o1');
    await expect.poll(() => dueRow('o1', 'nightly/daily'), { timeout: 20_000 }).toBeDefined();
    await makeDue('o1', 50 * 3_600_000, 'nightly/daily');
    await settled('o1', 'missed', 'nightly/daily');
    expect(await runsOf('o1', 'nightly')).toEqual([]);
    const late = await dueRow('o1', 'nightly/daily');
    expect(late?.inMs).toBeLessThanOrEqual(3_600_000);
    await makeDue('o1', 0, 'nightly/daily');
    await settled('o1', 'started', 'nightly/daily');
    await expect.poll(() => runsOf('o1', 'nightly')).toHaveLength(1);
    expect((await dueRow('o1', 'nightly/daily'))?.caught).toBe(false);
  });

  it('is planned, applied, paused and listed by command; a mass removal wants --yes, and other task queues are left alone', async () => {
    const module = ['--module', built('test/fixtures/scheduled.ts')];
    const same = await cli('schedules', 'plan', ...module);
    expect(same).toMatchObject({ code: 0, output: expect.stringContaining('  schedule hourly: every 1 h') as string });
    await query(
      `insert into sluice.declaration (kind, id, sync, provider, task_queue, spec)
       select 'schedule', 'theirs', 'theirs', 'forest', 'of-others', spec from sluice.declaration where id = 'hourly' limit 1`,
    );
    const none = built('test/fixtures/forest.ts');
    const planned = await cli('schedules', 'plan', '--module', none);
    expect(planned.code).toBe(1);
    expect(planned.output).toContain('- schedule nightly/daily: daily at 03:00 Europe/Berlin, spread over 1 h');
    const refused = await cli('schedules', 'apply', '--module', none);
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('This would remove schedule hourly, schedule nightly/daily, freshness hourly');
    await expect(world.sluice.schedules.apply([])).rejects.toThrow(RemovesMany);
    expect(await world.sluice.schedules.list()).toHaveLength(3);

    expect((await cli('schedules', 'pause', 'hourly', '--why', 'a sale')).output).toBe('hourly: paused\n');
    const before = await runsOf('s4');
    await makeDue('s4');
    await makeDue('w1', 0, 'nightly/daily');
    await settled('w1', 'started', 'nightly/daily');
    expect(await runsOf('s4')).toEqual(before);
    const listed = await cli('schedules', 'list');
    expect(listed.output).toMatch(/\nnightly\/daily {2}daily at 03:00 Europe\/Berlin, .*; \d+ accounts?; .*next 20/);
    expect(listed.output).toMatch(/^hourly {2}every 1 h; \d+ accounts; .*paused since 20\S+: a sale\n {2}\d account/);
    expect((await cli('schedules', 'pause', 'hourli')).output).toMatch(
      /no schedule "hourli"; there are hourly, nightly/,
    );
    await cli('schedules', 'resume', 'hourly');
    await settled('s4', 'started');

    const removed = await cli('schedules', 'apply', '--module', none, '--yes');
    expect(removed.code).toBe(0);
    expect((await world.sluice.schedules.list()).map(({ id }) => id)).toEqual(['theirs']);
    expect(await query('select 1 from sluice.due')).toEqual([]);
    // A worker that is not asked to changes nothing, and says what differs.
    const warnings: string[] = [];
    const note = (_: object, message: string) => void warnings.push(message);
    const log = { info: () => {}, warn: note, error: note };
    await (await world.startWorker({ schedules: false, log })).stop();
    expect(warnings.join()).toContain(
      'schedules differ from the code: 3 declarations not in force yet; `npx sluice schedules plan`',
    );
    expect(await world.sluice.schedules.list()).toHaveLength(1);
    const added = await cli('schedules', 'apply', ...module, '--json');
    expect((JSON.parse(added.output) as { changes: { change: string }[] }).changes.map(({ change }) => change)).toEqual(
      ['added', 'added', 'added'],
    );
  });

  it('of 10,000 accounts is in force at once, and no minute of its hour has more than one and a half times its share', async () => {
    await query(`delete from sluice.account`);
    await query(
      `insert into sluice.account (provider, account) select 'forest', 'many-' || n from generate_series(1, 10000) n`,
    );
    await world.sluice.schedules.pause('hourly');
    const from = performance.now();
    await world.sluice.schedules.apply([hourly, nightly]);
    const tookMs = performance.now() - from;
    console.log(`10,000 accounts of two schedules: ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(120_000);
    const [hour] = await query<{ worst: number; minutes: number; accounts: number }>(
      `select max(count)::int as worst, count(*)::int as minutes, sum(count)::int as accounts from (
         select date_trunc('minute', due_at), count(*) from sluice.due where schedule = 'hourly' group by 1) m`,
    );
    expect(hour?.accounts).toBe(10_000);
    expect(hour?.minutes).toBeLessThanOrEqual(61);
    expect(hour?.worst).toBeLessThan((10_000 / 60) * 1.1);

    // Half of them leave and as many come: who stays keeps its place, and nobody else's.
    const placesOf = async (): Promise<Map<string, number>> =>
      new Map(
        (
          await query<{ account: string; place: number }>(
            `select account, place from sluice.due where schedule = 'hourly'`,
          )
        ).map(({ account, place }) => [account, place]),
      );
    const before = await placesOf();
    // In one statement: the worker follows what it sees, each second.
    await query(
      `with gone as (delete from sluice.account where account like 'many-%' and right(account, 1) in ('1', '3', '5', '7', '9'))
       insert into sluice.account (provider, account) select 'forest', 'new-' || n from generate_series(1, 5000) n`,
    );
    await world.sluice.schedules.apply([hourly, nightly]);
    const after = await placesOf();
    const stayed = [...after].filter(([account]) => before.has(account));
    expect([stayed.length, after.size]).toEqual([5_000, 10_000]);
    expect(new Set(after.values()).size).toBe(10_000);
    expect(Math.max(...after.values())).toBe(9_999);
    expect(stayed.filter(([account, place]) => before.get(account) !== place)).toEqual([]);
    // And when nobody comes, those with the highest places move down until it is even again.
    await query(`delete from sluice.account where account like 'many-%'`);
    await world.sluice.schedules.apply([hourly, nightly]);
    const [rest] = await query<{ worst: number; accounts: number }>(
      `select max(count)::int as worst, sum(count)::int as accounts from (
         select count(*) from sluice.due where schedule = 'hourly' group by date_trunc('minute', due_at)) m`,
    );
    expect(rest?.accounts).toBe(5_000);
    expect(rest?.worst).toBeLessThan((5_000 / 60) * 1.5);
  });
});
