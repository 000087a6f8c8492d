/** Calls of a list that are asked for several at once: they are made one after another all the same. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SyncHandle } from '../../../client/index.ts';
import type { PageFact } from '../../../contracts/messages.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { circle, notebook } from '../../fixtures/long-lists.ts';
import { callsWithin, progressOf, rowsStored } from '../../setup/run-facts.ts';
import { replayHistory } from '../../setup/replay.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';
import { createWorld, type World } from '../../setup/world.ts';

const FRIENDS = 3;
interface Kind {
  readonly what: string;
  readonly sync: typeof notebook | typeof circle;
  readonly lists: number;
  readonly friends: number;
  /** Of the list in which something happens, at its 46th call: among those that are asked for at once. */
  readonly path: string;
}
const notes: Kind = { what: 'a single list', sync: notebook, lists: 1, friends: 0, path: '/users/u/notes' };
const tree: Kind = { what: 'a tree', sync: circle, lists: FRIENDS, friends: FRIENDS, path: '/users/u-f1/posts' };
const kinds = [notes, tree];
/** Of a run of each kind. */
const LISTS = 1 + FRIENDS;
const BEFORE = 45;
/** Calls of a list that are asked for at once. */
const MOST = 16;
const fine = Array<'ok'>(BEFORE).fill('ok');

/** One call that a workflow asked for and that was made, or left out, inside one of its tasks. */
interface Asked {
  readonly seq: number;
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
  /** Undefined when it has thrown. */
  readonly fact: PageFact | undefined;
}
/** Calls of one list that were asked for at once. */
type Row = readonly Asked[];

/**
 * Two calls of a list are at least the third party's latency apart, unless they were asked for at once: then it is a tenth of a
 * millisecond. After one that was out of the ordinary the next may be asked for within a few.
 */
const AT_ONCE_MS = 3;

describe('calls of a list that are asked for several at once', () => {
  let api: FakeApi;
  let world: World;
  let account: string;
  let letGo: (() => Promise<void>) | undefined;
  const input = { id: 'u' };

  beforeAll(async () => {
    world = await createWorld([notebook, circle], { workers: 0 });
  });
  afterAll(() => world?.end());
  beforeEach(async () => {
    account = `acct-${randomUUID().slice(0, 8)}`;
    await world.db.pool.query('update sluice.limit_bucket set blocked_us = 0');
  });
  afterEach(async () => {
    await letGo?.();
    // A run that a failed test has left would call the third party of the next one. Most have ended.
    for (const { workflowId } of runs.splice(0))
      await world.temporal.workflow
        .getHandle(workflowId)
        .terminate('its test is over')
        .catch(() => {});
    await api?.stop();
  });

  /** Lists of so many pages, the last one of half as many rows. */
  const serve = async (pages: number, latencyMs = 8): Promise<void> => {
    api = await startFakeApi({ latencyMs });
    process.env['LISTS_URL'] = api.url;
    const count = pages * 10 - 5;
    api.list('/users/:id/notes', { count, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    api.list('/users/:id/friends', { count: FRIENDS, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', { count, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
  };
  const runs: SyncHandle[] = [];
  const start = async ({ sync }: Kind, options: { readonly maxHistoryEvents?: number } = {}): Promise<SyncHandle> => {
    const run = await world.sluice.start(sync, { account, input, ...options });
    runs.push(run);
    return run;
  };
  /** What a run of lists of so many pages has to make and to store: each list, and the page of friends. */
  const wholeOf = ({ lists, friends }: Kind, pages: number) => ({
    calls: lists * pages + (friends > 0 ? 1 : 0),
    rows: lists * (pages * 10 - 5) + friends,
  });
  const startEach = () => Promise.all(kinds.map(async (kind) => ({ kind, run: await start(kind) })));
  const wholeOfAll = (pages: number) =>
    kinds.map((kind) => wholeOf(kind, pages)).reduce((a, b) => ({ calls: a.calls + b.calls, rows: a.rows + b.rows }));
  const paths = ['/users/u/notes', ...Array.from({ length: FRIENDS }, (_, i) => `/users/u-f${i}/posts`)];
  /** Calls of the list that has had the fewest. */
  const slowest = (): number => Math.min(...paths.map((path) => api.report().byPath[path] ?? 0));
  const callsReach = (calls: number) =>
    expect.poll(() => api.report().calls, { interval: 5 }).toBeGreaterThanOrEqual(calls);

  /** Lets no page of the account's lists be stored until it is released. Every list has come to such a page then. */
  const holdPages = async (): Promise<() => Promise<void>> => {
    const client = await world.db.pool.connect();
    letGo = async () => {
      letGo = undefined;
      await client.query('commit');
      client.release();
    };
    await client.query('begin');
    await client.query(
      'select 1 from sluice.unit u join sluice.run r on r.id = u.run_id where r.account = $1 for update of u',
      [account],
    );
    await expect.poll(() => callsWithin(api, 150), { interval: 1 }).toBe(0);
    return letGo;
  };

  /** The run's workflows: its own, and those that it has started, which may have been continued as new. */
  const historiesOf = async (run: SyncHandle) => {
    const read = async (workflowId: string, runId?: string) => {
      const history = await world.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
      return { workflowId, history, events: history.events ?? [] };
    };
    const own = await read(run.workflowId);
    const found = [own];
    for (const { childWorkflowExecutionStartedEventAttributes: started } of own.events) {
      const { workflowId, runId } = started?.workflowExecution ?? {};
      if (!workflowId) continue;
      for (let next = runId; next;) {
        const execution = await read(workflowId, next);
        found.push(execution);
        next = execution.events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
      }
    }
    return found;
  };

  /** Replays its workflows, and holds each row of calls against the rules. @returns the rows. */
  const rowsOf = async (run: SyncHandle, maxHistoryEvents = 4_000): Promise<Row[]> => {
    const rows: Row[] = [];
    for (const { workflowId, history, events } of await historiesOf(run)) {
      await replayHistory(history, workflowId);
      const asked = events.flatMap((event) => askedIn(event.markerRecordedEventAttributes));
      expect(asked.length).toBeLessThanOrEqual(maxHistoryEvents);
      rows.push(...inRows(asked));
    }
    for (const row of rows) {
      const facts = row.map(({ fact }) => fact);
      const end = facts.findIndex((fact) => !isPlain(fact));
      const isIdle = facts[end]?.state === 'idle';
      const made = end < 0 ? facts : facts.slice(0, isIdle ? end : end + 1);
      const leftOut = facts.slice(made.length);
      // Each tells of the page after that of the one before it; after one that was out of the ordinary none is made.
      const pages = made.flatMap((fact) => (isPlain(fact) ? (fact.pages ?? 0) : []));
      expect(pages).toEqual(pages.map((_, index) => (pages[0] ?? 0) + index));
      expect(made).not.toEqual([]);
      const wereToBe = leftOut.filter((fact) => fact?.state !== 'idle');
      expect(wereToBe).toEqual([]);
      // At most a quarter of what the list has.
      expect(row.length).toBeLessThanOrEqual(MOST);
      if (row.length > 1 && pages[0] !== undefined) expect(row.length).toBeLessThanOrEqual((pages[0] - 1) / 4);
    }
    return rows;
  };
  const idleOf = (rows: readonly Row[]): number => rows.flat().filter(({ fact }) => fact?.state === 'idle').length;
  /** Rows that were broken off in their middle, by a fact that the test knows. */
  const brokenOff = (rows: readonly Row[], isIt: (fact: PageFact) => boolean): Row[] =>
    rows.filter((row) => row.some(({ fact }, at) => at > 0 && at < row.length - 1 && fact && isIt(fact)));

  describe('with one worker', () => {
    let worker: { stop(): Promise<void> };
    beforeAll(async () => {
      worker = await world.startWorker();
    });
    afterAll(() => worker?.stop());

    it.each([notes, { ...tree, lists: 1, friends: 1 }])(
      'are made one at a time, and heard of together: $what',
      async (kind) => {
        const PAGES = 100;
        await serve(PAGES, 15);
        api.list('/users/:id/friends', { count: 1, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
        const run = await start(kind);
        const { calls, rows: items } = wholeOf(kind, PAGES);
        expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: items, calls });
        expect(api.report()).toMatchObject({ calls, repeated: [], maxConcurrent: 1 });
        expect(await rowsStored(world.db, account)).toBe(items);
        const rows = await rowsOf(run);
        // The first one is made with the opening of the run.
        expect(rows.flat().length - idleOf(rows)).toBe(calls - 1);
        expect(idleOf(rows)).toBeLessThanOrEqual(MOST);
        // Without them the workflow would have to go round once for each call.
        expect(rows.length).toBeLessThan(calls / 2);
        const whole = rows.filter((row) => row.length >= 8 && idleOf([row]) === 0);
        expect(whole.length).toBeGreaterThan(3);
        expect(Math.max(...whole.map((row) => row.length))).toBe(MOST);
        // From the first answer to the last, as a share of the time that the row took: seven eighths and more if each were heard of alone.
        const spreads = whole.map((row) => {
          const at = row.map(({ answeredAtMs }) => answeredAtMs);
          return (Math.max(...at) - Math.min(...at)) / (Math.max(...at) - row[0]!.askedAtMs);
        });
        expect(median(spreads)).toBeLessThan(0.4);
      },
    );

    it.each(kinds)('stop at a refusal, and no call is made until its time has come: $what', async (kind) => {
      const PAGES = 60;
      await serve(PAGES);
      api.script(kind.path, [...fine, { status: 429, headers: { 'retry-after': '2' }, body: {} }]);
      const run = await start(kind);
      await expect.poll(() => api.report().byStatus['429'], { interval: 5 }).toBe(1);
      // Those of other lists that are on their way.
      await expect.poll(() => callsWithin(api, 50), { interval: 1 }).toBe(0);
      expect(await callsWithin(api, 1_300)).toBe(0);
      const { calls, rows: items } = wholeOf(kind, PAGES);
      expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: items });
      expect(api.report()).toMatchObject({ calls: calls + 1, repeated: [] });
      expect(api.report().byStatus['429']).toBe(1);
      expect(await rowsStored(world.db, account)).toBe(items);
      expect(brokenOff(await rowsOf(run), ({ state }) => state === 'later')).not.toEqual([]);
    });

    it.each(kinds)('stop at a failure, and its page is asked for again: $what', async (kind) => {
      const PAGES = 60;
      await serve(PAGES);
      api.script(kind.path, [...fine, '500']);
      const run = await start(kind);
      const { calls, rows: items } = wholeOf(kind, PAGES);
      expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: items });
      expect(api.report()).toMatchObject({ calls: calls + 1, repeated: [] });
      expect(api.report().byStatus['500']).toBe(1);
      expect(await rowsStored(world.db, account)).toBe(items);
      expect(brokenOff(await rowsOf(run), ({ state }) => state === 'later')).not.toEqual([]);
    });

    it.each(kinds)('are no more than the workflow may still make: $what', async (kind) => {
      const PAGES = 60;
      const maxHistoryEvents = 45;
      await serve(PAGES);
      const run = await start(kind, { maxHistoryEvents });
      expect(await run.result()).toMatchObject({ state: 'done', complete: true, ...wholeOf(kind, PAGES) });
      expect(api.report().repeated).toEqual([]);
      await rowsOf(run, maxHistoryEvents);
    });

    it.each(kinds)('end with their list, wherever in a row that is: $what', async (kind) => {
      const PAGES = BEFORE + 1;
      await serve(PAGES);
      const run = await start(kind);
      const { calls, rows: items } = wholeOf(kind, PAGES);
      expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: items, calls });
      expect(api.report()).toMatchObject({ calls, repeated: [] });
      const rows = await rowsOf(run);
      expect(brokenOff(rows, ({ state }) => state === 'ended')).not.toEqual([]);
      expect(idleOf(rows)).toBeLessThanOrEqual(kind.lists * MOST);
    });

    it('end where a page always fails, and the run says so', async () => {
      const PAGES = 60;
      await serve(PAGES);
      const broken = [...fine, ...Array<'500'>(20).fill('500')];
      const scripts = kinds.map(({ path }) => api.script(path, broken));
      const unread = PAGES * 10 - 5 - BEFORE * 10;
      for (const { run, kind } of await startEach()) {
        const { rows } = wholeOf(kind, PAGES);
        expect(await run.result()).toMatchObject({ state: 'failed', complete: false, rows: rows - unread });
        expect(await run.progress()).toMatchObject({ error: expect.stringContaining('500') as string });
        await rowsOf(run);
      }
      expect(scripts.map((script) => script.remaining())).toEqual([17, 17]);
      const { calls, rows } = wholeOfAll(PAGES);
      expect(await rowsStored(world.db, account)).toBe(rows - 2 * unread);
      expect(api.report().byStatus['500']).toBe(6);
      expect(api.report()).toMatchObject({ calls: calls - 2 * (PAGES - BEFORE) + 6, repeated: [] });
    });

    it('stop when their run is paused, and go on at their page when it is resumed', async () => {
      const PAGES = 75;
      await serve(PAGES, 30);
      const runs = await startEach();
      await callsReach(LISTS * BEFORE);
      await Promise.all(runs.map(({ run }) => run.pause()));
      const { calls: before } = api.report();
      await expect.poll(() => callsWithin(api, 150), { interval: 1 }).toBe(0);
      // One may be on its way for each list.
      expect(api.report().calls - before).toBeLessThanOrEqual(LISTS);
      expect(await callsWithin(api, 500)).toBe(0);
      for (const { run } of runs) {
        expect((await progressOf(run)).state).toBe('paused');
        await run.resume();
      }
      for (const { run, kind } of runs) {
        expect(await run.result()).toMatchObject({ state: 'done', complete: true, ...wholeOf(kind, PAGES) });
        await rowsOf(run);
      }
      expect(api.report()).toMatchObject({ calls: wholeOfAll(PAGES).calls, repeated: [] });
    });

    it.each(kinds)('stop when the run is cancelled, and those that were made are counted: $what', async (kind) => {
      await serve(200, 30);
      const run = await start(kind);
      await callsReach(kind.lists * BEFORE);
      await run.cancel();
      const { calls: before } = api.report();
      await expect(run.result()).rejects.toThrow();
      expect(api.report().calls - before).toBeLessThanOrEqual(kind.lists);
      expect(await callsWithin(api, 500)).toBe(0);
      const { calls } = api.report();
      expect(await progressOf(run)).toEqual({
        state: 'cancelled',
        pages: calls,
        calls,
        rows: await rowsStored(world.db, account),
      });
      await rowsOf(run);
    });

    it('are fewer at once where calls are slow', async () => {
      const PAGES = 20;
      await serve(PAGES, 350);
      for (const { run, kind } of await startEach()) {
        expect(await run.result()).toMatchObject({ state: 'done', ...wholeOf(kind, PAGES) });
        expect(Math.max(...(await rowsOf(run)).map(({ length }) => length))).toBe(2);
      }
      expect(api.report().repeated).toEqual([]);
      expect(api.report().maxConcurrent).toBeLessThanOrEqual(LISTS);
    });

    it('stop at a slow call, after which calls are made durably', async () => {
      const PAGES = 110;
      await serve(PAGES);
      const runs = await startEach();
      await expect.poll(slowest, { interval: 5 }).toBeGreaterThan(30);
      api.pause();
      await expect.poll(() => callsWithin(api, 50), { interval: 1 }).toBe(0);
      expect(await callsWithin(api, 2_700)).toBe(0);
      api.resume();
      for (const { run, kind } of runs) {
        expect(await run.result()).toMatchObject({ state: 'done', ...wholeOf(kind, PAGES) });
        const slow = (fact: PageFact | undefined) => fact?.state === 'more' && fact.wantsDurable;
        expect((await rowsOf(run)).filter((row) => row.some(({ fact }) => slow(fact)))).toHaveLength(kind.lists);
      }
      expect(api.report()).toMatchObject({ calls: wholeOfAll(PAGES).calls, repeated: [] });
    });
  });

  it('are left to the next worker when theirs is shut down', async () => {
    const PAGES = 80;
    await serve(PAGES, 15);
    const worker = await world.startWorker();
    const runs = await startEach();
    await callsReach(LISTS * BEFORE);
    const { calls: sent } = api.report();
    await worker.stop();
    const { calls: before } = api.report();
    const pages = await Promise.all(runs.map(({ run }) => progressOf(run)));
    expect(pages.reduce((sum, each) => sum + each.pages, 0)).toBe(before);
    // Not the rest of each row.
    expect(before - sent).toBeLessThanOrEqual(LISTS);
    const next = await world.startWorker();
    try {
      for (const { run, kind } of runs) {
        expect(await run.result()).toMatchObject({ state: 'done', complete: true, ...wholeOf(kind, PAGES) });
        await rowsOf(run);
      }
      expect(api.report()).toMatchObject({ calls: wholeOfAll(PAGES).calls, repeated: [] });
    } finally {
      await next.stop();
    }
  });

  it('cost each list one call when their worker is killed', async () => {
    const PAGES = 80;
    await serve(PAGES, 15);
    const processes: WorkerProcess[] = [];
    const startProcess = async (): Promise<WorkerProcess> => {
      const { url: databaseUrl } = world.db;
      const { taskQueue } = world;
      const env = { LISTS_URL: api.url };
      const started = await startWorkerProcess({ module: 'long-lists.ts', databaseUrl, taskQueue, env });
      processes.push(started);
      return started;
    };
    try {
      const first = await startProcess();
      const runs = await startEach();
      await expect.poll(slowest, { interval: 5 }).toBeGreaterThan(40);
      const release = await holdPages();
      const pages = async () =>
        (await Promise.all(runs.map(({ run }) => progressOf(run)))).reduce((sum, each) => sum + each.pages, 0);
      const lost = api.report().calls - (await pages());
      expect(lost).toBeGreaterThan(0);
      expect(lost).toBeLessThanOrEqual(paths.length);
      await first.kill();
      // Postgres would carry out what waits, though nobody is there any more to hear of it.
      await world.db.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'sluice-worker'`,
      );
      await release();
      await startProcess();
      for (const { run, kind } of runs) {
        const { rows } = wholeOf(kind, PAGES);
        expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows });
        await rowsOf(run);
      }
      const { calls, rows } = wholeOfAll(PAGES);
      expect(await rowsStored(world.db, account)).toBe(rows);
      expect(api.report().calls).toBe(calls + lost);
      for (const path of paths) expect(api.report().byPath[path]).toBeLessThanOrEqual(PAGES + 1);
    } finally {
      await Promise.all(processes.map((each) => each.kill()));
    }
  });
});

interface Marker {
  readonly details?: Readonly<
    Record<string, { readonly payloads?: readonly { readonly data?: Uint8Array | null }[] | null }>
  > | null;
}

/** The call that a marker of a history tells of, if it is one. */
function askedIn(marker: Marker | null | undefined): Asked[] {
  const told = (name: string): unknown => {
    const data = marker?.details?.[name]?.payloads?.[0]?.data;
    return data?.length ? JSON.parse(Buffer.from(data).toString()) : undefined;
  };
  type Time = { readonly seconds: number; readonly nanos: number };
  const data = told('data') as
    { seq: number; activity_type: string; original_schedule_time: Time; complete_time: Time } | undefined;
  if (data?.activity_type !== 'fetchPage') return [];
  const ms = ({ seconds, nanos }: Time): number => seconds * 1_000 + nanos / 1e6;
  const { seq, original_schedule_time: asked, complete_time: answered } = data;
  return [{ seq, askedAtMs: ms(asked), answeredAtMs: ms(answered), fact: told('result') as PageFact | undefined }];
}

/** A stored page after which the list simply goes on. */
function isPlain(fact: PageFact | undefined): fact is PageFact & { readonly state: 'more' } {
  return fact?.state === 'more' && fact.pages !== undefined && !fact.wantsDurable && !fact.lanes;
}

/** Calls of one list that were asked for in the same moment, in the order in which they were. */
function inRows(asked: readonly Asked[]): Row[] {
  const rows: Asked[][] = [];
  const newest = new Map<number | undefined, Asked[]>();
  for (const each of asked.toSorted((a, b) => a.seq - b.seq)) {
    const unit = each.fact?.unit;
    const row = newest.get(unit);
    const last = row?.at(-1);
    const longest = isPlain(last?.fact) ? AT_ONCE_MS : AT_ONCE_MS / 6;
    // Only calls that were asked for ahead are left out, however late the worker came to them.
    const isAhead = each.fact?.state === 'idle' || (last !== undefined && each.askedAtMs - last.askedAtMs < longest);
    if (row && isAhead) row.push(each);
    else {
      const begun = [each];
      newest.set(unit, begun);
      rows.push(begun);
    }
  }
  return rows;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
