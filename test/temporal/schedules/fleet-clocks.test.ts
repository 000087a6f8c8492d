/** Fleets whose worker has a wrong clock: what it tells of a wait is held against Temporal's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeApi } from '../../../testing/index.ts';
import { monthly } from '../../fixtures/monthly.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { built } from '../../setup/programs/programs.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';
import { createWorld, type World } from '../../setup/world.ts';

const ACCOUNTS = 30;
const HOUR_MS = 3_600_000;

describe.each([
  ['two hours ahead', 2 * HOUR_MS],
  ['two hours behind', -2 * HOUR_MS],
])('a fleet whose worker has a clock that is %s', (_, wrongMs) => {
  let api: FakeApi;
  let world: World;
  let worker: WorkerProcess;
  beforeAll(async () => {
    world = await createWorld([], { workers: 0 });
    api = await startForestApi({ friends: 12, latencyMs: 20 });
    api.limit({ name: 'app', by: 'app', kind: 'sliding', max: 10, perMs: 1_000 });
    worker = await startWorkerProcess({
      module: 'monthly.ts',
      databaseUrl: world.db.url,
      taskQueue: world.taskQueue,
      env: {
        FOREST_URL: api.url,
        FOREST_MAX: '10',
        NODE_OPTIONS: `--import ${built('test/setup/programs/wrong-clock.ts')}`,
        WRONG_CLOCK_MS: String(wrongMs),
      },
    });
  });
  afterAll(async () => {
    await worker?.stop();
    await world?.end();
    await api?.stop();
  });

  it('lets its runs wait as long as they have to, and keeps them', async () => {
    const accounts = Array.from({ length: ACCOUNTS }, (__, n) => `clock-${n}`);
    const query = async <Row extends object>(sql: string): Promise<Row[]> =>
      (await world.db.pool.query<Row>(sql, [accounts])).rows;
    await query(`insert into sluice.account (provider, account) select 'forest', unnest($1::text[])`);
    await world.sluice.schedules.apply([monthly]);
    await query('update sluice.due set due_at = clock_timestamp() where account = any ($1)');
    const runs = () =>
      query<{ state: string; fleet: string | null; calls: number }>(
        `select r.state, r.fleet, n.calls::int from sluice.run r join sluice.node n on n.run_id = r.id where r.account = any ($1)`,
      );
    await expect
      .poll(async () => (await runs()).filter(({ state }) => state === 'done').length, { timeout: 90_000 })
      .toBe(ACCOUNTS);
    const ended = await runs();
    expect(ended.filter(({ fleet }) => fleet === null)).toEqual([]);
    expect(ended.every(({ calls }) => calls === 2)).toBe(true);
    expect(api.report()).toMatchObject({ calls: 2 * ACCOUNTS, refused: 0, violations: [] });
  });
});
