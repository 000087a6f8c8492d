import { afterEach, describe, expect, it } from 'vitest';
import type { BrokenList, BrokenListGuard, FakeApi } from '../../../testing/index.ts';
import { brokenLists, startFakeApi } from '../../../testing/index.ts';

let api: FakeApi;

interface Crawl {
  readonly end: BrokenList['expectedEnd'] | 'still going';
  readonly guard: BrokenListGuard;
  readonly keys: Set<string>;
}

interface CrawlOptions {
  /** Guards that are switched off; `none` = the careless client that has no guard at all. */
  readonly guards: readonly BrokenListGuard[];
  /** Rows asked for again by offset. */
  readonly overlap: number;
  readonly maxPages: number;
}

const careful: CrawlOptions = {
  guards: ['repeated-token', 'repeated-rows', 'empty-pages', 'result-cap', 'missing-rows', 'page-maximum'],
  overlap: 5,
  maxPages: 60,
};

const caps = [1_000, 5_000, 10_000, 50_000, 100_000];
const fieldOf = (body: unknown, path: string | undefined): unknown =>
  path === undefined ? undefined : (body as Record<string, unknown>)[path];

/** The plainest client that reads all that the fixture tells it, with guards that can be left out. */
async function crawl(list: BrokenList, options: CrawlOptions, range?: readonly [number, number]): Promise<Crawl> {
  const { kind, params, pageSize, items, next, hasMore, total, range: ranges } = list.pagination;
  const has = (guard: BrokenListGuard) => options.guards.includes(guard);
  const seen = new Set<string>();
  const pages = new Set<string>();
  const tokens = new Set<string>();
  const end = (how: Crawl['end'], guard: BrokenListGuard): Crawl => ({ end: how, guard, keys: seen });
  const query = new URLSearchParams({ [params.limit]: String(pageSize) });
  if (ranges && range) for (const [i, name] of [ranges.from, ranges.to].entries()) query.set(name, String(range[i]));
  let address = `${api.url}${list.path}?${query.toString()}`;
  let offset = 0;
  let empty = 0;
  let promised: number | undefined;
  let tail: string | undefined;
  for (let n = 1; ; n++) {
    if (n > options.maxPages)
      return has('page-maximum') ? end('truncated', 'page-maximum') : end('still going', 'none');
    const answer = await fetch(address);
    const isAtCap = caps.includes(seen.size) && has('result-cap');
    if (!answer.ok) return end(isAtCap ? 'capped' : 'truncated', isAtCap ? 'result-cap' : 'none');
    const body: unknown = await answer.json();
    const rows = ((items === '' ? body : fieldOf(body, items)) ?? []) as { readonly id: string }[];
    for (const { id } of rows) seen.add(id);
    promised = fieldOf(body, total?.field) as number | undefined;

    // What comes next, and does the answer say so?
    let follow: string | undefined;
    const more = fieldOf(body, hasMore);
    if (kind === 'page' || kind === 'offset') {
      offset += rows.length === 0 || more !== undefined ? pageSize : Math.max(1, rows.length - options.overlap);
      const isOver =
        more === undefined ? rows.length === 0 || (kind === 'offset' && rows.length <= options.overlap) : !more;
      const position = kind === 'page' ? String(n + 1) : String(offset);
      query.set(kind === 'page' ? params.page : params.offset, position);
      follow = isOver ? undefined : `${api.url}${list.path}?${query.toString()}`;
    } else if (kind === 'link-header') {
      follow = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    } else if (more !== false) {
      const token = fieldOf(body, next) as string | null | undefined;
      if (token && kind === 'cursor') query.set(params.cursor, token);
      follow = token ? (kind === 'cursor' ? `${api.url}${list.path}?${query.toString()}` : token) : undefined;
    }
    if (follow === undefined) {
      if (total?.kind === 'exact' && has('missing-rows') && seen.size < (promised ?? 0))
        return end('truncated', 'missing-rows');
      if (has('result-cap') && caps.includes(seen.size)) return end('capped', 'result-cap');
      return end('complete', 'none');
    }
    // The border alone came again, and names itself: the end of a list that counts it in.
    const isBorder = rows.length < pageSize && rows.some(({ id }) => id === tail);
    tail = rows.at(-1)?.id;
    if (has('repeated-token') && follow === address && (isBorder || (rows.length === 0 && !more)))
      return end('complete', 'none');
    // Guards, in this order.
    if (has('repeated-token') && (tokens.has(follow) || follow === address)) return end('looped', 'repeated-token');
    tokens.add(follow);
    const print = rows.map(({ id }) => id).join(' ');
    if (has('repeated-rows') && rows.length > 0 && pages.has(print)) return end('looped', 'repeated-rows');
    pages.add(print);
    empty = rows.length === 0 ? empty + 1 : 0;
    if (has('empty-pages') && empty > 3) return end('looped', 'empty-pages');
    address = follow;
  }
}

/** Splits the range of a capped list until no part is capped. */
async function crawlRanges(list: BrokenList, from: number, to: number): Promise<Crawl> {
  const whole = await crawl(list, careful, [from, to]);
  if (whole.end !== 'capped' || from === to) return whole;
  const middle = Math.floor((from + to) / 2);
  const low = await crawlRanges(list, from, middle);
  const high = await crawlRanges(list, middle + 1, to);
  return {
    end: low.end === 'complete' ? high.end : low.end,
    guard: 'result-cap',
    keys: new Set([...low.keys, ...high.keys]),
  };
}

const start = async (list: BrokenList) => {
  api = await startFakeApi();
  list.install(api);
};

describe('the table of broken lists', () => {
  it('cover the seventeen kinds, each with a name and path of its own', () => {
    const numbers = brokenLists.flatMap(({ number }) => number ?? []);
    expect(new Set(numbers)).toEqual(new Set(Array.from({ length: 17 }, (_, i) => i + 1)));
    expect(numbers).toHaveLength(17);
    expect(new Set(brokenLists.map(({ path }) => path)).size).toBe(brokenLists.length);
  });
});

describe('broken lists', () => {
  afterEach(() => api.stop());

  for (const list of brokenLists) {
    it(`${list.name}: a client with guards ends ${list.expectedEnd}, noticed by ${list.guard}`, async () => {
      await start(list);
      const got = list.pagination.range ? await crawlRanges(list, 0, 9_999) : await crawl(list, careful);
      expect({ end: got.end, guard: got.guard }).toEqual({ end: list.expectedEnd, guard: list.guard });
      const reachable = new Set(list.reachableKeys);
      expect([...reachable].filter((key) => !got.keys.has(key)).slice(0, 3)).toEqual([]);
      if (list.expectedEnd === 'complete') expect(list.reachableKeys).toEqual(list.trueKeys);
      if (list.expectedEnd === 'looped' || list.expectedEnd === 'capped') {
        expect([...got.keys].filter((key) => !reachable.has(key)).slice(0, 3)).toEqual([]);
      }
      expect(api.report().unknownPaths).toEqual({});
    });
  }

  for (const list of brokenLists.filter(({ expectedEnd }) => expectedEnd === 'looped')) {
    it(`${list.name}: a client without guards never ends`, async () => {
      await start(list);
      expect((await crawl(list, { ...careful, guards: [] })).end).toBe('still going');
    });
  }

  for (const list of brokenLists.filter(({ expectedEnd }) => expectedEnd === 'capped' || expectedEnd === 'truncated')) {
    it(`${list.name}: a client without the guard takes it for something else`, async () => {
      await start(list);
      const guards = careful.guards.filter((guard) => guard !== list.guard);
      expect((await crawl(list, { ...careful, guards })).end).not.toBe(list.expectedEnd);
    });
  }

  it('loses rows to deletions in a client without overlap', async () => {
    const list = brokenLists.find(({ name }) => name === 'rows-deleted-while-paging') as BrokenList;
    await start(list);
    const got = await crawl(list, { ...careful, overlap: 0 });
    expect(got.end).toBe('complete');
    expect(list.reachableKeys.filter((key) => !got.keys.has(key)).length).toBeGreaterThan(0);
  });

  it('drift begins anew with each installation', async () => {
    const list = brokenLists.find(({ name }) => name === 'rows-deleted-while-paging') as BrokenList;
    await start(list);
    const first = await crawl(list, careful);
    list.install(api);
    expect((await crawl(list, careful)).keys).toEqual(first.keys);
  });
});
