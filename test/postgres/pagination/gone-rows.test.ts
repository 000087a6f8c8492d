import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';
import { readChanges } from '../../../db/index.ts';
import {
  defineProvider,
  defineSync,
  DefinitionError,
  get,
  noAuth,
  path,
  post,
  type Sync,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

/** A deleted row has nothing but its id. */
const File = z.object({ id: z.string(), name: z.string().optional(), removed: z.boolean().optional() });
type File = z.output<typeof File>;

describe('rows that say that they are gone', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let files: Record<string, readonly File[]>;
  let account: string;
  let counter = 0;

  const provider = defineProvider({ id: 'drive', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 1 });
  const list = provider.endpoint('files', {
    input: z.object({ folder: z.string() }),
    response: z.object({ items: z.array(File), next: z.string().nullish() }),
    request: ({ folder }, page) => get(`/folders/${folder}/files`, { limit: page.size, cursor: page.cursor }),
    paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next, pageSize: { start: 2 } },
  });
  const folders = provider.endpoint('folders', {
    input: z.object({}),
    response: z.object({ items: z.array(z.object({ id: z.string() })) }),
    request: () => get('/folders'),
    paginate: { kind: 'single', items: (body) => body.items },
  });
  const notes = provider.endpoint('notes', {
    input: z.object({ file: z.string() }),
    response: z.object({ id: z.string() }),
    request: ({ file }) => get(`/notes/${file}`),
  });
  const asked: string[] = [];
  /** Folders whose files can't be read. */
  const refused = new Set<string>();
  const tree = (deletions?: 'full-pass') =>
    defineSync('gone', { provider, input: z.object({}) }, (s) => {
      const all = s.one(folders, { input: () => ({}), key: ({ id }) => id });
      const inThem = s.each(all, list, {
        input: ({ id }) => ({ folder: id }),
        key: ({ id }) => id,
        isGone: (file) => file.removed === true,
        map: (file) => ({ name: (file.name as string).toUpperCase() }),
        allowEmpty: true,
        ...(deletions ? { deletions } : {}),
      });
      return {
        folders: all,
        files: inThem,
        notes: s.each(inThem, notes, {
          input: () => ({ file: 'x' }),
          key: ({ id }) => id,
          uniqueBy: ({ name }) => name,
        }),
      };
    });

  beforeAll(async () => {
    api = await startFakeApi();
    api.route('GET', '/folders', () => ({ body: { items: Object.keys(files).map((id) => ({ id })) } }));
    api.list('/folders/:folder/files', {
      items: ({ folder }) => {
        if (refused.has(folder)) throw new Error('this folder can not be read');
        return files[folder];
      },
      pageSize: { max: 10 },
    });
    api.route('GET', '/whole/:folder', ({ path, headers }) => {
      const folder = path.split('/').at(-1) ?? '';
      if (refused.has(folder)) return { status: 500 };
      const body = files[folder];
      const etag = `"${createHash('sha1').update(JSON.stringify(body)).digest('hex')}"`;
      return headers['if-none-match'] === etag ? { status: 304 } : { body, headers: { etag } };
    });
    api.route('GET', '/notes/:file', ({ path }) => (asked.push(path), { body: { id: 'n' } }));
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
  });
  beforeEach(() => {
    account = `acct-${counter++}`;
    asked.length = 0;
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const run = (sync: Sync = tree()) => drive.run(sync, { account });
  const feed = async (after?: string) => {
    const rows = await readChanges(db.pool, { account, resource: 'gone.files', after, limit: 1_000 });
    return { changes: rows.map(({ change, key }) => `${change} ${key}`), after: rows.at(-1)?.sequence ?? after };
  };
  const named = (id: string): File => ({ id, name: id });
  const removed = (id: string): File => ({ id, removed: true });

  it('are deleted in the feed, are not mapped, have no children, and are no rows of the list', async () => {
    files = { a: ['f1', 'f2', 'f3'].map(named) };
    expect(await run()).toMatchObject({ complete: true });
    const first = await feed();
    expect(asked).toHaveLength(3);
    files = { a: [removed('f2'), named('f4'), removed('never-seen')] };
    expect(await run()).toMatchObject({ state: 'done', complete: true, flaws: [] });
    const second = await feed(first.after);
    expect(second.changes.toSorted()).toEqual(['delete f2', 'upsert f4']);
    expect(asked).toHaveLength(3 + 1);
    // Told again, it changes nothing; that it is back does.
    files = { a: [removed('f2')] };
    expect(await run()).toMatchObject({ complete: true });
    expect((await feed(second.after)).changes).toEqual([]);
    files = { a: [named('f2')] };
    await run();
    expect((await feed(second.after)).changes).toEqual(['upsert f2']);
  });

  it('count as the last word on their key where a page has both', async () => {
    files = { a: [named('f1'), removed('f1'), removed('f2'), named('f2')] };
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect((await feed()).changes).toEqual(['upsert f2']);
  });

  it('stay as long as another parent has them, where lists are read as a whole', async () => {
    const sync = tree('full-pass');
    files = { a: [named('f1')], b: [named('f1')] };
    await run(sync);
    const first = await feed();
    files = { a: [removed('f1')], b: [named('f1')] };
    await run(sync);
    expect((await feed(first.after)).changes).toEqual([]);
    files = { a: [], b: [removed('f1')] };
    await run(sync);
    expect((await feed(first.after)).changes).toEqual(['delete f1']);
  });

  it('are none while they may have moved into a list that failed, and are found by the next run that reads all', async () => {
    const sync = tree('full-pass');
    files = { a: ['f1', 'f2', 'f3', 'f4'].map(named), b: [named('f5')] };
    await run(sync);
    const first = await feed();
    files = { a: [named('f1'), named('f4')], b: [named('f5'), named('f2')] };
    refused.add('b');
    expect(await run(sync)).toMatchObject({
      complete: false,
      flaws: [{ node: 'files', kind: 'failed', example: 'b' }],
    });
    const second = await feed(first.after);
    expect(second.changes).toEqual([]);
    refused.clear();
    expect(await run(sync)).toMatchObject({ complete: true });
    expect((await feed(second.after)).changes).toEqual(['delete f3']);
  });

  it('are none in a retry, of whose other lists one may have them since, and are found by the next run that reads all', async () => {
    const sync = tree('full-pass');
    files = { a: ['f1', 'f2'].map(named), b: ['f3', 'f4'].map(named) };
    await run(sync);
    refused.add('b');
    expect(await run(sync)).toMatchObject({ complete: false });
    const before = await feed();
    refused.clear();
    // One moves into the list that is not read again, and one is gone.
    files = { a: ['f1', 'f2', 'f3'].map(named), b: [] };
    const retryOf = { runId: drive.lastRunId(), also: [] };
    expect(await drive.run(sync, { account, retryOf })).toMatchObject({ complete: true });
    const after = await feed(before.after);
    expect(after.changes).toEqual([]);
    expect(await run(sync)).toMatchObject({ complete: true });
    expect((await feed(after.after)).changes).toEqual(['delete f4']);
  });

  it('that could not be told while another list failed are asked for again, where the list asks only whether it has changed', async () => {
    const whole = provider.endpoint('whole', {
      input: z.object({ folder: z.string() }),
      response: z.array(z.object({ id: z.string() })),
      request: ({ folder }) => get(`/whole/${folder}`),
      paginate: { kind: 'single', items: (rows) => rows },
      conditional: 'whole',
    });
    const sync = defineSync('kept', { provider, input: z.object({}) }, (s) => {
      const all = s.one(folders, { input: () => ({}), key: ({ id }) => id });
      const options = { key: ({ id }: { id: string }) => id, deletions: 'full-pass' } as const;
      return { all, files: s.each(all, whole, { input: ({ id }) => ({ folder: id }), ...options }) };
    });
    const rows = async (): Promise<string[]> => {
      const found = await db.pool.query<{ key: string }>(
        `select key from sluice.record where account = $1 and resource = 'kept.files' and deleted_at is null order by key`,
        [account],
      );
      return found.rows.map(({ key }) => key);
    };
    files = { a: ['f1', 'f2'].map(named), b: [named('f3')] };
    expect(await run(sync)).toMatchObject({ complete: true });
    files = { a: [named('f1')], b: [named('f3')] };
    refused.add('b');
    expect(await run(sync)).toMatchObject({ complete: false });
    expect(await rows()).toEqual(['f1', 'f2', 'f3']);
    refused.clear();
    expect(await run(sync)).toMatchObject({ complete: true });
    expect(await rows()).toEqual(['f1', 'f3']);
  });

  it('need a function that says so', () => {
    const wrong = () =>
      defineSync('wrong', { provider, input: z.object({}) }, (s) => ({
        files: s.one(list, { input: () => ({ folder: 'a' }), key: ({ id }) => id, isGone: 'removed' as never }),
      }));
    expect(wrong).toThrow(DefinitionError);
    expect(wrong).toThrow("isGone must be a function, e.g. (item) => item.status === 'cancelled'");
  });

  describe('are counted by the third party', () => {
    const Row = z.object({ id: z.string(), removed: z.boolean().optional(), note: z.string().optional() });
    type Row = z.output<typeof Row>;
    const rowsAt = (count: number, isRemoved: (n: number) => boolean): Row[] =>
      Array.from({ length: count }, (_, n) => ({ id: `r${n}`, ...(isRemoved(n) ? { removed: true } : {}) }));
    const newProvider = () =>
      defineProvider({ id: 'counts', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 3 });
    const exportOf = (counted: number, parts: readonly string[]) => {
      const counts = newProvider();
      const report = counts.endpoint('report', {
        input: z.object({}),
        response: z.array(Row),
        job: {
          submitted: z.object({ id: z.string() }),
          polled: z.object({ status: z.string() }),
          submit: () => post('/exports', {}),
          id: (answer) => answer.id,
          poll: (id) => get(path`/exports/${id}`),
          state: ({ status }) =>
            status === 'done' ? { state: 'done', rows: counted, results: parts } : { state: 'running', askAgainMs: 10 },
          pollMs: { first: 10 },
        },
        request: (_, page) => get(path`/parts/${page.job.result}`),
        format: 'ndjson',
        paginate: { kind: 'single', items: (rows) => rows },
      });
      return defineSync('counts', { provider: counts, input: z.object({}) }, (s) => ({
        rows: s.one(report, { input: () => ({}), key: ({ id }) => id, isGone: (row) => row.removed === true }),
      }));
    };
    const listOf = (lanes: number, more: { readonly advanceBy?: 'size' } = {}) => {
      const counts = newProvider();
      const list = counts.endpoint('list', {
        input: z.object({}),
        response: z.object({ items: z.array(Row), total: z.number() }),
        request: (_, page) => get('/counted', { limit: page.size, offset: page.offset }),
        paginate: {
          kind: 'offset',
          items: (body) => body.items,
          total: (body) => body.total,
          pageSize: { start: 5 },
          lanes,
          ...more,
        },
      });
      return defineSync('counts', { provider: counts, input: z.object({}) }, (s) => ({
        rows: s.one(list, { input: () => ({}), key: ({ id }) => id, isGone: (row) => row.removed === true }),
      }));
    };
    /** @param change is called before each answer, with the number of the call. @param step offsets are rounded down to it. */
    const serve = (
      total: number | (() => number),
      rows: Row[],
      change: (call: number) => void = () => {},
      step = 1,
    ) => {
      let call = 0;
      api.route('GET', '/counted', ({ query }) => {
        change(++call);
        const [asked, size] = [Number(query.get('offset')), Number(query.get('limit'))];
        const from = Math.floor(asked / step) * step;
        return { body: { items: rows.slice(from, from + size), total: typeof total === 'number' ? total : total() } };
      });
    };

    it('in all parts of a job together', async () => {
      api.jobs('/exports', {});
      // Two pages long.
      api.file('/parts/a', { format: 'ndjson', count: 2_500, rowAt: (n) => ({ id: `a${n}`, removed: true }) });
      api.file('/parts/b', { format: 'ndjson', count: 4, rowAt: (n) => ({ id: `b${n}` }) });
      expect(await run(exportOf(2_504, ['a', 'b']))).toMatchObject({ state: 'done', complete: true, flaws: [] });
      expect(await run(exportOf(2_505, ['a', 'b']))).toMatchObject({ complete: false });
    });

    it('once, where a file is read again because it is another one', async () => {
      api.jobs('/exports', {});
      let version = 0;
      const noise = Array.from({ length: 500 }, (_, n) => createHash('sha256').update(`${n}`).digest('hex')).join('');
      api.file('/parts/a', {
        format: 'ndjson',
        count: () => (++version === 1 ? 3_000 : 2_995),
        rowAt: (n) => ({
          id: `r${n}`,
          ...(n < 10 ? { removed: true } : {}),
          note: `${Math.min(version, 2)} ${noise.slice(n % 20_000, (n % 20_000) + 4_000)}`,
        }),
        cuts: [9_000_000],
      });
      expect(await run(exportOf(3_000, ['a']))).toMatchObject({
        state: 'incomplete',
        flaws: [expect.objectContaining({ reason: expect.stringMatching(/counts 3000/) })],
      });
    });

    it('once, where a list that is read with an overlap steps back', async () => {
      const rows = rowsAt(20, (n) => n % 2 === 1);
      serve(22, rows, (call) => void (call === 3 && rows.splice(0, 6)));
      expect(await run(listOf(1))).toMatchObject({
        state: 'incomplete',
        flaws: [
          expect.objectContaining({ reason: expect.stringMatching(/20 rows came, but the third party counts 22/) }),
        ],
      });
    });

    it('as the row that it was before, where it went while the list was read', async () => {
      const read = async (total: number) => {
        const counts = newProvider();
        const pages = [[{ id: 'a' }, { id: 'b' }], [{ id: 'c' }], [{ id: 'a', removed: true }]];
        api.route('GET', '/changes', ({ query }) => {
          const at = Number(query.get('at') ?? 0);
          return { body: { items: pages[at], next: at < 2 ? at + 1 : null, total } };
        });
        const list = counts.endpoint('changes', {
          input: z.object({}),
          response: z.object({ items: z.array(Row), next: z.number().nullable(), total: z.number() }),
          request: (_, page) => get('/changes', { at: page.cursor }),
          paginate: {
            kind: 'cursor',
            items: (body) => body.items,
            next: (body) => body.next,
            total: (body) => body.total,
          },
        });
        return run(
          defineSync('counts', { provider: counts, input: z.object({}) }, (s) => ({
            rows: s.one(list, { input: () => ({}), key: ({ id }) => id, isGone: (row) => row.removed === true }),
          })),
        );
      };
      expect(await read(3)).toMatchObject({ complete: true, flaws: [] });
      expect(await read(4)).toMatchObject({ complete: false });
    });

    it('once, where a list that has moved is read again', async () => {
      const serveMoving = (missing: number): void => {
        const rows = rowsAt(20, (n) => n % 2 === 1);
        serve(
          () => rows.length + missing,
          rows,
          (call) => void (call === 3 && rows.unshift({ id: 'new' })),
        );
      };
      serveMoving(0);
      expect(await run(listOf(1, { advanceBy: 'size' }))).toMatchObject({ complete: true, flaws: [] });
      serveMoving(5);
      expect(await run(listOf(1, { advanceBy: 'size' }))).toMatchObject({
        flaws: [
          expect.objectContaining({ reason: expect.stringMatching(/21 rows came, but the third party counts 26/) }),
        ],
      });
    });

    it('once, where a server rounds offsets, so that its pages can’t overlap', async () => {
      const rows = rowsAt(20, (n) => n % 2 === 1);
      serve(20, rows, undefined, 5);
      expect(await run(listOf(1))).toMatchObject({ complete: true, flaws: [] });
      serve(22, rows, undefined, 5);
      expect(await run(listOf(1))).toMatchObject({ complete: false });
    });

    it('over all lanes of a list, which is read once', async () => {
      const rows = rowsAt(100, (n) => n % 3 === 1);
      serve(100, rows);
      const result = await run(listOf(4));
      expect(result).toMatchObject({ state: 'done', complete: true, flaws: [] });
      expect(result?.calls).toBeLessThan(100 / 4 + 8);
      serve(104, rows);
      expect(await run(listOf(4))).toMatchObject({ state: 'incomplete' });
    });
  });
});
