import { describe, expect, it } from 'vitest';
import { numberedSync, onListStage, rowsFrom, type ListStage, type NumberedList } from '../../setup/list-stage.ts';

interface Body {
  readonly rows: readonly { readonly id: number }[];
}

describe('an account that is given smaller pages than others', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** @param ends how the definition sees the end. */
  const listOf = (kind: 'page' | 'offset', ends: Pick<NumberedList, 'lastPage' | 'hasMore'>, asksForSize = true) => {
    const { api, drive, account } = stage;
    let [most, count] = [0, 0];
    api.route('GET', '/rows', ({ query }) => {
      const size = Math.min(most, Number(query.get('size') ?? 100));
      const from = kind === 'offset' ? Number(query.get('offset')) : (Number(query.get('page')) - 1) * size;
      return { body: { rows: rowsFrom(from, Math.min(size, count - from)) } };
    });
    const sync = numberedSync(
      { api, provider: account },
      {
        kind,
        ask: (page) => ({
          ...(kind === 'offset' ? { offset: page.offset } : { page: page.number }),
          ...(asksForSize ? { size: page.size } : {}),
        }),
        ...ends,
      },
    );
    return (of: string, [pages, rows]: readonly [pages: number, rows: number]) => {
      [most, count] = [pages, rows];
      return drive.run(sync, { account: `${account}-${of}` });
    };
  };

  const isShort = { lastPage: 'short' } as const;
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
