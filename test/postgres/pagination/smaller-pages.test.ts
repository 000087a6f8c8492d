import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type PageRequest } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

interface Body {
  readonly rows: readonly { readonly id: number }[];
}

describe('an account that is given smaller pages than others', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** @param ends how the definition sees the end. */
  const listOf = (kind: 'page' | 'offset', ends: object, asksForSize = true) => {
    const { api, drive, account } = stage;
    let [most, count] = [0, 0];
    api.route('GET', '/rows', ({ query }) => {
      const size = Math.min(most, Number(query.get('size') ?? 100));
      const from = kind === 'offset' ? Number(query.get('offset')) : (Number(query.get('page')) - 1) * size;
      return {
        body: { rows: Array.from({ length: Math.max(0, Math.min(size, count - from)) }, (_, n) => ({ id: from + n })) },
      };
    });
    const provider = defineProvider({
      id: account,
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: 2,
    });
    const place = (page: PageRequest) => (kind === 'offset' ? { offset: page.offset } : { page: page.number });
    const endpoint = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ rows: z.array(z.object({ id: z.number() })) }),
      request: (_, page) => get('/rows', { ...place(page), ...(asksForSize ? { size: page.size } : {}) }),
      paginate: { kind, items: (page) => page.rows, ...ends },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(endpoint, { input: () => ({}), key: ({ id }) => id }),
    }));
    return (of: string, [pages, rows]: readonly [pages: number, rows: number]) => {
      [most, count] = [pages, rows];
      return drive.run(sync, { account: `${account}-${of}` });
    };
  };

  const isShort = { lastPage: 'short' };
  const counts = { hasMore: ({ rows }: Body) => rows.length === 100 };
  it.each([
    ['page', "lastPage: 'short'", isShort, true],
    ['offset', "lastPage: 'short'", isShort, true],
    ['page', "lastPage: 'short', the size fixed", isShort, false],
    ['page', 'a hasMore that counts', counts, true],
    ['offset', 'a hasMore that counts', counts, true],
  ] as const)('has all of its rows: by %s, %s', async (kind, _, ends, asksForSize) => {
    const run = listOf(kind, ends, asksForSize);
    expect(await run('large', [100, 320])).toMatchObject({ complete: true, rows: 320, calls: asksForSize ? 4 : 5 });
    expect(await run('small', [50, 320])).toMatchObject({ complete: true, rows: 320 });
    // No number that pages have: one call is enough.
    expect(await run('short', [100, 33])).toMatchObject({ complete: true, rows: 33, calls: 1 });
  });
});
