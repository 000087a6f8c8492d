/** Lists of roots, which runs of one sync and account ask for with other inputs. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createQuarantine } from '../../../client/quarantine.ts';
import { defineProvider, defineSync, get, noAuth, path, seconds } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const Row = z.object({ id: z.string(), name: z.string(), at: z.number() });
type Row = z.infer<typeof Row>;
const BEGIN = 1_767_225_600;
const rowsOf = (project: string, at: number): Row[] =>
  [1, 2, 3].map((n) => ({ id: `${project}${n}`, name: `${project} ${n}`, at: at + n }));

describe('lists of roots', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const projects: Record<string, Row[]> = {};
  const syncOf = (hasOneList = false) => {
    Object.assign(projects, { a: rowsOf('a', BEGIN), b: [], c: rowsOf('c', BEGIN - 100_000) });
    stage.api.route('GET', '/projects/:id/rows', ({ query }, { id }) => {
      const since = query.get('since');
      const items = (projects[id] ?? []).filter(({ at }) => !since || at >= Number(since));
      return { status: 200, body: { items } };
    });
    const provider = defineProvider({ id: 'rooted', baseUrl: () => stage.api.url, auth: noAuth(), limits: [] });
    const rows = provider.endpoint('rows', {
      input: z.object({ id: z.string(), since: z.string().optional() }),
      response: z.object({ items: z.array(Row) }),
      request: ({ id, since }) => get(path`/projects/${id}/rows`, { since }),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    return defineSync(
      'rooted',
      { provider, input: z.object({ id: z.string(), today: z.number().optional() }) },
      (s) => ({
        rows: s.one(rows, {
          input: ({ id }, { watermark }) => ({ id, since: watermark }),
          key: ({ id }) => id,
          incremental: { field: ({ at }) => at, lookbackMs: seconds(1) },
          deletions: 'full-pass',
          ...(hasOneList ? { uniqueBy: ({ id }) => id } : {}),
        }),
      }),
    );
  };
  const kept = async () => {
    const { rows } = await stage.db.pool.query<{ key: string }>(
      'select key from sluice.record where account = $1 and deleted_at is null order by key',
      [stage.account],
    );
    return rows.map(({ key }) => key).join(' ');
  };

  it('keep what is known of each input apart', async () => {
    const { drive, account } = stage;
    const sync = syncOf();
    const read = (id: string) => drive.run(sync, { account, input: { id } });
    expect(await read('a')).toMatchObject({ complete: true, rows: 3 });
    // No row that was known has gone from it, nothing is older than what another one has brought, and nothing of that one is deleted.
    expect(await read('b')).toMatchObject({ complete: true, rows: 0 });
    expect(await read('c')).toMatchObject({ complete: true, rows: 3 });
    expect(await kept()).toBe('a1 a2 a3 c1 c2 c3');
    // The next run of the first one asks for what has changed, and a full one finds what is gone from it.
    projects['a']?.splice(0, 1);
    expect(await read('a')).toMatchObject({ complete: true, rows: 2 });
    expect(await drive.run(sync, { account, input: { id: 'a' }, mode: 'full' })).toMatchObject({ complete: true });
    expect(await kept()).toBe('a2 a3 c1 c2 c3');
  });

  it('give their functions the input of the run as the parent, also for rows that are read again from quarantine', async () => {
    const { api, drive, account, db } = stage;
    api.route('GET', '/rows', () => ({ body: { items: [{ id: '1' }, { id: '2' }, { id: 3 }] } }));
    const syncWith = (id: z.ZodType<string>) => {
      const provider = defineProvider({ id: 'rooted', baseUrl: () => api.url, auth: noAuth(), limits: [] });
      const rows = provider.endpoint('rows', {
        input: z.object({}),
        response: z.object({ items: z.array(z.object({ id })) }),
        request: () => get('/rows'),
        paginate: { kind: 'single', items: ({ items }) => items },
        onMismatch: 'quarantine',
      });
      return defineSync('named', { provider, input: z.object({ org: z.string() }) }, (s) => ({
        rows: s.one(rows, {
          input: () => ({}),
          key: ({ id }, { org }) => `${org}/${id}`,
          map: ({ id }, { org }) => ({ id, org }),
        }),
      }));
    };
    const stored = async () => {
      const { rows } = await db.pool.query('select key, data from sluice.record where account = $1 order by key', [
        account,
      ]);
      return rows;
    };
    const row = (id: string) => ({ key: `acme/${id}`, data: { id, org: 'acme' } });
    expect(await drive.run(syncWith(z.string()), { account, input: { org: 'acme' } })).toMatchObject({ rows: 2 });
    expect(await stored()).toEqual([row('1'), row('2')]);
    const again = await createQuarantine(db.pool).readAgain(syncWith(z.coerce.string()), { account });
    expect(again).toEqual({ stored: 1, left: 0 });
    expect(await stored()).toEqual([row('1'), row('2'), row('3')]);
  });

  it.each([
    ['`uniqueBy` says so', true, 'a'],
    ['what differs is not handed on to it', false, '{"id":"a"}'],
  ])('are one where %s', async (_, hasOneList, key) => {
    const { drive, account, db } = stage;
    const sync = syncOf(hasOneList);
    for (const today of [1, 2]) await drive.run(sync, { account, input: { id: 'a', today } });
    const { rows } = await db.pool.query('select parent_key, rows::int from sluice.list where account = $1', [account]);
    expect(rows).toEqual([{ parent_key: key, rows: 3 }]);
    const { rows: asked } = await db.pool.query(
      'select since is null as "isFirst" from sluice.unit order by id desc limit 2',
    );
    expect(asked).toEqual([{ isFirst: false }, { isFirst: true }]);
  });
});

describe('a list that is asked for what has changed, and brings nothing at all', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const Changing = z.object({ id: z.string(), updated: z.union([z.string(), z.number()]) });
  type Changing = z.infer<typeof Changing>;
  /** @param matches how the third party compares: as SQLite does, by the letters, or by a number. */
  const syncOf = (rowsNow: () => Changing[], matches: (updated: Changing['updated'], since: string) => boolean) => {
    const asked: string[] = [];
    stage.api.route('GET', '/rows', ({ query }) => {
      const since = query.get('since');
      asked.push(since ?? 'all');
      return { status: 200, body: { items: rowsNow().filter(({ updated }) => !since || matches(updated, since)) } };
    });
    const provider = defineProvider({ id: 'vain', baseUrl: () => stage.api.url, auth: noAuth(), limits: [] });
    const rows = provider.endpoint('rows', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({ items: z.array(Changing) }),
      request: ({ since }) => get('/rows', { since }),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const sync = defineSync('vain', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(rows, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ updated }) => updated, lookbackMs: seconds(1) },
      }),
    }));
    const run = async () => {
      asked.length = 0;
      const result = await stage.drive.run(sync, { account: stage.account });
      const { rows: stored } = await stage.db.pool.query<{ key: string }>(
        'select key from sluice.record where account = $1 and deleted_at is null order by key',
        [stage.account],
      );
      return { complete: result?.complete, stored: stored.map(({ key }) => key), asked: asked.map(shortened) };
    };
    return run;
  };
  const shortened = (since: string): string => (since === 'all' ? since : 'since');

  it('is read from its beginning: times may be compared in another form than they are asked for in', async () => {
    const rows = [{ id: 'a', updated: '2026-11-29 04:13:47.440Z' }];
    const run = syncOf(
      () => rows,
      (updated, since) => updated >= since,
    );
    expect(await run()).toEqual({ complete: true, stored: ['a'], asked: ['all'] });
    rows.push({ id: 'b', updated: '2026-11-29 05:00:00.000Z' });
    // By the letters a space comes before the T.
    expect(await run()).toEqual({ complete: true, stored: ['a', 'b'], asked: ['since', 'all'] });
  });

  it('is not complete where all of it is empty then, as for a token that is over', async () => {
    let isOver = false;
    const rows = [{ id: 'a', updated: '2026-11-29T04:13:47Z' }];
    const run = syncOf(
      () => (isOver ? [] : rows),
      (updated, since) => updated >= since,
    );
    expect(await run()).toMatchObject({ complete: true });
    isOver = true;
    expect(await run()).toEqual({ complete: false, stored: ['a'], asked: ['since', 'all'] });
  });

  it('is read once from its beginning where its newest row was deleted', async () => {
    let rows = [1, 2].map((n) => ({ id: `${n}`, updated: 1_790_000_000 + 100 * n }));
    const run = syncOf(
      () => rows,
      (updated, since) => Number(updated) >= Number(since),
    );
    expect(await run()).toMatchObject({ complete: true, asked: ['all'] });
    rows = rows.slice(0, 1);
    expect(await run()).toMatchObject({ complete: true, asked: ['since', 'all'] });
    expect(await run()).toMatchObject({ complete: true, asked: ['since'] });
  });

  it('is complete where it is asked behind an id: there its last row does not come again', async () => {
    const run = syncOf(
      () => [{ id: 'a', updated: 17 }],
      (updated, since) => Number(updated) > Number(since),
    );
    expect(await run()).toMatchObject({ complete: true, asked: ['all'] });
    expect(await run()).toEqual({ complete: true, stored: ['a'], asked: ['since'] });
  });
});
