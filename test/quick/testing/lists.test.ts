import { afterEach, describe, expect, it } from 'vitest';
import type { FakeApi, PageKind } from '../../../testing/index.ts';
import { startFakeApi } from '../../../testing/index.ts';

interface Row {
  readonly id: string;
}
interface Page {
  readonly items: Row[];
  readonly next: string | null;
  readonly total?: number;
  readonly hasMore?: boolean;
}

let api: FakeApi;
afterEach(() => api.stop());

const page = async (path: string): Promise<Page> => {
  const answer = await fetch(path.startsWith('http') ? path : `${api.url}${path}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
};
const ids = (prefix: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${prefix}${from + i}`);

/** Reads a list to its end, in the plainest way for each kind. */
const crawl: Record<PageKind, (path: string, size: number) => Promise<string[]>> = {
  cursor: async (path, size) => {
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const got = await page(`${path}?limit=${size}&cursor=${next}`);
      seen.push(...got.items.map(({ id }) => id));
      next = got.next;
    }
    return seen;
  },
  'next-url': async (path, size) => {
    const seen: string[] = [];
    for (let next: string | null = `${path}?limit=${size}`; next !== null;) {
      const got = await page(next);
      seen.push(...got.items.map(({ id }) => id));
      next = got.next;
    }
    return seen;
  },
  'link-header': async (path, size) => {
    const seen: string[] = [];
    for (let next: string | undefined = `${api.url}${path}?limit=${size}`; next !== undefined;) {
      const answer: Response = await fetch(next);
      seen.push(...((await answer.json()) as Row[]).map(({ id }) => id));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    return seen;
  },
  page: async (path, size) => {
    const seen: string[] = [];
    for (let n = 1, last = size; last === size; n++) {
      const { items } = await page(`${path}?page=${n}&limit=${size}`);
      seen.push(...items.map(({ id }) => id));
      last = items.length;
    }
    return seen;
  },
  offset: async (path, size) => {
    const seen: string[] = [];
    for (let last = size; last === size;) {
      const { items } = await page(`${path}?offset=${seen.length}&limit=${size}`);
      seen.push(...items.map(({ id }) => id));
      last = items.length;
    }
    return seen;
  },
};

describe('lists of a fake third party', () => {
  for (const kind of ['cursor', 'next-url', 'link-header', 'page', 'offset'] as const) {
    it(`serves every row once by ${kind}, and the report says that each position was served once`, async () => {
      api = await startFakeApi();
      api.list('/users/:id/friends', { count: 105, pagination: kind });
      expect(await crawl[kind]('/users/u1/friends', 20)).toEqual(ids('u1-', 0, 105));
      expect(await crawl[kind]('/users/u2/friends', 50)).toEqual(ids('u2-', 0, 105));
      const report = api.report();
      expect(report).toMatchObject({ calls: 9, ok: 9, positions: 9, repeated: [], unknownPaths: {} });
      expect(report.byRoute).toEqual({ 'GET /users/:id/friends': 9 });
      expect(report.byPath).toEqual({ '/users/u1/friends': 6, '/users/u2/friends': 3 });
      expect(Object.keys(api.positions('/users/u2/friends'))).toEqual(['0', '50', '100']);
      await crawl[kind]('/users/u2/friends', 50);
      expect(api.report().repeated).toContainEqual({ path: '/users/u2/friends', position: '50', calls: 2, ok: 2 });
    });
  }

  it('infers the path parameters and reads the rows anew for each page', async () => {
    api = await startFakeApi();
    const rows = ids('', 0, 5).map((id) => ({ id }));
    api.list('/a/:one/b/:two', { items: ({ one, two }) => (one === 'x' && two === 'y' ? rows : undefined) });
    expect((await page('/a/x/b/y')).items).toHaveLength(5);
    rows.pop();
    expect((await page('/a/x/b/y')).items).toHaveLength(4);
    expect((await fetch(`${api.url}/a/x/b/z`)).status).toBe(404);
  });

  it('caps the page size in silence or refuses one that is too large, as told', async () => {
    api = await startFakeApi();
    const list = { count: 300 } as const;
    api.list('/cap', { ...list, pageSize: { max: 50 } });
    api.list('/e400', { ...list, pageSize: { max: 50, overMax: 'error400' } });
    api.list('/e413', { ...list, pageSize: { max: (_call, start) => (start < 100 ? 100 : 25), overMax: 'error413' } });
    expect((await page('/cap?limit=200')).items).toHaveLength(50);
    expect((await fetch(`${api.url}/e400?limit=51`)).status).toBe(400);
    const first = await page('/e413?limit=100');
    expect(first.items).toHaveLength(100);
    expect((await fetch(`${api.url}/e413?limit=100&cursor=${first.next}`)).status).toBe(413);
    expect((await page(`/e413?limit=25&cursor=${first.next}`)).items).toHaveLength(25);
  });

  it('never answers a page that is too large when told so', async () => {
    api = await startFakeApi();
    api.list('/silent', { count: 300, pageSize: { max: 50, overMax: 'silent' } });
    await expect(fetch(`${api.url}/silent?limit=51`, { signal: AbortSignal.timeout(150) })).rejects.toThrow('timeout');
    expect((await page('/silent?limit=50')).items).toHaveLength(50);
  });

  it('writes fields and parameters under other names and in nested places', async () => {
    api = await startFakeApi();
    api.list('/x', {
      count: 30,
      total: 'exact',
      params: { cursor: 'start_cursor', limit: 'page_size' },
      fields: { items: 'data.results', next: 'paging.next_cursor', total: 'paging.total', hasMore: 'has_more' },
    });
    const body = (await (await fetch(`${api.url}/x?page_size=20`)).json()) as Record<string, never>;
    expect(body).toMatchObject({ has_more: true, paging: { total: 30, next_cursor: expect.any(String) } });
    const rest = (await page(
      `/x?page_size=20&start_cursor=${(body as never as { paging: { next_cursor: string } }).paging.next_cursor}`,
    )) as never;
    expect(rest).toMatchObject({ has_more: false, paging: { next_cursor: null } });
  });

  it('leads to one empty page when the last page has a token too', async () => {
    api = await startFakeApi();
    api.list('/x', { count: 40, lastPage: 'cursor-then-empty' });
    expect(await crawl.cursor('/x', 20)).toHaveLength(40);
    expect(api.report().calls).toBe(3);
  });

  it('hides rows behind a cap, with the true total or a capped one', async () => {
    api = await startFakeApi();
    api.list('/true', { count: 2_500, resultCap: 1_000, total: 'exact', pageSize: { max: 500 } });
    api.list('/capped', { count: 2_500, resultCap: 1_000, total: 'exact', capsTotal: true });
    api.list('/refused', { count: 2_500, resultCap: 1_000, pagination: 'offset', atCap: 'error400' });
    expect(await crawl.cursor('/true', 500)).toHaveLength(1_000);
    expect((await page('/true')).total).toBe(2_500);
    expect((await page('/capped')).total).toBe(1_000);
    expect((await fetch(`${api.url}/refused?offset=1000`)).status).toBe(400);
  });

  it('filters by since and by range, turns round, and keeps filters in the next address', async () => {
    api = await startFakeApi();
    api.list('/posts', {
      count: 100,
      pagination: 'next-url',
      since: 'since',
      range: { from: 'min', to: 'max', field: 'n' },
      order: 'order',
    });
    expect(await crawl['next-url']('/posts', 20)).toHaveLength(100);
    const since = await page('/posts?limit=5&since=2024-01-01T01:32:00.000Z');
    expect(since.items.map(({ id }) => id)).toEqual(ids('', 92, 97));
    expect((await page(since.next as string)).items.map(({ id }) => id)).toEqual(ids('', 97, 100));
    expect((await page('/posts?min=10&max=12')).items.map(({ id }) => id)).toEqual(['10', '11', '12']);
    expect((await page('/posts?order=desc&limit=2')).items.map(({ id }) => id)).toEqual(['99', '98']);
    expect(Object.keys(api.positions('/posts'))).toContain('0?min=10&max=12');
  });

  it('guesses the total when told so', async () => {
    api = await startFakeApi();
    api.list('/x', { count: 100, total: 'estimate', estimateFactor: 0.5 });
    expect((await page('/x')).total).toBe(50);
  });

  it('repeats a page past the end, or refuses it, as told', async () => {
    api = await startFakeApi();
    const list = { count: 45, pagination: 'page' } as const;
    api.list('/last', { ...list, pastEnd: 'repeat-last' }).list('/first', { ...list, pastEnd: 'repeat-first' });
    api.list('/404', { ...list, pastEnd: 'error404' }).list('/empty', list);
    expect((await page('/last?page=9')).items.map(({ id }) => id)).toEqual(ids('', 40, 45));
    expect((await page('/first?page=9')).items.map(({ id }) => id)).toEqual(ids('', 0, 20));
    expect((await fetch(`${api.url}/404?page=9`)).status).toBe(404);
    expect((await page('/empty?page=9')).items).toEqual([]);
  });

  it('keeps a cursor behind its row when rows are inserted and deleted before it, if cursors go by key', async () => {
    api = await startFakeApi();
    const rows = ids('', 0, 60).map((id) => ({ id }));
    api.list('/x', {
      items: () => rows,
      cursorBy: 'key',
      afterPage: ({ pages }) => {
        if (pages === 1) rows.unshift({ id: 'new-1' }, { id: 'new-2' });
        if (pages === 2) rows.splice(0, 10);
      },
    });
    expect(await crawl.cursor('/x', 20)).toEqual(ids('', 0, 60));
  });

  it('refuses cursors that are made up or too old', async () => {
    api = await startFakeApi();
    api.list('/x', { count: 100, cursorLifeMs: -1 });
    const { next } = await page('/x');
    expect(await (await fetch(`${api.url}/x?cursor=${next}`)).json()).toEqual({ error: 'cursor expired' });
    expect(await (await fetch(`${api.url}/x?cursor=nonsense`)).json()).toEqual({ error: 'invalid cursor' });
  });

  it('makes big pages slow when each row costs time', async () => {
    api = await startFakeApi();
    api.list('/x', { count: 100, msPerRow: 2 });
    const startedAt = performance.now();
    await page('/x?limit=100');
    expect(performance.now() - startedAt).toBeGreaterThan(195);
  });

  it('puts its total into a header where one is named, of whatever kind it is, and not into the body then', async () => {
    api = await startFakeApi();
    const fields = { totalHeader: 'X-Total-Count' };
    for (const pagination of ['cursor', 'next-url', 'link-header', 'page', 'offset'] as const)
      api.list(`/${pagination}`, { count: 30, pagination, total: 'exact', fields });
    api.list('/bare', { count: 30, pagination: 'page', total: 'exact', fields: { ...fields, items: '' } });
    api.list('/usual', { count: 30, pagination: 'page', total: 'exact' });
    api.list('/none', { count: 30, pagination: 'link-header' });
    const seen = async (path: string) => {
      const answer = await fetch(`${api.url}${path}?limit=7`);
      const body = (await answer.json()) as { total?: number };
      return [answer.headers.get('x-total-count'), body.total];
    };
    for (const path of ['/cursor', '/next-url', '/link-header', '/page', '/offset', '/bare'])
      expect([path, ...(await seen(path))]).toEqual([path, '30', undefined]);
    expect(await seen('/usual')).toEqual([null, 30]);
    expect(await seen('/none')).toEqual([null, undefined]);
  });
});

describe('a list with ETags', () => {
  it('answers 304 to a caller who knows the page, until it changes, and a limit may count that for nothing', async () => {
    api = await startFakeApi();
    let items: readonly Row[] = [{ id: 'a' }];
    api.list('/rows', { items: () => items, etags: true });
    const limit = api.limit({ name: 'hour', max: 10, actualCost: (_, { status }) => (status === 304 ? 0 : 1) });
    const ask = (etag?: string) =>
      fetch(`${api.url}/rows`, etag === undefined ? {} : { headers: { 'if-none-match': etag } });
    const etag = (await ask()).headers.get('etag') as string;
    expect((await ask(etag)).status).toBe(304);
    items = [{ id: 'b' }];
    const changed = await ask(etag);
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).not.toBe(etag);
    await changed.text();
    await expect.poll(() => limit.used()).toBe(2);
  });
});
