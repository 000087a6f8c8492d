/** Exports of many rows, as one file each: read and stored piece by piece. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Drive } from '../../../bench/common/drive.ts';
import { defineSync, get } from '../../../providers/index.ts';
import type { FakeApi, FileOptions } from '../../../testing/index.ts';
import { tarOf, zipOf } from '../../setup/zip-of.ts';
import { onListStage, openProvider } from '../../setup/list-stage.ts';
import type { TestDatabase } from '../../setup/servers/database.ts';

const COUNT = 3_000;
/** Rows are so large that a connection holds few of them: what comes before a cut is stored before it. */
const NOISE = Array.from({ length: 1_000 }, (_, n) => createHash('sha256').update(String(n)).digest('hex')).join('');
const paddingOf = (n: number): string => NOISE.slice(n % 50_000, (n % 50_000) + 4_000);
const CUT = 9_000_000;

describe('a file of rows', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let account: string;
  onListStage((stage) => ({ api, db, drive, account } = stage));

  const syncOf = (format: 'csv' | 'ndjson') => {
    const provider = openProvider(api, 'exports', 4);
    const Row = z.object({ id: z.string(), note: z.string() });
    const file = provider.endpoint('file', {
      input: z.object({}),
      response: z.array(Row),
      request: () => get('/file'),
      format,
      paginate: { kind: 'single', items: (rows, { file: name }) => rows.map((row) => ({ ...row, file: name })) },
    });
    return defineSync('exports', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(file, { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' }),
    }));
  };
  const serve = (more: Partial<FileOptions<'/file'>> & Pick<FileOptions<'/file'>, 'format'>): void => {
    api.file('/file', {
      count: COUNT,
      rowAt: (n) => ({ id: `r${n}`, note: `a "row",\nnumber ${n} ${paddingOf(n)}` }),
      ...more,
    });
  };
  const stored = async (): Promise<number> =>
    (await db.pool.query('select 1 from sluice.record where account = $1 and deleted_at is null', [account]))
      .rowCount ?? 0;
  const run = (format: 'csv' | 'ndjson') => drive.run(syncOf(format), { account });

  it.each(['csv', 'ndjson'] as const)('%s that is packed is read by one call, in many pages', async (format) => {
    serve({ format, gzip: true });
    expect(await run(format)).toMatchObject({ state: 'done', complete: true, calls: 1 });
    expect(await stored()).toBe(COUNT);
    const { rows } = await db.pool.query('select pages, items, rows from sluice.unit where run_id = $1', [
      drive.lastRunId(),
    ]);
    expect(rows).toEqual([{ pages: expect.toSatisfy((pages: number) => pages > 5), items: COUNT, rows: COUNT }]);
  });

  it('in a zip of several is read file after file, by one call, and its rows know theirs', async () => {
    const zip = { 'orders/': 0, 'orders/a.csv': 1_200, 'orders/b.csv': 1_000, 'orders/empty.csv': 0, 'c.csv': 800 };
    serve({ format: 'csv', zip });
    expect(await run('csv')).toMatchObject({ state: 'done', complete: true, calls: 1, rows: COUNT });
    const { rows } = await db.pool.query(
      "select data->>'file' as file, count(*)::int as n from sluice.record where account = $1 group by 1 order by 1",
      [account],
    );
    expect(rows).toEqual([
      { file: 'c.csv', n: 800 },
      { file: 'orders/a.csv', n: 1_200 },
      { file: 'orders/b.csv', n: 1_000 },
    ]);
  });

  it('in a packed tar of several is read as in a zip', async () => {
    const rows = (name: string, count: number) =>
      `id,note\n${Array.from({ length: count }, (_, n) => `${name}${n},note\n`).join('')}`;
    const tar = tarOf({ 'out/': '', 'out/a.csv': rows('a', 2_500), 'out/b.csv': rows('b', 500) });
    api.binary('/file', { content: gzipSync(tar), type: 'application/gzip' });
    expect(await run('csv')).toMatchObject({ state: 'done', complete: true, calls: 1, rows: COUNT });
    const { rows: found } = await db.pool.query(
      "select data->>'file' as file, count(*)::int as n from sluice.record where account = $1 group by 1 order by 1",
      [account],
    );
    expect(found).toEqual([
      { file: 'out/a.csv', n: 2_500 },
      { file: 'out/b.csv', n: 500 },
    ]);
  });

  it('in a zip goes on behind what is stored, in the middle of a later file', async () => {
    const rowAt = (n: number) => ({ id: `r${n}`, note: paddingOf(n * 4_001) });
    serve({ format: 'ndjson', zip: { a: 100, b: 1_500, c: 1_400 }, rowAt, cuts: [3_000_000, 4_500_000] });
    expect(await run('ndjson')).toMatchObject({ state: 'done', complete: true, calls: 3, rows: COUNT });
    const { rows } = await db.pool.query('select items, rows, pages from sluice.unit where run_id = $1', [
      drive.lastRunId(),
    ]);
    expect(rows).toEqual([{ items: COUNT, rows: COUNT, pages: expect.toSatisfy((pages: number) => pages > 5) }]);
  });

  it('goes on behind what is stored when its connection breaks', async () => {
    serve({ format: 'csv', cuts: [CUT, CUT + 1_000_000] });
    expect(await run('csv')).toMatchObject({ state: 'done', complete: true, calls: 3, rows: COUNT });
    expect(await stored()).toBe(COUNT);
    const { rows } = await db.pool.query('select items, rows from sluice.unit where run_id = $1', [drive.lastRunId()]);
    // What was stored was not stored again.
    expect(rows).toEqual([{ items: COUNT, rows: COUNT }]);
  });

  it('is read anew when it is another one in the middle, and its old rows are gone', async () => {
    let version = 0;
    serve({
      format: 'csv',
      cuts: [CUT],
      count: () => (version++, COUNT),
      rowAt: (n) => ({ id: `v${Math.min(version, 2)}-${n}`, note: paddingOf(n) }),
    });
    // A part of the first version, a look at the second one, and all of it.
    expect(await run('csv')).toMatchObject({ state: 'done', complete: true, calls: 3 });
    expect(await stored()).toBeGreaterThan(COUNT);
    expect(await drive.run(syncOf('csv'), { account, mode: 'full' })).toMatchObject({ complete: true });
    const { rows } = await db.pool.query(
      'select substr(key, 1, 2) as v, count(*)::int as n from sluice.record where account = $1 and deleted_at is null group by 1',
      [account],
    );
    expect(rows).toEqual([{ v: 'v2', n: COUNT }]);
  });

  it('that is another one each time ends as truncated', async () => {
    let calls = 0;
    api.file('/file', {
      format: 'csv',
      count: () => (calls++, COUNT),
      rowAt: (n) => ({ id: `r${n}`, note: `version ${calls} ${paddingOf(n)}` }),
      cuts: Array.from({ length: 6 }, () => CUT),
    });
    expect(await run('csv')).toMatchObject({
      state: 'incomplete',
      flaws: [expect.objectContaining({ kind: 'truncated', reason: expect.stringMatching(/changes faster/) })],
    });
  });

  it('whose connection always breaks at the same place fails with what is stored', async () => {
    serve({ format: 'ndjson', cuts: Array.from({ length: 9 }, () => CUT) });
    expect(await run('ndjson')).toMatchObject({ state: 'failed', complete: false });
    expect(await stored()).toBeGreaterThan(1_000);
  });

  it.each([
    [undefined, 'told', true],
    [undefined, 'untold', false],
    ['gzip', 'untold', true],
    ['zip', 'untold', true],
  ] as const)('packed as %s, whose end is %s, is complete: %s', async (packing, length, complete) => {
    const rows = Buffer.from('{"id":"a","note":""}\n');
    const body = packing === 'gzip' ? gzipSync(rows) : packing === 'zip' ? zipOf({ a: String(rows) }) : rows;
    api.route('GET', '/file', () =>
      length === 'told' ? { body } : { stream: Readable.from([body]), framing: length },
    );
    const result = await run('ndjson');
    expect(result).toMatchObject({ complete, rows: 1 });
    if (!complete) expect(result?.flaws[0]?.reason).toContain('nothing says where the body ends');
  });
});
