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

describe('pages that go on behind a time', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  interface Server {
    readonly rows: readonly Row[];
    readonly isInclusive?: boolean;
    /** The cursor as the server reads it. */
    readonly epochOf?: (cursor: string) => number;
    readonly isCounted?: boolean;
  }
  const secondsOf = (cursor: string) => Date.parse(cursor) / 1_000;

  const read = async ({ rows, isInclusive, epochOf = secondsOf, isCounted }: Server, options: Options) => {
    const { api, drive, account } = stage;
    api.route('GET', '/rows', ({ query }) => {
      const size = Number(query.get('limit'));
      const after = query.get('after');
      const from = after ? epochOf(after) : -1;
      const behind = rows.filter(({ meta }) => (isInclusive ? meta.epoch >= from : meta.epoch > from));
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
      'written in another way',
      { rows: rowsOf(45, 3) },
      { next: ({ items }) => items.at(-1)?.meta.at.replace('Z', '+00:00') },
    ],
    ['that only some rows share', { rows: [...rowsOf(9, 1), ...rowsOf(45, 3).slice(9)] }, LAST_ROW],
  ])('are not all rows where it leaves itself out: %s', async (_, server, options) => {
    const result = await read(server, options);
    expect(result?.rows).toBeLessThan(server.rows.length);
    expect(result).toMatchObject(truncated);
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
    ['the definition says so', { rows: rowsOf(40, 5) }, { ...LAST_ROW, guards: { 'missing-rows': false } }],
  ])('are complete where %s', async (_, server, options) => {
    expect(await read(server, options)).toMatchObject({ complete: true, rows: server.rows.length });
  });
});
