/** A worker that is lost after a step was stored, and before its workflow heard of it: the step is done once more. */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';
import {
  askRun,
  commitPage,
  finishNode,
  finishRun,
  nextUnits,
  openRetry,
  readPauses,
  readProgress,
  setRunState,
} from '../../../db/index.ts';
import { endOpenUnits } from '../../../db/stores/run/run-ending-store.ts';
import { closeUnopened, enterRun } from '../../../db/stores/run/run-store.ts';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { NODE, openList, RESOURCE, type Place } from '../../setup/interleavings/one-list.ts';
import { pageToCommit } from '../../setup/page-to-commit.ts';

const ItemPage = z.object({ items: z.array(z.object({ id: z.string() })), total: z.number() });

describe('a call of a list that is made again, since its worker was lost with what it had stored', () => {
  let db: TestDatabase;
  let drive: Drive;
  let api: FakeApi;
  beforeAll(async () => {
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
    api = await startFakeApi();
  });
  afterAll(async () => {
    await api?.stop();
    await drive?.end();
    await db?.drop();
  });

  it.each([
    { what: 'that has no other page', count: 25, state: 'ended' },
    { what: 'that goes on', count: 65, state: 'more' },
  ])('says that there may be lanes of which nobody has told: of a lane $what', async ({ count, state }) => {
    const path = `/lists/${count}`;
    api.list(path, { count, itemAt: (_, i) => ({ id: `${i}` }), pagination: 'page', total: 'exact' });
    const provider = defineProvider({ id: 'lanes', baseUrl: api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('list', {
      input: z.object({}),
      response: ItemPage,
      request: (_, page) => get(path, { page: page.number, limit: page.size }),
      paginate: {
        kind: 'page',
        items: ({ items }) => items,
        total: ({ total }) => total,
        pageSize: { start: 10, max: 10 },
        lanes: 3,
      },
    });
    const sync = defineSync('lanes', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: (input) => input, key: ({ id }) => id }),
    }));
    const runId = randomUUID();
    const { units } = await drive.open(sync, runId);
    const of = { runId, node: 'rows', unit: units[0]?.id ?? 0 };
    expect(await drive.call(sync, of)).toMatchObject({ lanes: expect.any(Number) as number });
    expect(await drive.call(sync, of)).toMatchObject({ state, hasMoved: true });
  });
});

describe('a step of a run that is done twice', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db?.drop());

  const standing = async ({ run }: Place) => {
    const { rows } = await db.pool.query(
      `select to_jsonb(n) as node, (select jsonb_agg(to_jsonb(u) order by u.id) from sluice.unit u where u.run_id = n.run_id) as units
       from sluice.node n where n.run_id = $1`,
      [run],
    );
    return { progress: await readProgress(db.pool, { runId: run }), rows };
  };
  const page = ({ run, unit, account }: Place) =>
    pageToCommit({ run, unit, node: NODE, account, resource: RESOURCE }, { records: [['a', {}]] });

  it.each<[string, (place: Place) => Promise<unknown>]>([
    ['nextUnits', ({ run }) => nextUnits(db.pool, run, [{ node: NODE, inHand: [], room: 5 }])],
    ['enterRun', ({ run }) => enterRun(db.pool, run)],
    ['a pause', ({ run }) => setRunState(db.pool, run, 'paused')],
    ['a resume', ({ run }) => setRunState(db.pool, run, 'running')],
    // Whether there was something to end is for its log.
    ['endOpenUnits', ({ run }) => endOpenUnits(db.pool, run, 'late').then(() => undefined)],
    ['finishNode', ({ run }) => finishNode(db.pool, run, NODE, 0)],
    ['finishRun', ({ run }) => finishRun(db.pool, run, {})],
    ['finishRun of one that is cancelled', ({ run }) => finishRun(db.pool, run, { cancelled: true })],
    ['closeUnopened', ({ run }) => closeUnopened(db.pool, run, { workflowId: run, sync: 's', account: run })],
  ])('answers the same, and changes nothing more: %s', async (_, step) => {
    const place = await openList(db.pool);
    await commitPage(db.pool, page(place));
    const first = await step(place);
    const after = await standing(place);
    expect(await step(place)).toEqual(first);
    expect(await standing(place)).toEqual(after);
  });

  it('overturns nothing when its worker was frozen: a pause that comes after the resume, a resume that comes after a second pause', async () => {
    const { run } = await openList(db.pool);
    const state = async () => (await readProgress(db.pool, { runId: run }))?.state;
    const pause = () => setRunState(db.pool, run, 'paused', { isWritten: true });
    const resume = () => setRunState(db.pool, run, 'running', { pauses: 1 });
    expect(await askRun(db.pool, run, 'pause')).toBe(true);
    expect(await pause()).toBe('paused');
    expect(await resume()).toBe('running');
    // The first worker's task has timed out, and another one has done all of it; now it wakes.
    expect(await pause()).toBe('running');
    expect(await state()).toBe('running');
    await askRun(db.pool, run, 'pause');
    expect(await resume()).toBe('paused');
    expect(await state()).toBe('paused');
  });

  it('answers the same when it resumes a run whose account was connected again', async () => {
    const place = await openList(db.pool);
    await db.pool.query(`insert into sluice.account (provider, account) values ('p', $1)`, [place.account]);
    await db.pool.query(`update sluice.run set state = 'paused', paused_by = 'auth' where id = $1`, [place.run]);
    expect(await setRunState(db.pool, place.run, 'running', { isReconnected: true })).toBe('running');
    expect(await setRunState(db.pool, place.run, 'running', { isReconnected: true })).toBe('running');
    // And one that its operator has paused stays so.
    await setRunState(db.pool, place.run, 'paused');
    expect(await setRunState(db.pool, place.run, 'running', { isReconnected: true })).toBe('paused');
  });

  it('does not let a run go on that is to be cancelled, whoever asks, and leaves one alone that has ended', async () => {
    const place = await openList(db.pool);
    await askRun(db.pool, place.run, 'cancel');
    await askRun(db.pool, place.run, 'pause');
    // A resume that was asked for before, and arrives only now.
    expect(await setRunState(db.pool, place.run, 'running')).toBe('paused');
    expect(await setRunState(db.pool, place.run, 'paused')).toBe('paused');
    expect(await readProgress(db.pool, { runId: place.run })).toMatchObject({ state: 'paused', pausedBy: 'cancel' });
    await finishRun(db.pool, place.run, { cancelled: true });
    await askRun(db.pool, place.run, 'pause');
    expect(await readProgress(db.pool, { runId: place.run })).toMatchObject({ state: 'cancelled' });
  });

  it('does not let a run go on by a resume that was asked for before its last pause', async () => {
    const place = await openList(db.pool);
    await askRun(db.pool, place.run, 'pause');
    const before = await readPauses(db.pool, place.run);
    await askRun(db.pool, place.run, 'pause');
    expect(before).toBe(1);
    expect(await setRunState(db.pool, place.run, 'running', { pauses: 1 })).toBe('paused');
    expect(await setRunState(db.pool, place.run, 'running', { pauses: 2 })).toBe('running');
  });

  it.each(['pause', 'cancel'] as const)('opens a run as was asked before it was opened: %s', async (what) => {
    for (let round = 0; round < 20; round++) {
      const run = randomUUID();
      // Before it, at the same moment, and whichever comes first: never a run that makes calls.
      if (round === 0) await askRun(db.pool, run, what);
      const [{ run: opened }] = await Promise.all([
        openList(db.pool, { run }),
        round === 0 ? undefined : askRun(db.pool, run, what),
      ]);
      expect(await readProgress(db.pool, { runId: opened })).toMatchObject({
        state: 'paused',
        pausedBy: what === 'cancel' ? 'cancel' : 'operator',
      });
    }
    const { rows } = await db.pool.query('select from sluice.run_wish');
    expect(rows).toEqual([]);
  });

  it('opens a retry once, whatever its ended run stores at that moment', async () => {
    const place = await openList(db.pool);
    await finishRun(db.pool, place.run, { cancelled: true });
    const retry = { runId: randomUUID(), workflowId: 'w', of: place.run, also: [] };
    const first = await openRetry(db.pool, retry);
    expect(first).toMatchObject({ state: 'running', units: [{ node: NODE }] });
    expect(await openRetry(db.pool, retry)).toEqual(first);
    const { rows } = await db.pool.query('select waiting, running from sluice.node where run_id = $1', [retry.runId]);
    expect(rows).toEqual([{ waiting: 0, running: 1 }]);
  });

  it('ends also the lanes that a page brings which is just being stored', async () => {
    const place = await openList(db.pool);
    await nextUnits(db.pool, place.run, [{ node: NODE, inHand: [], room: 5 }]);
    const storing: PoolClient = await db.pool.connect();
    try {
      await storing.query('begin');
      const start = { lanes: 3, size: 10, stride: 10, next: 1, plannedEnd: 9, capped: null, last: null };
      await commitPage(storing, { ...page(place), start });
      const ending = endOpenUnits(db.pool, place.run, 'its deadline has passed');
      await expect
        .poll(async () => (await db.pool.query('select 1 from pg_locks where not granted')).rowCount)
        .toBeGreaterThan(0);
      await storing.query('commit');
      await ending;
    } finally {
      storing.release(true);
    }
    const { rows } = await db.pool.query(
      'select end_kind, count(*) as n from sluice.unit where run_id = $1 group by 1',
      [place.run],
    );
    expect(rows).toEqual([{ end_kind: 'truncated', n: 3 }]);
    expect((await standing(place)).progress?.nodes[0]?.units).toMatchObject({ waiting: 0, running: 0, done: 3 });
  });
});
