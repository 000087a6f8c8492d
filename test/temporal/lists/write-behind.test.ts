/** Pages that are stored behind their answers, while something keeps them from being stored. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SyncHandle } from '../../../client/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { forest, single } from '../../fixtures/forest.ts';
import { newAccount, startForestApi } from '../../setup/forest-api.ts';
import { callsWithin, progressOf, rowsStored } from '../../setup/run-facts.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';
import { createWorld, type World } from '../../setup/world.ts';

const PAGES = 60;
const FRIENDS = 3;
/** Of the tree: one page of friends. */
const TREE_PAGES = 1 + FRIENDS * PAGES;
const kinds = [
  { what: 'a single list', sync: single, pages: PAGES, lists: 1, rows: PAGES * 10 },
  { what: 'a tree', sync: forest, pages: TREE_PAGES, lists: FRIENDS, rows: FRIENDS + FRIENDS * PAGES * 10 },
] as const;

describe('a page that is being stored behind its answer', () => {
  let api: FakeApi;
  let world: World;
  let account: string;
  let processes: WorkerProcess[] = [];
  let letGo: (() => Promise<void>) | undefined;
  const input = { id: 'u' };

  beforeAll(async () => {
    world = await createWorld([forest, single], { workers: 0 });
  });
  afterAll(() => world?.end());
  beforeEach(async () => {
    account = newAccount();
    api = await startForestApi({ latencyMs: 10, friends: FRIENDS, posts: PAGES * 10, notes: PAGES * 10 });
  });
  afterEach(async () => {
    await letGo?.();
    await Promise.all(processes.map((each) => each.kill()));
    processes = [];
    await api.stop();
  });

  const start = (sync: typeof single | typeof forest): Promise<SyncHandle> =>
    world.sluice.start(sync, { account, input });
  const callsReach = (calls: number) =>
    expect.poll(() => api.report().calls, { interval: 10 }).toBeGreaterThanOrEqual(calls);
  const heldUp = async (): Promise<number> => {
    const { rows } = await world.db.pool.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity
       where datname = current_database() and application_name = 'sluice-worker' and wait_event_type = 'Lock'`,
    );
    return rows[0]!.n;
  };
  const breakConnections = async (): Promise<void> => {
    await world.db.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'sluice-worker'`,
    );
  };
  /** Lets no page of the run's lists be stored until it is released. */
  const lockLists = async (run: SyncHandle): Promise<() => Promise<void>> => {
    const client = await world.db.pool.connect();
    await client.query('begin');
    await client.query(
      'select 1 from sluice.unit u join sluice.run r on r.id = u.run_id where r.workflow_id = $1 for update of u',
      [run.workflowId],
    );
    letGo = async () => {
      letGo = undefined;
      await client.query('commit');
      client.release();
    };
    return letGo;
  };
  /** Every list has come to such a page then. */
  const hold = async (run: SyncHandle): Promise<() => Promise<void>> => {
    const release = await lockLists(run);
    await expect.poll(heldUp, { interval: 10 }).toBeGreaterThan(0);
    await expect.poll(() => callsWithin(api, 100), { interval: 1 }).toBe(0);
    return release;
  };

  describe('with one worker', () => {
    let worker: { stop(): Promise<void> };
    beforeAll(async () => {
      worker = await world.startWorker();
    });
    afterAll(() => worker?.stop());

    it.each(kinds)(
      'is stored before the next call of its list is sent: $what',
      async ({ sync, pages, lists, rows }) => {
        const run = await start(sync);
        await callsReach(20);
        const release = await hold(run);
        const before = await progressOf(run);
        // Each list has made the call whose page is held up, and no other.
        expect(api.report().calls - before.calls).toBeLessThanOrEqual(lists);
        expect(api.report().calls).toBeGreaterThan(before.calls);
        expect(await callsWithin(api, 700)).toBe(0);
        expect(await progressOf(run)).toEqual(before);
        await release();
        expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows, calls: pages });
        expect(api.report()).toMatchObject({ calls: pages, repeated: [] });
        expect(await rowsStored(world.db, account)).toBe(rows);
      },
    );

    it.each(kinds)(
      'is stored without another call when Postgres ends its connection again and again: $what',
      async ({ sync, pages, rows }) => {
        const run = await start(sync);
        await callsReach(20);
        const release = await hold(run);
        const { calls } = api.report();
        for (let times = 0; times < 3; times++) {
          await breakConnections();
          await expect.poll(heldUp, { interval: 10 }).toBeGreaterThan(0);
        }
        expect(api.report().calls).toBe(calls);
        await release();
        expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows, calls: pages });
        expect(api.report()).toMatchObject({ calls: pages, repeated: [] });
      },
    );

    it('is called again ever more rarely while it can’t be stored, and the run says why', async () => {
      // Its key is on the eighth page.
      await world.db.pool.query(`
        create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no room for %', new.key; end $$;
        create trigger refuse before insert on sluice.record for each row
          when (new.key = 'u-n75' and new.account = '${account}') execute function refuse()`);
      const callsOf = (index: number) => api.positions('/users/u/notes')[String(index)]?.calls ?? 0;
      const run = await start(single);
      await expect.poll(() => callsOf(70), { interval: 10 }).toBeGreaterThan(0);
      const since = api.now();
      const why = () => run.waits().then((waits) => waits.map(({ text }) => text).join('\n'));
      await expect
        .poll(why)
        .toMatch(/1 list waits after a call that failed \(.*no room for u-n75.*\), up to \d attempts so far/);
      await expect.poll(() => api.now() - since, { interval: 100 }).toBeGreaterThan(6_000);
      // After half a second, and then twice as long each time.
      expect(callsOf(70)).toBeGreaterThan(1);
      expect(callsOf(70)).toBeLessThanOrEqual(7);
      expect(callsOf(80)).toBe(0);
      expect(await progressOf(run)).toMatchObject({ state: 'running', pages: 7, rows: 70 });
      await world.db.pool.query('drop trigger refuse on sluice.record; drop function refuse');
      expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: PAGES * 10 });
      expect(await rowsStored(world.db, account)).toBe(PAGES * 10);
      expect(api.report().repeated).toMatchObject([{ position: '70' }]);
      expect(await run.waits()).toEqual([]);
    });

    /** Releases the page that holds the run up. @returns what is told of the run once it is cancelled. */
    const cancelledAfter = async (run: SyncHandle, release: () => Promise<void>) => {
      // It does not end without that page.
      expect(await callsWithin(api, 700)).toBe(0);
      expect((await progressOf(run)).state).not.toBe('cancelled');
      await release();
      const stateOf = () => progressOf(run).then(({ state }) => state);
      await expect.poll(stateOf, { interval: 5 }).toBe('cancelled');
      const ended = await progressOf(run);
      expect(ended).toMatchObject({
        calls: api.report().calls,
        pages: api.report().calls,
        rows: await rowsStored(world.db, account),
      });
      await expect(run.result()).rejects.toThrow();
      expect(await callsWithin(api, 300)).toBe(0);
      expect(await progressOf(run)).toEqual(ended);
      return ended;
    };

    it.each(kinds)('is counted by a run that is cancelled meanwhile: $what', async ({ sync, pages }) => {
      const run = await start(sync);
      await callsReach(20);
      const release = await hold(run);
      const before = await progressOf(run);
      await run.cancel();
      const { calls } = await cancelledAfter(run, release);
      expect(calls).toBeGreaterThan(before.calls);
      expect(calls).toBeLessThan(pages);
    });

    it('is counted by a run that is cancelled before its call is answered, and asks for no other', async () => {
      const run = await start(single);
      await callsReach(20);
      api.pause();
      await expect.poll(() => callsWithin(api, 100), { interval: 1 }).toBe(0);
      const release = await lockLists(run);
      const before = await progressOf(run);
      await run.cancel();
      // A workflow task that makes calls tells the server of itself every 8 s, and hears of the cancellation then.
      expect(await callsWithin(api, 9_000)).toBe(0);
      api.resume();
      await expect.poll(heldUp, { interval: 10 }).toBe(1);
      const { calls } = await cancelledAfter(run, release);
      expect(calls).toBe(before.calls + 1);
    });
  });

  it('is stored before its run goes on in a new history, which any worker may take up', async () => {
    const workers = await Promise.all([1, 2, 3].map(() => world.startWorker()));
    await world.db.pool.query(`
      create function tarry() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return new; end $$;
      create trigger tarry before update on sluice.unit for each row execute function tarry()`);
    letGo = async () => {
      letGo = undefined;
      await world.db.pool.query('drop trigger tarry on sluice.unit; drop function tarry');
    };
    const run = await world.sluice.start(single, { account, input, maxHistoryEvents: 10 });
    expect(await run.result()).toMatchObject({ state: 'done', rows: PAGES * 10, calls: PAGES });
    expect(api.report()).toMatchObject({ calls: PAGES, repeated: [] });
    await Promise.all(workers.map((worker) => worker.stop()));
  });

  it.each(kinds)('is stored by a worker that is shut down meanwhile: $what', async ({ sync, pages, rows }) => {
    const worker = await world.startWorker();
    const run = await start(sync);
    await callsReach(20);
    const release = await hold(run);
    const before = await progressOf(run);
    const stopped = worker.stop();
    expect(await callsWithin(api, 500)).toBe(0);
    await release();
    await stopped;
    const after = await progressOf(run);
    expect(after.calls).toBeGreaterThan(before.calls);
    expect(after).toMatchObject({
      calls: api.report().calls,
      pages: api.report().calls,
      rows: await rowsStored(world.db, account),
    });
    const next = await world.startWorker();
    expect(await run.result()).toMatchObject({ state: 'done', rows, calls: pages });
    expect(api.report()).toMatchObject({ calls: pages, repeated: [] });
    await next.stop();
  });

  it('costs each list one call when its worker is killed in that moment', async () => {
    const { pages, rows, lists } = kinds[1];
    const { url: databaseUrl } = world.db;
    const startProcess = async () => {
      const env = { FOREST_URL: api.url };
      const started = await startWorkerProcess({
        module: 'forest.ts',
        databaseUrl,
        taskQueue: world.taskQueue,
        env,
      });
      processes.push(started);
      return started;
    };
    const first = await startProcess();
    const run = await start(forest);
    await callsReach(30);
    const release = await hold(run);
    const before = await progressOf(run);
    const lost = api.report().calls - before.calls;
    expect(lost).toBeGreaterThan(0);
    await first.kill();
    // Postgres would carry out what waits, though nobody is there any more to hear of it.
    await breakConnections();
    await expect.poll(heldUp, { interval: 10 }).toBe(0);
    await release();
    expect(await progressOf(run)).toEqual(before);
    await startProcess();
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows, calls: pages });
    expect(await rowsStored(world.db, account)).toBe(rows);
    expect(api.report().calls).toBe(pages + lost);
    expect(lost).toBeLessThanOrEqual(lists);
    const { repeated } = api.report();
    expect(repeated.map(({ calls }) => calls)).toEqual(Array.from({ length: lost }, () => 2));
    expect(new Set(repeated.map(({ path }) => path)).size).toBe(lost);
  });
});
