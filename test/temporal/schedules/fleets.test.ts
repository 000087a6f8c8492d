/** Accounts of one sync that are due together: one workflow carries out their small runs, and each is a run of its own all the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, path, window, type Sync } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { FAR_TIMES } from '../../fixtures/monthly.ts';
import { replay } from '../../setup/replay.ts';
import { createWorld, type World } from '../../setup/world.ts';

interface Row {
  readonly id: string;
}

describe('a fleet', () => {
  let api: FakeApi;
  let world: World;
  /** Rows of each account; others have one. */
  let lists: Map<string, Row[]>;
  /** Answers that are held back until they are let go. */
  let held: Map<string, Promise<void>>;
  let statuses: Map<string, number>;
  let calls: Map<string, number>;
  /** Accounts whose input is too large. */
  const large = new Set<string>();
  let counter = 0;
  const PAGE = 2;

  const syncOf = (): Sync<{ id: string }> => {
    const provider = defineProvider({
      id: 'crew',
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [window('app', { by: ['app'], max: 30, perMs: 1_000 })],
      maxAttempts: 3,
    });
    const items = provider.endpoint('items', {
      input: z.object({ id: z.string() }),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullable() }),
      request: ({ id }, page) => get(path`/accounts/${id}/items`, { cursor: page.cursor }),
      paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next },
    });
    return defineSync(
      'crew',
      {
        provider,
        input: z.object({ id: z.string(), pad: z.string().optional() }),
        schedule: {
          ...FAR_TIMES,
          mode: 'full',
          input: ({ account }) => ({ id: account, ...(large.has(account) ? { pad: 'x'.repeat(2 ** 20) } : {}) }),
        },
      },
      (s) => ({ items: s.one(items, { input: ({ id }) => ({ id }), key: ({ id }) => id, deletions: 'full-pass' }) }),
    ) as never;
  };
  let crew: Sync<{ id: string }>;

  beforeAll(async () => {
    api = await startFakeApi();
    api.route('GET', '/accounts/:id/items', async ({ query }, { id }) => {
      calls.set(id, (calls.get(id) ?? 0) + 1);
      await held.get(id);
      const status = statuses.get(id);
      if (status) return { status, body: {} };
      const all = lists.get(id) ?? [{ id: `${id}-1` }];
      // Cursors that tell nothing.
      const at = Number((query.get('cursor') ?? 'c0').slice(1)) * PAGE;
      const next = at + PAGE < all.length ? `c${at / PAGE + 1}` : null;
      return { body: { items: all.slice(at, at + PAGE), next } };
    });
    api.limit({ name: 'app', by: 'app', kind: 'sliding', max: 50, perMs: 1_000 });
    crew = syncOf();
    world = await createWorld([crew], {
      schedules: true,
      scheduler: { leaseMs: 3_000, intervalMs: 200, placeIntervalMs: 500 },
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });
  beforeEach(() => {
    lists = new Map();
    held = new Map();
    statuses = new Map();
    calls = new Map();
  });
  afterEach(async () => {
    await query(`delete from sluice.account`);
    await query(`delete from sluice.due`);
  });

  const query = async <Found extends object>(sql: string, values: unknown[] = []): Promise<Found[]> =>
    (await world.db.pool.query<Found>(sql, values)).rows;
  /** Accounts with their times, none of which is due. */
  const placed = async (count: number): Promise<string[]> => {
    const accounts = Array.from({ length: count }, (_, n) => `f${counter}-${n}`);
    counter++;
    await query(`insert into sluice.account (provider, account) select 'crew', unnest($1::text[])`, [accounts]);
    await expect
      .poll(async () => (await query(`select 1 from sluice.due where account = any ($1)`, [accounts])).length)
      .toBe(count);
    return accounts;
  };
  const makeDue = (accounts: readonly string[]) =>
    query(`update sluice.due set due_at = clock_timestamp(), last_outcome = null where account = any ($1)`, [accounts]);
  interface Run {
    readonly id: string;
    readonly account: string;
    readonly state: string;
    readonly fleet: string | null;
    readonly rows: number;
    readonly calls: number;
  }
  const runsOf = (accounts: readonly string[]) =>
    query<Run>(
      `select r.id, r.account, r.state, r.fleet, n.rows::int, n.calls::int from sluice.run r join sluice.node n on n.run_id = r.id
       where r.account = any ($1) order by r.started_at, r.account`,
      [accounts],
    );
  const ended = async (accounts: readonly string[], times = 1): Promise<Run[]> => {
    await expect
      .poll(async () => (await runsOf(accounts)).filter(({ state }) => !['running', 'paused'].includes(state)).length)
      .toBe(accounts.length * times);
    return runsOf(accounts);
  };
  const reportsOf = async (accounts: readonly string[]) =>
    query<{ account: string; status: string; run: string }>(
      'select account, status, run_id as run from sluice.report where account = any ($1) order by account, seq',
      [accounts],
    );
  const callsOf = (account: string): number => calls.get(account) ?? 0;
  const keptOf = async (account: string) =>
    (
      await query<{ key: string }>(
        'select key from sluice.record where account = $1 and deleted_at is null order by key',
        [account],
      )
    ).map(({ key }) => key);
  const rows = (account: string, count: number): Row[] =>
    Array.from({ length: count }, (_, n) => ({ id: `${account}-${String(n).padStart(3, '0')}` }));
  /** Holds an account's answers until it is called. */
  const hold = (account: string): (() => void) => {
    let resolve: () => void = () => {};
    held.set(account, new Promise((letGo) => (resolve = letGo)));
    return () => {
      held.delete(account);
      resolve();
    };
  };

  /** A workflow whose calls are being made hears of its cancellation when it tells the server of itself. */
  const heard = (fleet: string) =>
    expect
      .poll(async () => {
        const { events = [] } = await world.temporal.workflow.getHandle(fleet).fetchHistory();
        const at = (events ?? []).findIndex((event) => event.workflowExecutionCancelRequestedEventAttributes);
        return at >= 0 && (events ?? []).slice(at).some((event) => event.workflowTaskStartedEventAttributes);
      })
      .toBe(true);

  it('carries out their runs by one workflow, with a call, a result and a report for each', async () => {
    const accounts = await placed(40);
    await makeDue(accounts);
    const runs = await ended(accounts);
    expect(runs.every(({ state, rows: stored, calls }) => state === 'done' && stored === 1 && calls === 1)).toBe(true);
    const fleets = new Set(runs.map(({ fleet }) => fleet));
    expect(fleets.size).toBeLessThanOrEqual(3);
    for (const account of accounts) expect(callsOf(account)).toBe(1);
    const reports = await reportsOf(accounts);
    expect(reports.map(({ account, status, run }) => [account, status, run])).toEqual(
      runs.toSorted((a, b) => (a.account < b.account ? -1 : 1)).map(({ account, id }) => [account, 'ok', id]),
    );
    const run = world.sluice.run({ sync: crew as never, account: accounts[7] as string });
    expect(await run.progress()).toMatchObject({ state: 'done', fleet: runs[0]?.fleet, nodes: [{ rows: 1 }] });
    expect(await run.result()).toMatchObject({ complete: true, rows: 1, calls: 1 });
    await expect(run.pause()).rejects.toThrow('is over');
    expect(await run.waits()).toEqual([]);
    const events = await replay(world.temporal, [...fleets][0] as string);
    expect(events.at(-1)?.workflowExecutionCompletedEventAttributes).toBeTruthy();
  });

  it('hands a run that needs more calls to a workflow of its own, which repeats none and forgets no row', async () => {
    const accounts = await placed(10);
    const [long] = accounts as [string];
    lists.set(long, rows(long, 31));
    await makeDue(accounts);
    const first = await ended(accounts);
    expect(first.find(({ account }) => account === long)).toMatchObject({ state: 'done', fleet: null, rows: 31 });
    expect(callsOf(long)).toBe(16);
    expect(await world.sluice.run({ sync: crew as never, account: long }).result()).toMatchObject({ rows: 31 });
    expect((await reportsOf([long])).map(({ status }) => status)).toEqual(['ok']);
    // One that took many calls before is not begun by a fleet; what is gone from it goes here too.
    lists.set(long, rows(long, 31).slice(3));
    await makeDue(accounts);
    await ended(accounts, 2);
    expect(await keptOf(long)).toEqual(
      rows(long, 31)
        .slice(3)
        .map(({ id }) => id),
    );
    // Nor what a fleet has read of it for gone.
    const [, other] = accounts as [string, string];
    lists.set(other, rows(other, 12));
    await makeDue(accounts);
    await ended(accounts, 3);
    expect(await keptOf(other)).toEqual(rows(other, 12).map(({ id }) => id));
    expect((await runsOf([other])).at(-1)).toMatchObject({ state: 'done', fleet: null });
  });

  it('disturbs no other account by one that fails, is refused or waits', async () => {
    const accounts = await placed(12);
    const [failing, gone] = accounts as [string, string];
    statuses.set(failing, 500);
    statuses.set(gone, 404);
    await makeDue(accounts);
    await ended(accounts.slice(1));
    await ended([failing]);
    const runs = await runsOf(accounts);
    expect(
      runs
        .filter(({ state }) => state === 'failed')
        .map(({ account }) => account)
        .toSorted(),
    ).toEqual([failing, gone].toSorted());
    expect(runs.filter(({ state }) => state === 'done')).toHaveLength(10);
    expect(callsOf(failing)).toBe(3);
    expect((await reportsOf([failing, gone])).map(({ status }) => status)).toEqual(['failed', 'failed']);
  });

  it('leaves out an account whose input is too large, and says so of that one alone', async () => {
    const accounts = await placed(12);
    const [first] = accounts as [string];
    large.add(first);
    await makeDue(accounts);
    const others = await ended(accounts.slice(1));
    expect(others.filter(({ fleet }) => fleet === null)).toEqual([]);
    await expect
      .poll(() =>
        query(`select last_outcome as outcome, last_error as error from sluice.due where account = $1`, [first]),
      )
      .toMatchObject([
        {
          outcome: 'failed',
          error: expect.stringMatching(/has 1024 KiB as JSON, and may have 512|has 1025 KiB/) as string,
        },
      ]);
    expect(await runsOf([first])).toEqual([]);
  });

  it('waits for its turn at a limit that all share, without a workflow for each', async () => {
    const accounts = await placed(200);
    await makeDue(accounts);
    const runs = await ended(accounts);
    expect(runs.filter(({ state, calls: made }) => state !== 'done' || made !== 1)).toEqual([]);
    expect(runs.filter(({ fleet }) => fleet === null)).toEqual([]);
    expect(api.report()).toMatchObject({ refused: 0, violations: [] });
  });

  it('leaves an account out whose run is going on, and gives a run to the start of an app that comes in the middle', async () => {
    const accounts = await placed(10);
    const [own, taken, other, long] = accounts as [string, string, string, string];
    lists.set(long, rows(long, 31));
    lists.set(own, rows(own, 4));
    const letOwn = hold(own);
    const letTaken = hold(taken);
    const letOther = hold(other);
    const letLong = hold(long);
    await world.sluice.start(crew, { account: own, input: { id: own } });
    await expect.poll(async () => (await runsOf([own])).length).toBe(1);
    await makeDue(accounts);
    await ended(accounts.slice(4));
    // It was asked for the same, and the other ones for something else.
    const same = await world.sluice.start(crew, { account: taken, input: { id: taken }, mode: 'full' });
    await expect.poll(async () => (await runsOf([taken]))[0]?.fleet).toBe(null);
    const more = await world.sluice.start(crew, { account: other, input: { id: accounts[4] as string } });
    const most = await world.sluice.start(crew, { account: long, input: { id: accounts[5] as string } });
    for (const run of [more, most]) expect(await run.progress()).toMatchObject({ state: 'starting' });
    for (const letGo of [letOwn, letTaken, letOther, letLong]) letGo();
    expect(await same.result()).toMatchObject({ complete: true, rows: 1 });
    expect(await more.result()).toMatchObject({ complete: true, rows: 1 });
    expect(await most.result()).toMatchObject({ complete: true, rows: 1 });
    expect(await runsOf([own])).toHaveLength(1);
    expect((await runsOf([taken])).map(({ state }) => state)).toEqual(['done']);
    expect((await runsOf([other])).map(({ state }) => state)).toEqual(['done', 'done']);
    expect((await runsOf([long])).map(({ state }) => state)).toEqual(['cancelled', 'done']);
    expect((await reportsOf([taken, other])).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
    expect(await world.sluice.reports.list({ account: long })).toMatchObject([
      { status: 'cancelled', error: expect.stringContaining('another run of the account waited') as string },
      { status: 'ok' },
    ]);
  });

  it('pauses, resumes and cancels one of its runs and no other', async () => {
    const accounts = await placed(10);
    const [paused, cancelled] = accounts as [string, string];
    lists.set(paused, rows(paused, 3));
    const letPaused = hold(paused);
    const letCancelled = hold(cancelled);
    await makeDue(accounts);
    await ended(accounts.slice(2));
    const run = world.sluice.run({ sync: crew as never, account: paused });
    await run.pause();
    const gone = world.sluice.run({ sync: crew as never, account: cancelled });
    await gone.cancel();
    await expect(gone.result()).rejects.toThrow('cancelled');
    letCancelled();
    letPaused();
    await expect.poll(async () => (await runsOf([paused]))[0]?.fleet).toBe(null);
    await sleep(500);
    expect(callsOf(paused)).toBe(1);
    expect(await run.progress()).toMatchObject({ state: 'paused' });
    await run.resume();
    expect(await run.result()).toMatchObject({ complete: true, rows: 3, calls: 2 });
    expect((await runsOf([cancelled])).map(({ state }) => state)).toEqual(['cancelled']);
    expect((await reportsOf([cancelled])).map(({ status }) => status)).toEqual(['cancelled']);
  });

  it('ends all that it has when it is cancelled, and what it has when it is terminated ends as failed', async () => {
    for (const [how, state, status] of [
      ['cancel', 'cancelled', 'cancelled'],
      ['terminate', 'failed', 'failed'],
    ] as const) {
      const accounts = await placed(90);
      const letGo = accounts.map(hold);
      await makeDue(accounts);
      await expect.poll(async () => (await runsOf(accounts)).length).toBe(90);
      await expect.poll(() => accounts.filter((account) => callsOf(account) > 0).length).toBeGreaterThan(0);
      const fleets = new Set((await runsOf(accounts)).map(({ fleet }) => fleet as string));
      const last = accounts.findLast((account) => callsOf(account) === 0) ?? '';
      const waits = async () => (await world.sluice.run({ sync: crew as never, account: last }).waits())[0]?.text;
      expect(await waits()).toMatch(/^fleet\/crew\/.* has not come to it yet/);
      for (const fleet of fleets) await world.temporal.workflow.getHandle(fleet)[how]();
      if (how === 'cancel') for (const fleet of fleets) await heard(fleet);
      else {
        expect(await waits()).toMatch(/^fleet\/crew\/.* was ended in Temporal/);
        await query(`update sluice.report set check_at = clock_timestamp() where account = any ($1)`, [accounts]);
        await ended(accounts);
      }
      for (const each of letGo) each();
      const runs = await ended(accounts);
      expect(new Set(runs.map((run) => run.state))).toEqual(new Set(how === 'cancel' ? ['done', state] : [state]));
      const reports = await reportsOf(accounts);
      expect(new Set(reports.map((each) => each.status))).toEqual(
        new Set(how === 'cancel' ? ['ok', status] : [status]),
      );
    }
  });
});
