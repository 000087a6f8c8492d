/** A worker that is killed while it carries out a fleet, or while it starts one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rootKeysOf } from '../../../activities/index.ts';
import { fleetWorkflowId } from '../../../contracts/names.ts';
import { claimDue, openFleet } from '../../../db/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { monthly } from '../../fixtures/monthly.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { replay } from '../../setup/replay.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';
import { createWorld, type World } from '../../setup/world.ts';

const FRIENDS = 12;
/** Of ten rows each. */
const PAGES = 2;
/** Calls of a fleet at once. */
const WINDOW = 40;

describe('a fleet whose worker is killed', () => {
  let api: FakeApi;
  let world: World;
  const workers: WorkerProcess[] = [];
  const startWorker = async (): Promise<void> => {
    const { taskQueue, db } = world;
    const env = { FOREST_URL: api.url };
    workers.push(await startWorkerProcess({ module: 'monthly.ts', databaseUrl: db.url, taskQueue, env }));
  };
  const query = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await world.db.pool.query<Row>(sql, values)).rows;
  const placed = async (name: string, count: number): Promise<string[]> => {
    const accounts = Array.from({ length: count }, (_, n) => `${name}-${n}`);
    await query(`insert into sluice.account (provider, account) select 'forest', unnest($1::text[])`, [accounts]);
    await world.sluice.schedules.apply([monthly]);
    return accounts;
  };
  const makeDue = (accounts: readonly string[]) =>
    query('update sluice.due set due_at = clock_timestamp() where account = any ($1)', [accounts]);
  const runsOf = (accounts: readonly string[]) =>
    query<{ account: string; state: string; fleet: string | null; rows: number }>(
      `select r.account, r.state, r.fleet, n.rows::int from sluice.run r join sluice.node n on n.run_id = r.id
       where r.account = any ($1)`,
      [accounts],
    );
  const allDone = (accounts: readonly string[]) =>
    expect
      .poll(async () => (await runsOf(accounts)).filter(({ state }) => state === 'done').length, { timeout: 120_000 })
      .toBe(accounts.length);

  beforeAll(async () => {
    world = await createWorld([], { workers: 0 });
    api = await startForestApi({ friends: FRIENDS, latencyMs: 20 });
    await startWorker();
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill()));
    await world?.end();
    await api?.stop();
  });

  it('goes on at another one: each account has one run, and at most the calls in hand are repeated', async () => {
    const accounts = await placed('kill', 150);
    const before = api.report().calls;
    const calls = () => api.report().calls - before;
    await makeDue(accounts);
    let kills = 0;
    for (const threshold of [60, 180]) {
      await expect.poll(calls, { timeout: 60_000, interval: 10 }).toBeGreaterThan(threshold);
      await workers.shift()?.kill();
      kills++;
      await startWorker();
    }
    await allDone(accounts);
    const runs = await runsOf(accounts);
    expect(runs).toHaveLength(accounts.length);
    expect(runs.every(({ rows }) => rows === FRIENDS)).toBe(true);
    const fleets = [...new Set(runs.flatMap(({ fleet }) => fleet ?? []))];
    // Its runs are created by as many statements as there are claims.
    expect(calls() - accounts.length * PAGES).toBeLessThanOrEqual(kills * fleets.length * WINDOW);
    for (const fleet of fleets) await replay(world.temporal, fleet);
    expect(
      await query(
        `select status, error, account, ended_at, started_at from sluice.report where account = any ($1) and status <> 'ok'`,
        [accounts],
      ),
    ).toEqual([]);
  });

  it('says so of each of its runs, and names the queue, while no worker is left', async () => {
    const accounts = await placed('none', 90);
    const before = api.report().calls;
    await makeDue(accounts);
    await expect.poll(() => api.report().calls - before, { timeout: 60_000, interval: 10 }).toBeGreaterThan(20);
    await workers.shift()?.kill();
    const open = (await runsOf(accounts)).filter(({ state, fleet }) => state === 'running' && fleet !== null);
    expect(open.length).toBeGreaterThan(0);
    const { account = '', fleet } = open.at(-1) ?? {};
    const run = world.sluice.run({ sync: 'monthly', account });
    // Its questions for tasks are given up after a minute, and so is its workflow task.
    await expect
      .poll(async () => (await run.explain())?.text.join('\n'), { timeout: 120_000, interval: 1_000 })
      .toMatch(new RegExp(`${fleet}: its workflow task .*(was not ended in time|no worker serves|have just ended)`));
    await startWorker();
    await allDone(accounts);
  });

  it('before its workflow was started has each of its runs started by itself, from the row that is there', async () => {
    const accounts = await placed('half', 10);
    await makeDue(accounts);
    const { db, taskQueue } = world;
    const claim = { schedules: ['monthly'], taskQueue, room: 10, leaseMs: 2_000 };
    const due = (await claimDue(db.pool, claim)).filter(({ account }) => accounts.includes(account));
    // The worker may have been first for some of them.
    const { definition } = monthly;
    const runs = due.map(({ startId: id, account }) => {
      const input = { id: account };
      return { id, account, tenant: account, input, key: rootKeysOf(definition, input)['friends'] ?? '', what: 'half' };
    });
    const fleet = fleetWorkflowId('monthly', due[0]?.startId ?? 'none');
    const opened = await openFleet(db.pool, { fleet, plan: definition.plan, mode: 'incremental', mostCalls: 4, runs });
    expect(opened.size).toBe(due.length);
    await allDone(accounts);
    const ended = await runsOf(accounts);
    expect(ended).toHaveLength(accounts.length);
    const own = ended.filter(({ account }) => due.some((each) => each.account === account));
    expect(own.every((run) => run.fleet === null)).toBe(true);
    expect(
      await query(`select 1 from sluice.report where account = any ($1) and status = 'ok'`, [accounts]),
    ).toHaveLength(accounts.length);
  });
});
