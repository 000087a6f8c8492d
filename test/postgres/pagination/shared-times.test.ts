/** Lists whose pages go on behind a time, of rows that share times. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type Paginate } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const Row = z.object({ id: z.string(), meta: z.object({ at: z.string(), epoch: z.number() }) });
type Row = z.infer<typeof Row>;
const Body = z.object({ items: z.array(Row), next: z.string().nullish(), total: z.number().optional() });
type Body = z.infer<typeof Body>;
type Options = Partial<Extract<Paginate<Body, Row>, { kind: 'cursor' }>>;

/** @param shared rows of one second. */
function rowsOf(count: number, shared: number): Row[] {
  return Array.from({ length: count }, (_, n) => {
    const epoch = 1_767_225_600 + Math.floor(n / shared);
    return { id: `r${n}`, meta: { at: new Date(epoch * 1_000).toISOString(), epoch } };
  });
}

/** All of one millisecond. */
function inMicroseconds(count: number): Row[] {
  return Array.from({ length: count }, (_, n) => {
    const at = `2026-01-01T00:00:00.123${String(n).padStart(3, '0')}Z`;
    return { id: `r${n}`, meta: { at, epoch: microsecondsOf(at) } };
  });
}
const microsecondsOf = (text: string) => Number(text.slice(-4, -1));

describe('pages that go on behind a time', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  interface Server {
    readonly rows: readonly Row[];
    readonly isInclusive?: boolean;
    /** The cursor as the server reads it. */
    readonly epochOf?: (cursor: string) => number;
    readonly isCounted?: boolean;
    /** How the server finds what follows, where it is not by the epoch alone. */
    readonly behind?: (row: Row, cursor: string) => boolean;
  }
  const secondsOf = (cursor: string) => Date.parse(cursor) / 1_000;

  const read = async (server: Server, options: Options) => {
    const { rows, isInclusive, epochOf = secondsOf, isCounted } = server;
    const { api, drive, account } = stage;
    api.route('GET', '/rows', ({ query }) => {
      const size = Number(query.get('limit'));
      const after = query.get('after');
      const from = after && !server.behind ? epochOf(after) : -1;
      const isBehind = server.behind ?? (({ meta }: Row) => (isInclusive ? meta.epoch >= from : meta.epoch > from));
      const behind = after ? rows.filter((row) => isBehind(row, after)) : rows;
      const items = behind.slice(0, size);
      const next = items.length < size ? null : items.at(-1)?.meta.at;
      return { status: 200, body: { items, next, ...(isCounted ? { total: rows.length } : {}) } };
    });
    const provider = defineProvider({ id: 'timed', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: Body,
      request: (_, page) => get('/rows', { limit: page.size, after: page.cursor }),
      paginate: {
        kind: 'cursor',
        items: (body) => body.items,
        next: (body) => body.next,
        pageSize: { start: 10 },
        ...options,
      },
    });
    const sync = defineSync('timed', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: (row) => row.id }),
    }));
    return drive.run(sync, { account });
  };
  const LAST_ROW: Options = { next: ({ items }) => items.at(-1)?.meta.at };
  const LAST_EPOCH: Options = { next: ({ items }) => items.at(-1)?.meta.epoch };
  const truncated = {
    complete: false,
    flaws: [
      {
        kind: 'truncated',
        reason: expect.stringMatching(/behind `meta\.(at|epoch)`, which several rows share.*`>=`/) as string,
      },
    ],
  };

  it.each<[string, Server, Options]>([
    ['named by the server', { rows: rowsOf(45, 3) }, {}],
    ['taken from the last row', { rows: rowsOf(45, 3) }, LAST_ROW],
    ['in seconds', { rows: rowsOf(45, 3), epochOf: Number }, LAST_EPOCH],
    [
      'which another field of one last row happens to have as well',
      {
        rows: rowsOf(45, 3).map(({ id, meta }, n) => ({ id, meta: n === 9 ? meta : { ...meta, epoch: 7 * n } })),
        behind: ({ meta }, cursor) => meta.at > cursor,
      },
      {},
    ],
    [
      'written in another way',
      { rows: rowsOf(45, 3) },
      { next: ({ items }) => items.at(-1)?.meta.at.replace('Z', '+00:00') },
    ],
    [
      'in seconds, of rows that tell milliseconds',
      { rows: rowsOf(45, 3), epochOf: Number },
      { next: ({ items }) => (items.length > 0 ? secondsOf(items.at(-1)?.meta.at ?? '') : null) },
    ],
    [
      'the one behind the last, and itself',
      { rows: rowsOf(45, 3), epochOf: Number, isInclusive: true },
      { next: ({ items }) => (items.length > 0 ? (items.at(-1)?.meta.epoch ?? 0) + 1 : null) },
    ],
    [
      'the only value of a key',
      { rows: rowsOf(45, 3), epochOf: (cursor) => (JSON.parse(cursor) as number[])[0] ?? 0 },
      { next: ({ items }) => (items.length > 0 ? JSON.stringify([items.at(-1)?.meta.epoch]) : null) },
    ],
    ...(['base64', 'base64url', 'hex'] as const).map((form): [string, Server, Options] => [
      `wrapped in ${form}`,
      { rows: rowsOf(45, 3), epochOf: (cursor) => Number(Buffer.from(cursor, form).toString().replaceAll(/\D/g, '')) },
      {
        next: ({ items }) =>
          items.length > 0 ? Buffer.from(JSON.stringify({ at: items.at(-1)?.meta.epoch })).toString(form) : null,
      },
    ]),
    ['that only some rows share', { rows: [...rowsOf(9, 1), ...rowsOf(45, 3).slice(9)] }, LAST_ROW],
  ])('are not all rows where it leaves itself out: %s', async (_, server, options) => {
    const result = await read(server, options);
    expect(result?.rows).toBeLessThan(server.rows.length);
    expect(result).toMatchObject(truncated);
  });

  it.each([
    ['the time alone', '', false],
    ['the time and the id', '&id=', true],
  ])('are looked at where an address names %s', async (_, id, isComplete) => {
    const { api, drive, account } = stage;
    const rows = rowsOf(45, 3);
    api.route('GET', '/linked', ({ query }) => {
      const [after, behind] = [query.get('after'), query.get('id')];
      const left = rows.filter((row, n) =>
        behind ? n > Number(behind.slice(1)) : !after || row.meta.epoch > secondsOf(after),
      );
      const items = left.slice(0, 10);
      const last = items.at(-1);
      const more = id === '' ? '' : `${id}${last?.id}`;
      const next = left.length > 10 ? `/linked?limit=10&after=${encodeURIComponent(last?.meta.at ?? '')}${more}` : null;
      return { status: 200, body: { items, next } };
    });
    const provider = defineProvider({ id: 'timed', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('linked', {
      input: z.object({}),
      response: Body,
      request: () => get('/linked', { limit: 10 }),
      paginate: { kind: 'link', items: (body) => body.items, next: (body) => body.next },
    });
    const sync = defineSync('timed', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: (row) => row.id }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject(isComplete ? { complete: true, rows: 45 } : truncated);
  });

  it.each<[string, Server, Options]>([
    ['it counts itself', { rows: rowsOf(45, 3), isInclusive: true }, LAST_ROW],
    ['no two rows share it', { rows: rowsOf(45, 1) }, LAST_ROW],
    [
      'the rows are counted, and all came',
      { rows: rowsOf(40, 5), isCounted: true },
      { ...LAST_ROW, total: ({ total }) => total },
    ],
    [
      'a second is asked for again',
      { rows: rowsOf(45, 3) },
      { next: ({ items }) => new Date(Date.parse(items.at(-1)?.meta.at ?? '') - 1_000).toISOString() },
    ],
    ['there is one page alone', { rows: rowsOf(9, 3) }, {}],
    ['there is one page alone, and a blank one', { rows: rowsOf(9, 3) }, LAST_ROW],
    [
      'it counts itself, and there is one page alone, all of one second',
      { rows: rowsOf(3, 3), isInclusive: true },
      LAST_ROW,
    ],
    ['it tells microseconds, which no two rows share', { rows: inMicroseconds(45), epochOf: microsecondsOf }, LAST_ROW],
    [
      'a key has the id, too',
      {
        rows: rowsOf(45, 3),
        behind: (row, cursor) => Number(row.id.slice(1)) > Number((JSON.parse(cursor) as string[])[1]?.slice(1)),
      },
      {
        next: ({ items: [...items] }) =>
          items.length > 0 ? JSON.stringify([items.at(-1)?.meta.epoch, items.at(-1)?.id]) : null,
      },
    ],
    [
      'a wrapped key has the id, too',
      {
        rows: rowsOf(45, 3),
        behind: (row, cursor) => Number(row.id.slice(1)) > Number((JSON.parse(atob(cursor)) as string[])[1]?.slice(1)),
      },
      {
        next: ({ items: [...items] }) =>
          items.length > 0 ? btoa(JSON.stringify([items.at(-1)?.meta.epoch, items.at(-1)?.id])) : null,
      },
    ],
    [
      'it tells more than the rows do',
      { rows: rowsOf(45, 3), behind: (row, cursor) => Number(row.id.slice(1)) > Number(cursor.split('.')[1]) },
      {
        next: ({ items }) =>
          items.length > 0 ? `${items.at(-1)?.meta.epoch}.${(items.at(-1)?.id ?? '').slice(1).padStart(6, '0')}` : null,
      },
    ],
    ['the definition says so', { rows: rowsOf(40, 5) }, { ...LAST_ROW, guards: { 'missing-rows': false } }],
  ])('are complete where %s', async (_, server, options) => {
    expect(await read(server, options)).toMatchObject({ complete: true, rows: server.rows.length });
  });

  it('end as looped where a page full of one second may hide others of it', async () => {
    const result = await read({ rows: rowsOf(12, 12), isInclusive: true }, { ...LAST_ROW, pageSize: { start: 100 } });
    expect(result).toMatchObject({ complete: true, rows: 12 });
    for (const start of [10, 12]) {
      const full = await read({ rows: rowsOf(30, 30), isInclusive: true }, { ...LAST_ROW, pageSize: { start } });
      expect(full).toMatchObject({ complete: false, flaws: [{ kind: 'looped' }] });
    }
  });
});

describe('pages that go on behind what rows are sorted by', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  interface Ranked {
    readonly id: string;
    readonly score: number;
    readonly name: string;
  }
  const rows: Ranked[] = Array.from({ length: 45 }, (_, n) => ({
    id: `r${n}`,
    score: 100 - Math.floor(n / 3),
    name: `n${String(Math.floor(n / 3)).padStart(3, '0')}`,
  }));
  /** @param isBehind whether a row is behind a cursor. */
  const read = async (
    isBehind: (row: Ranked, cursor: string, all: readonly Ranked[]) => boolean,
    next: (last: Ranked) => string | number | null,
    all = rows,
  ) => {
    const { api, drive, account } = stage;
    api.route('GET', '/ranked', ({ query }) => {
      const cursor = query.get('after');
      const items = all.filter((row) => cursor === null || isBehind(row, cursor, all)).slice(0, 10);
      return { status: 200, body: { items } };
    });
    const provider = defineProvider({ id: 'ranked', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('ranked', {
      input: z.object({}),
      response: z.object({ items: z.array(z.custom<Ranked>()) }),
      request: (_, page) => get('/ranked', { limit: page.size, after: page.cursor }),
      paginate: {
        kind: 'cursor',
        items: ({ items }) => items,
        next: ({ items }) => (items.length === 0 ? null : next(items.at(-1) as Ranked)),
        pageSize: { start: 10 },
      },
    });
    const sync = defineSync('ranked', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    return drive.run(sync, { account });
  };
  const isBehindId = ({ id }: Ranked, cursor: string, all: readonly Ranked[]): boolean =>
    all.findLastIndex((row) => row.id === id) > all.findLastIndex((row) => row.id === cursor);

  it.each<[string, Parameters<typeof read>]>([
    ['score', [({ score }, cursor) => score < Number(cursor), ({ score }) => score]],
    ['name', [({ name }, cursor) => name > cursor, ({ name }) => name]],
  ])('are not all rows where several share it, and none of these comes again: %s', async (field, how) => {
    const result = await read(...how);
    expect(result?.rows).toBeLessThan(rows.length);
    expect(result).toMatchObject({
      complete: false,
      flaws: [
        { kind: 'truncated', reason: expect.stringMatching(`behind \`${field}\`, which several rows share`) as string },
      ],
    });
  });

  it.each<[string, Parameters<typeof read>]>([
    ['these come again', [({ score }, cursor) => score <= Number(cursor), ({ score }) => score]],
    ['it is an id, and one row comes twice', [isBehindId, ({ id }) => id, [...rows.slice(0, 4), ...rows.slice(3)]]],
    [
      'rows do not stand in its order',
      [
        ({ id }, cursor) => Number(id.slice(1)) > 10 * Number(cursor.slice(1)) + 9,
        ({ name }) => (name === 'x' ? null : name),
        rows.map((row, n) => ({ ...row, name: [0, 9].includes(n % 10) ? `p${Math.floor(n / 10)}` : 'x' })),
      ],
    ],
  ])('are all rows where %s', async (_, how) => {
    expect(await read(...how)).toMatchObject({ complete: true, rows: rows.length });
  });
});

describe('cursors that count', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** @param pageAt the ids from a place on, as the third party orders them for that very call. */
  const read = async (
    pageAt: (place: number, size: number) => readonly number[],
    total: number,
    nameOf: (place: number) => string,
    guards = {},
  ) => {
    const { api, drive, account } = stage;
    api.route('GET', '/rows', ({ query }) => {
      const [size, after] = [Number(query.get('limit')), query.get('after')];
      const names = Array.from({ length: total + 1 }, (_, place) => nameOf(place));
      const place = after === null ? 0 : names.indexOf(after);
      const items = pageAt(place, size).map((id) => ({ id }));
      const isLast = place + items.length >= total;
      return { status: 200, body: { items, next: isLast ? null : nameOf(place + items.length) } };
    });
    const provider = defineProvider({ id: 'counting', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.number() })), next: z.string().nullable() }),
      request: (_, page) => get('/rows', { limit: page.size, after: page.cursor }),
      paginate: {
        kind: 'cursor',
        items: ({ items }) => items,
        next: ({ next }) => next,
        pageSize: { start: 10 },
        guards,
      },
    });
    const sync = defineSync('counting', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    return drive.run(sync, { account });
  };
  /** A connection of GraphQL over places, as graphql-relay names them. */
  const relay = (place: number) => btoa(`arrayconnection:${place - 1}`);
  /** A number and a flag, as Protocol Buffers have them: `CDIQAA` is 50. */
  const varint = (place: number) => Buffer.from([0x08, place, 0x10, 0x00]).toString('base64url');
  const inOrder = Array.from({ length: 60 }, (_, n) => n);
  /** Rows that share a time come in another order for each call: behind each border one comes again, and another one never. */
  const unstable = (place: number, size: number) => {
    const ids = inOrder.slice(place, Math.min(place + size, 50));
    return ids.map((id) => (id > 10 && id % 10 === 4 ? id - 14 : id));
  };

  it.each([
    ['in Base64', relay],
    ['as they are', String],
    ['as Protocol Buffers have them', varint],
  ])('%s, whose rows come twice because their order does not tell all apart, end as truncated', async (_, nameOf) => {
    const result = await read(unstable, 50, nameOf);
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
    expect(result?.flaws[0]?.reason).toMatch(
      /^a reading of it has 50 rows, of which 4\d are different ones: its order does not tell all rows apart/,
    );
  });

  it.each([
    ['in Base64', relay],
    ['as they are', String],
    ['as Protocol Buffers have them', varint],
  ])('%s, lose no row where one before the place of reading is deleted', async (_, nameOf) => {
    let calls = 0;
    const without = (place: number, size: number) => {
      calls += 1;
      return inOrder.filter((id) => calls === 1 || id !== 3).slice(place, place + size);
    };
    expect(varint(50)).toBe('CDIQAA');
    expect(await read(without, 59, nameOf)).toMatchObject({ complete: true, rows: 60 });
  });

  it('and pages by number, whose rows come twice in each reading, end as truncated', async () => {
    const { api, drive, account } = stage;
    api.route('GET', '/pages', ({ query }) => {
      const size = Number(query.get('limit'));
      const place = (Number(query.get('page')) - 1) * size;
      return { body: { items: unstable(place, size).map((id) => ({ id })) } };
    });
    const provider = defineProvider({ id: 'counting', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.number() })) }),
      request: (_, page) => get('/pages', { limit: page.size, page: page.number }),
      paginate: { kind: 'page', items: ({ items }) => items, pageSize: { start: 10 } },
    });
    const sync = defineSync('numbered', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account });
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
    expect(result?.flaws[0]?.reason).toMatch(/its order does not tell all rows apart/);
  });

  it('are complete where rows were added in front meanwhile: the last ones come again, and all are read', async () => {
    const added = [60, 61, 62];
    let isAdded = false;
    const moving = (place: number, size: number) => {
      const ids = (isAdded ? added : []).concat(inOrder.slice(0, isAdded ? 47 : 50)).slice(place, place + size);
      isAdded ||= place === 20;
      return ids;
    };
    expect(await read(moving, 50, relay)).toMatchObject({ complete: true, rows: 50 });
  });

  it('are followed as they are where they are ids, the first of which looks like a count', async () => {
    // Behind the first page some were deleted long ago.
    const ids = Array.from({ length: 50 }, (__, n) => (n < 10 ? n + 1 : n + 101));
    const { api, drive, account } = stage;
    let calls = 0;
    api.route('GET', '/since', ({ query }) => {
      calls++;
      const items = ids.filter((id) => id > Number(query.get('since') ?? 0)).slice(0, 10);
      return { body: { items: items.map((id) => ({ id })), next: items.at(-1) === 150 ? null : items.at(-1) } };
    });
    const provider = defineProvider({ id: 'since', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.number() })), next: z.number().nullable() }),
      request: (__, page) => get('/since', { limit: page.size, since: page.cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 10 } },
    });
    const sync = defineSync('since', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 50 });
    expect(calls).toBeLessThan(8);
  });

  it.each([
    ['each row comes once', inOrder, {}],
    ['the guard is switched off', undefined, { 'moved-rows': false }],
  ])('are complete where %s', async (_, ids, guards) => {
    const stable = (place: number, size: number) => (ids ?? []).slice(place, Math.min(place + size, 50));
    expect(await read(ids ? stable : unstable, 50, relay, guards)).toMatchObject({ complete: true });
  });
});
