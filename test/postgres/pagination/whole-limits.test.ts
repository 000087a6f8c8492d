/** Lists by next link or cursor whose request has a size that may be that of a page, or limit the whole list. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSync, get } from '../../../providers/index.ts';
import { onListStage, openProvider, type ListStage } from '../../setup/list-stage.ts';

interface Server {
  readonly count: number;
  /** Rows that it gives in one answer at most. */
  readonly most: number;
  /** What `$top` is to it. Default: the size of a page. */
  readonly limits?: 'the list';
  readonly refuses?: number;
  readonly says?: object;
  /** Rows that come to its front between its first call and its second. */
  readonly grows?: number;
}

describe('a size', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const read = async (server: Server, kind: 'link' | 'cursor' = 'link') => {
    const { api, drive, account } = stage;
    const { most, limits, refuses, says = {}, grows = 0 } = server;
    const asked: string[] = [];
    api.route('GET', '/rows', ({ query }) => {
      asked.push(query.toString());
      const [top, from] = [Number(query.get('$top')), Number(query.get('$skiptoken')?.slice(3) ?? 0)];
      if (top === refuses) return { status: 400, body: { error: 'this size is not allowed' } };
      const size = Math.min(top, most);
      const fresh = asked.length > 1 ? grows : 0;
      const count = server.count + fresh;
      const end = Math.min(count, from + size);
      const left = limits ? top - (end - from) : top;
      const isMore = end < count && left > 0;
      const rows = Array.from({ length: end - from }, (_, n) => ({ id: `r${from + n - fresh}` }));
      const name = kind === 'link' ? `/rows?$top=${left}&$skiptoken=at-${end}` : `at-${end}`;
      return { body: { rows, ...(isMore ? { next: name } : {}), ...says } };
    });
    const provider = openProvider(api, account, 2);
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.looseObject({
        rows: z.array(z.object({ id: z.string() })),
        next: z.string().optional(),
        n: z.number().optional(),
      }),
      request: (_, page) => get('/rows', { $top: page.size, $skiptoken: page.cursor }),
      paginate: {
        kind,
        items: ({ rows }) => rows,
        next: ({ next }) => next,
        total: ({ n }) => n,
        pageSize: { start: 50 },
      },
    });
    const sync = defineSync('sized', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    return { result: await drive.run(sync, { account }), asked };
  };
  const truncated = (how: RegExp) => ({
    complete: false,
    flaws: [{ kind: 'truncated', reason: expect.stringMatching(how) as string }],
  });

  it.each<[string, Server, RegExp]>([
    [
      'counts down in its next links',
      { count: 120, most: 20, limits: 'the list' },
      /`\$top` limits the whole list.*count it down/,
    ],
    [
      'is as large as the only page',
      { count: 120, most: 1_000, limits: 'the list' },
      /`\$top` limits the whole list.*where it was 50/,
    ],
    [
      'is as large as the only page, to which rows came meanwhile',
      { count: 120, most: 1_000, limits: 'the list', grows: 1 },
      /`\$top` limits the whole list.*where it was 50/,
    ],
  ])('that limits the whole list leaves it truncated: it %s', async (_, server, how) => {
    const { result } = await read(server);
    expect(result).toMatchObject({ ...truncated(how), rows: 50 + (server.grows ?? 0) });
  });

  it.each<[string, Server, number]>([
    ['ends before it', { count: 45, most: 20, limits: 'the list' }, 3],
    ['has a single page that is not full', { count: 49, most: 1_000, limits: 'the list' }, 1],
    ['has several pages of it', { count: 100, most: 1_000 }, 2],
    ['has one page that is full: a row less has a next page', { count: 50, most: 1_000 }, 2],
    ['has one page that is full, and says how many there are', { count: 50, most: 1_000, says: { total: 50 } }, 1],
    [
      'has one page that is full, and tells its total by a word of its own',
      { count: 50, most: 1_000, says: { n: 50 } },
      1,
    ],
    ['has one page that is full, and loses a row', { count: 50, most: 1_000, grows: -2 }, 2],
    ['has one page that is full, and another size is refused', { count: 50, most: 1_000, refuses: 49 }, 2],
  ])('is no sign that rows are missing from a list that %s', async (_, server, calls) => {
    const { result, asked } = await read(server);
    expect(result).toMatchObject({ complete: true, rows: server.count, flaws: [] });
    expect(asked).toHaveLength(calls);
  });

  it('is looked at again in lists by cursor, too', async () => {
    const { result, asked } = await read({ count: 50, most: 1_000 }, 'cursor');
    expect(result).toMatchObject({ complete: true, rows: 50 });
    expect(asked).toEqual(['%24top=50', '%24top=49']);
    const cut = await read({ count: 120, most: 1_000, limits: 'the list' }, 'cursor');
    expect(cut.result).toMatchObject(truncated(/limits the whole list/));
  });
});
