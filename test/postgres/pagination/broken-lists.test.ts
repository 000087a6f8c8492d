import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineProvider,
  defineSync,
  get,
  noAuth,
  nextLink,
  type GuardName,
  type NumberedPages,
  type Paginate,
  type Sync,
} from '../../../providers/index.ts';
import { brokenLists, type BrokenList, type FakeApi } from '../../../testing/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const guardNames: readonly GuardName[] = [
  'repeated-token',
  'repeated-rows',
  'empty-pages',
  'result-cap',
  'missing-rows',
  'page-maximum',
];

/** A list of one page maximum, so that an endless one ends in the test; far above what any of them needs. */
const MAX_PAGES = 150;

type Body = Readonly<Record<string, unknown>>;

const fieldOf = (body: unknown, path: string): unknown => (path === '' ? body : (body as Body)[path]);

/** The sync that a user would write for the list, from what the fixture says about it. */
function syncOf(
  api: () => FakeApi,
  list: BrokenList,
  guardsOff: readonly GuardName[],
  name = 'broken',
  more: Partial<NumberedPages<unknown, { id: string }, unknown>> = {},
): Sync {
  const provider = defineProvider({ id: list.name, baseUrl: () => api().url, auth: noAuth(), limits: [] });
  const { kind, params, pageSize, items, next, hasMore, total, range } = list.pagination;
  const common = {
    items: (body: unknown) => fieldOf(body, items) as readonly { id: string }[],
    pageSize: { start: pageSize },
    maxPages: MAX_PAGES,
    guards: Object.fromEntries(guardsOff.map((guard) => [guard, false])),
    ...(hasMore ? { hasMore: (body: unknown) => fieldOf(body, hasMore) as boolean } : {}),
    ...(total ? { total: (body: unknown) => fieldOf(body, total.field) as number, totalIs: total.kind } : {}),
    ...(range ? { range: { whole: () => ({ from: 0, to: 9_999 }) } } : {}),
  };
  // The lists that change while they are read are those for which a user would ask for an overlap.
  const overlapping = { overlap: 5, pageSize: { start: pageSize, min: 6 } };
  const nextOf = (body: unknown) => fieldOf(body, next) as string | null;
  const paginate: Paginate<unknown, { id: string }> =
    kind === 'cursor'
      ? { ...common, kind, next: nextOf }
      : kind === 'page'
        ? { ...common, kind }
        : kind === 'offset'
          ? { ...common, kind, ...(list.name.startsWith('rows-') ? overlapping : {}), ...(more as object) }
          : {
              ...common,
              kind: 'link',
              next: kind === 'next-url' ? nextOf : (_, { headers }) => nextLink(headers['link']),
            };
  const endpoint = provider.endpoint('list', {
    input: z.object({}),
    response: z.unknown(),
    request: (_, page) =>
      get(list.path, {
        [params.limit]: page.size,
        [params.cursor]: kind === 'cursor' ? page.cursor : undefined,
        ...(kind === 'page' ? { [params.page]: page.number } : {}),
        ...(kind === 'offset' ? { [params.offset]: page.offset } : {}),
        ...(range ? { [range.from]: page.range?.from, [range.to]: page.range?.to } : {}),
      }),
    paginate,
  });
  return defineSync(name, { provider, input: z.object({}) }, (s) => ({
    rows: s.one(endpoint, { input: () => ({}), key: (row) => row.id }),
  }));
}

describe('broken lists', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const endOf = async (list: BrokenList, guardsOff: readonly GuardName[] = [], maxCalls = MAX_PAGES * 2) => {
    const { api, db, drive } = stage;
    list.install(api);
    const account = `${list.name}-${guardsOff.join('+')}`;
    const result = await drive.run(
      syncOf(() => api, list, guardsOff),
      { account, maxCalls },
    );
    const { rows } = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [
      account,
    ]);
    const kind = result ? (result.flaws[0]?.kind ?? 'complete') : 'still going';
    return { result, kind, keys: new Set(rows.map(({ key }) => key)) };
  };

  for (const list of brokenLists) {
    it(`${list.name}: ends ${list.expectedEnd}, with all that can be reached`, async () => {
      const { result, kind, keys } = await endOf(list);
      expect(kind, JSON.stringify(result?.flaws)).toBe(list.expectedEnd);
      expect(list.reachableKeys.filter((key) => !keys.has(key)).slice(0, 3)).toEqual([]);
      expect(result?.state).toBe(list.expectedEnd === 'complete' ? 'done' : 'incomplete');
      expect(result?.fetches).toBeLessThanOrEqual(MAX_PAGES);
    });
  }

  for (const list of brokenLists.filter(({ guard }) => guard !== 'none')) {
    const guard = list.guard as GuardName;
    it(`${list.name}: ${guard} alone is enough to notice it`, async () => {
      const others = guardNames.filter((name) => name !== guard);
      const { kind, keys } = await endOf(list, others);
      expect(kind).toBe(list.expectedEnd);
      expect(list.reachableKeys.filter((key) => !keys.has(key)).slice(0, 3)).toEqual([]);
    });

    it(`${list.name}: without guards it ${list.expectedEnd === 'looped' ? 'never ends' : 'looks like something else'}`, async () => {
      const { kind, keys } = await endOf(list, guardNames, list.expectedEnd === 'looped' ? 40 : 60);
      // A loop that tells an exact total ends there, and then looks complete.
      const isStopped = list.pagination.total?.kind === 'exact';
      if ((list.expectedEnd === 'looped' && !isStopped) || guard === 'page-maximum') expect(kind).toBe('still going');
      else if (list.expectedEnd === 'complete') expect(keys.size).toBeLessThan(list.reachableKeys.length);
      else expect(kind).not.toBe(list.expectedEnd);
    });
  }

  it('reads a list that is filtered after it was cut with one call a page, when it is told so', async () => {
    const list = brokenLists.find(({ name }) => name === 'short-pages-with-more') as BrokenList;
    const { api, drive } = stage;
    list.install(api);
    const sync = syncOf(() => api, list, [], 'filtered', { advanceBy: 'size' });
    const result = await drive.run(sync, { account: 'filtered' });
    expect(result).toMatchObject({ state: 'done', rows: list.reachableKeys.length });
    // 250 rows in pages of 50; the lanes that are on their way when the last page comes may ask once more each.
    expect(result?.fetches).toBeLessThanOrEqual(5 + 8);
  });
});
