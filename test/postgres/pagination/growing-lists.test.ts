/**
 * Lists that move where no border shows it: rows come in at the front all the time, by page numbers of a size that can't be asked for; rows change
 * places; rows go before the place that a next link or a cursor counts.
 */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

describe('lists that grow at the front', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it('are complete though rows come in during each reading of them, and have all rows', async () => {
    const { api, drive, db, account } = stage;
    const size = 10;
    let rows = Array.from({ length: 203 }, (_, n) => ({ id: `r${n}` }));
    let calls = 0;
    api.route('GET', '/grows', ({ query }) => {
      if (++calls % 7 === 0) rows = [{ id: `r${rows.length}` }, ...rows];
      const from = (Number(query.get('page')) - 1) * size;
      return { status: 200, body: { items: rows.slice(from, from + size) } };
    });
    const provider = defineProvider({ id: 'grows', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('grows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: (_, page) => get('/grows', { page: page.number }),
      paginate: { kind: 'page', items: ({ items }) => items },
    });
    const sync = defineSync('grows', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    const { rows: kept } = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [
      account,
    ]);
    const stored = new Set(kept.map(({ key }) => key));
    // What came in behind the last look at the front is the next run's.
    expect(rows.slice(2).filter(({ id }) => !stored.has(id))).toEqual([]);
    expect(calls).toBeGreaterThan(2 * (203 / size));
  });
});

describe('pages of a size that is not asked for, every second one of a server that is behind', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it('are not all rows, though each reading and each second look meets the same', async () => {
    const { api, drive, account } = stage;
    const rows = Array.from({ length: 330 }, (_, n) => ({ id: `r${n}` }));
    let calls = 0;
    api.route('GET', '/lags', ({ query }) => {
      const known = ++calls % 2 === 1 ? rows : rows.slice(5);
      const from = (Number(query.get('page')) - 1) * 50;
      return { status: 200, body: { items: known.slice(from, from + 50) } };
    });
    const provider = defineProvider({ id: 'lags', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('lags', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: (_, page) => get('/lags', { page: page.number }),
      paginate: { kind: 'page', items: ({ items }) => items },
    });
    const sync = defineSync('lags', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account });
    expect(result?.rows).toBeLessThan(330);
    expect(result).toMatchObject({
      complete: false,
      flaws: [{ kind: 'truncated', reason: expect.stringContaining('of which 315 are different ones') as string }],
    });
  });
});

describe('a list by page number whose rows come twice', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it.each([
    ['at its front', 0],
    ['in its middle', 12],
  ])('is complete after its second reading, though a row comes in meanwhile %s', async (_, place) => {
    const { api, drive, account } = stage;
    const rows = Array.from({ length: 203 }, (__, n) => ({ id: `r${n}` }));
    let calls = 0;
    api.route('GET', '/ranked', ({ query }) => {
      calls++;
      if (calls === 3) [rows[5], rows[150]] = [rows[150]!, rows[5]!];
      // In the second reading.
      if (calls === 30) rows.splice(place, 0, { id: 'new' });
      const from = (Number(query.get('page')) - 1) * 10;
      return { status: 200, body: { items: rows.slice(from, from + 10) } };
    });
    const provider = defineProvider({ id: 'ranked', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('ranked', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: (__, page) => get('/ranked', { page: page.number }),
      paginate: { kind: 'page', items: ({ items }) => items, pageSize: { start: 10 } },
    });
    const sync = defineSync('ranked', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account });
    expect(result).toMatchObject({ complete: true, rows: place === 0 ? 204 : 203 });
    // Two readings of 22 calls, and what is looked at again.
    expect(calls).toBeLessThan(50);
  });
});

describe('a list by offset', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it('has both of two rows that change places over the place where it is read', async () => {
    const { api, drive, account } = stage;
    let calls = 0;
    const rows = Array.from({ length: 95 }, (_, n) => ({ id: `r${n}` }));
    api.route('GET', '/ranked', ({ query }) => {
      if (++calls === 4) [rows[12], rows[77]] = [rows[77]!, rows[12]!];
      const from = Number(query.get('offset'));
      return { status: 200, body: { items: rows.slice(from, from + Number(query.get('limit'))) } };
    });
    const provider = defineProvider({ id: 'ranked', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('ranked', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: (_, page) => get('/ranked', { offset: page.offset, limit: page.size }),
      paginate: { kind: 'offset', items: ({ items }) => items, pageSize: { start: 10 } },
    });
    const sync = defineSync('ranked', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 95 });
    const moved = calls;
    // At rest it is read once.
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    expect(calls - moved).toBeLessThan(13);
  });
});

describe('a list whose order does not tell all rows apart', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** Rows of one time, in an order that something else than they decides. */
  const ties: Readonly<Record<string, (n: number, call: number, behind: number) => number>> = {
    'at each call': (n, call) => (n * 31 + call * 17) % 11,
    'for each number of rows that are asked for': (n, _, behind) => (n * 31 + behind * 17) % 11,
    'at each of two replicas': (n, call) => (call % 2 === 0 ? n : -n),
  };

  it.each(Object.keys(ties))('by offset, another one %s: is complete with all rows, or truncated', async (which) => {
    const { api, drive, db, account } = stage;
    const ends: (string | undefined)[] = [];
    for (const tied of [2, 7, 40]) {
      for (const [count, size] of [
        [50, 10],
        [95, 30],
        [430, 100],
      ] as const) {
        const name = `${account}-${tied}-${count}`;
        let calls = 0;
        api.route('GET', `/${name}`, ({ query }) => {
          const call = ++calls;
          const [from, to] = [Number(query.get('offset')), Number(query.get('offset')) + Number(query.get('limit'))];
          const rows = Array.from({ length: count }, (_, n) => n).sort(
            (a, b) =>
              Math.floor(a / tied) - Math.floor(b / tied) ||
              (ties[which]?.(a, call, to) ?? 0) - (ties[which]?.(b, call, to) ?? 0),
          );
          return { body: { items: rows.slice(from, to).map((id) => ({ id })) } };
        });
        const provider = defineProvider({ id: name, baseUrl: () => api.url, auth: noAuth(), limits: [] });
        const list = provider.endpoint('rows', {
          input: z.object({}),
          response: z.object({ items: z.array(z.object({ id: z.number() })) }),
          request: (_, page) => get(`/${name}`, { offset: page.offset, limit: page.size }),
          paginate: { kind: 'offset', items: ({ items }) => items, pageSize: { start: size } },
        });
        const sync = defineSync('tied', { provider, input: z.object({}) }, (s) => ({
          rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
        }));
        const result = await drive.run(sync, { account: name });
        const stored = await db.pool.query('select from sluice.record where account = $1', [name]);
        ends.push(result?.complete ? `complete with ${stored.rowCount} of ${count}` : result?.flaws[0]?.kind);
      }
    }
    expect(ends.filter((end) => !/truncated|looped|with (\d+) of \1$/.test(end ?? ''))).toEqual([]);
    expect(ends.filter((end) => end?.startsWith('complete')).length).toBeGreaterThan(2);
  });
});

describe('a list by cursor whose total rises', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it('is read again where rows are missing to it, once', async () => {
    const { api, drive, account } = stage;
    const rows = Array.from({ length: 45 }, (_, n) => ({ id: `r${n}` }));
    let calls = 0;
    api.route('GET', '/feed', ({ query }) => {
      if (++calls === 2) rows.unshift({ id: 'new' });
      const from = rows.findIndex(({ id }) => id === query.get('after')) + 1;
      const next = from + 10 < rows.length ? rows[from + 9]?.id : null;
      return { body: { items: rows.slice(from, from + 10), total: rows.length, next } };
    });
    const provider = defineProvider({ id: 'feed', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('feed', {
      input: z.object({}),
      response: z.object({
        items: z.array(z.object({ id: z.string() })),
        total: z.number(),
        next: z.string().nullish(),
      }),
      request: (_, page) => get('/feed', { after: page.cursor }),
      paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next, total: (body) => body.total },
    });
    const sync = defineSync('feed', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 46, calls: 10 });
  });
});

describe('lists whose names of pages count', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const wrapped = (text: string): string => Buffer.from(text).toString('base64');
  const text = (token: string): string => Buffer.from(token, 'base64').toString();
  const SIZE = 60;
  /** How the place of a row is named, and found again. */
  const forms: Readonly<
    Record<string, readonly [(from: number, size: number) => string, (query: URLSearchParams) => number]>
  > = {
    'a link with an offset': [
      (from, size) => `?limit=${size}&offset=${from}`,
      (query) => Number(query.get('offset') ?? 0),
    ],
    'a link with a page number and a size': [
      (from, size) => `?limit=${size}&page=${from / size + 1}`,
      (query) => (Number(query.get('page') ?? 1) - 1) * Number(query.get('limit')),
    ],
    'a link with a page number alone': [
      (from) => `?page=${from / SIZE + 1}`,
      (query) => (Number(query.get('page') ?? 1) - 1) * SIZE,
    ],
    'a link with the first row of a page, the rows filtered after it was cut': [
      (from, size) => `?limit=${size}&offset=${from}`,
      (query) => Number(query.get('offset') ?? 0),
    ],
    'a cursor that is a number': [(from) => String(from), (query) => Number(query.get('cursor') ?? 0)],
    'a number in Base64': [(from) => wrapped(String(from)), (query) => Number(text(query.get('cursor') ?? 'MA=='))],
    'a text in Base64': [
      (from) => wrapped(`arrayconnection:${from - 1}`),
      (query) => Number(text(query.get('cursor') ?? wrapped('a:-1')).split(':')[1]) + 1,
    ],
  };
  /** @param change the rows before a call; `isStrict` takes no other names than it has given out, `first`: rows of the first page. */
  const read = async (
    form: string,
    change: (rows: string[], call: number) => void,
    { isStrict = false, first = SIZE } = {},
  ) => {
    const { api, db, drive, account } = stage;
    const [nameOf, placeOf] = forms[form] ?? [];
    const rows = Array.from({ length: 4.5 * SIZE }, (_, n) => `r${n}`);
    const stayed = new Set(rows.filter((id) => !form.includes('filtered') || !id.endsWith('7')));
    const given = new Set<string>();
    let calls = 0;
    api.route('GET', '/rows', ({ query }) => {
      change(rows, ++calls);
      for (const id of stayed) if (!rows.includes(id)) stayed.delete(id);
      const cursor = query.get('cursor');
      if (isStrict && cursor !== null && !given.has(cursor)) return { status: 400, body: { error: 'invalid cursor' } };
      const [from = 0, size] = [placeOf?.(query), calls === 1 ? first : Number(query.get('limit') ?? SIZE)];
      const next = from + size < rows.length ? nameOf?.(from + size, size) : null;
      if (next) given.add(next);
      const page = rows.slice(from, from + size).filter((id) => !form.includes('filtered') || !id.endsWith('7'));
      return { body: { items: page.map((id) => ({ id })), next } };
    });
    const provider = defineProvider({ id: 'counts', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
      request: (_, page) => get('/rows', { limit: page.size, cursor: page.cursor }),
      paginate: {
        kind: form.startsWith('a link') ? 'link' : 'cursor',
        items: (body) => body.items,
        next: (body) => body.next,
        pageSize: { start: SIZE },
      },
    });
    const sync = defineSync('counts', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account });
    const stored = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [account]);
    const keys = new Set(stored.rows.map(({ key }) => key));
    return { complete: result?.complete, missing: [...stayed].filter((id) => !keys.has(id)), calls };
  };

  it('asks for as many rows as at first behind a first page that came short', async () => {
    const { complete, missing, calls } = await read('a cursor that is a number', () => {}, { first: 5 });
    expect({ complete, missing }).toEqual({ complete: true, missing: [] });
    expect(calls).toBeLessThan(8);
  });

  describe.each(Object.keys(forms))('%s', (form) => {
    const whole = { complete: true, missing: [] };

    it('loses no row where others are deleted before it while the list is read', async () => {
      const removed = (rows: string[], call: number): void => void (call === 3 && rows.splice(3, 2));
      expect(await read(form, removed)).toMatchObject(whole);
    });

    it('loses no row that jumps to the front', async () => {
      const jump = (rows: string[], call: number): void =>
        void (call === 3 && rows.unshift(...rows.splice(4 * SIZE, 1)));
      expect(await read(form, jump)).toMatchObject(whole);
    });

    it('goes on where the row is deleted that a page ended with', async () => {
      const border = (rows: string[], call: number): void => void (call === 2 && rows.splice(SIZE - 1, 1));
      expect(await read(form, border)).toMatchObject(whole);
    });

    it('takes hardly a call more where the list stands still, and goes on where other names are refused', async () => {
      // What can't overlap is looked at again.
      const looks = /alone|filtered/.test(form) ? 2 : 0;
      expect(await read(form, () => {})).toEqual({ ...whole, calls: 5 + looks });
      expect(await read(form, () => {}, { isStrict: true })).toMatchObject(whole);
    });
  });
});
