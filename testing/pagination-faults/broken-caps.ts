/**
 * Lists that a third party cuts: at a number of rows, or at a page size, told or in silence. Next: `broken-fixture.ts` has the rows.
 */
import type { BrokenList } from './broken-lists.ts';
import { broken, cursorPage, keys, paging, rows } from './broken-fixture.ts';

export const brokenCaps: readonly BrokenList[] = [
  broken({
    name: 'cap-of-100000',
    number: 17,
    source: 'airbytehq/airbyte#66592',
    story: 'No token after 100,000 rows, although there are 250,000.',
    pagination: paging({ pageSize: 2_000 }),
    expectedEnd: 'capped',
    guard: 'result-cap',
    trueKeys: () => keys(0, 250_000),
    reachableKeys: () => keys(0, 100_000),
    serve:
      () =>
      ({ token, size }) => ({ body: cursorPage(token, Math.min(size, 2_000), 100_000) }),
  }),
  broken({
    name: 'cap-of-10000',
    source: 'elastic/elasticsearch: index.max_result_window',
    story: 'There are 26,000 rows, but an offset of 10,000 is refused with 400.',
    pagination: paging({ kind: 'offset', pageSize: 500 }),
    expectedEnd: 'capped',
    guard: 'result-cap',
    trueKeys: () => keys(0, 26_000),
    reachableKeys: () => keys(0, 10_000),
    serve:
      () =>
      ({ position, size }) => {
        if (position >= 10_000) return { status: 400, body: { error: 'result window is too large' } };
        return { body: { items: rows(position, Math.min(position + size, 10_000)) } };
      },
  }),
  broken({
    name: 'cap-of-1000',
    source: 'https://docs.github.com/en/rest/search/search',
    story: 'A search finds 2,600 rows and says so, but gives 1,000 and refuses the page behind them with 422.',
    pagination: paging({ kind: 'page', pageSize: 100, total: { field: 'total_count', kind: 'exact' } }),
    expectedEnd: 'capped',
    guard: 'result-cap',
    trueKeys: () => keys(0, 2_600),
    reachableKeys: () => keys(0, 1_000),
    serve:
      () =>
      ({ position, size }) => {
        const from = (position - 1) * size;
        if (from >= 1_000) return { status: 422, body: { error: 'only the first 1000 results are available' } };
        return { body: { items: rows(from, Math.min(from + size, 1_000)), total_count: 2_600 } };
      },
  }),
  broken({
    name: 'cap-of-1000-with-ranges',
    source: 'airbytehq/airbyte#66592',
    story: 'The same cap, on a list that can be asked for in ranges: whoever splits them gets all of it.',
    pagination: paging({ pageSize: 100, range: { from: 'min', to: 'max', field: 'n' } }),
    expectedEnd: 'complete',
    guard: 'result-cap',
    trueKeys: () => keys(0, 2_600),
    reachableKeys: () => keys(0, 2_600),
    serve:
      () =>
      ({ call, token, size }) => {
        const min = Math.max(0, Number(call.query.get('min') ?? 0));
        const max = Math.min(2_599, Number(call.query.get('max') ?? 2_599));
        const end = Math.min(max - min + 1, 1_000);
        const from = Number(token ?? 0);
        const to = Math.min(from + Math.min(size, 100), end);
        return { body: { items: rows(min + from, min + to), next: to < end ? String(to) : null } };
      },
  }),
  broken({
    name: 'page-size-capped-in-silence',
    source: 'airbytehq/airbyte#27502',
    story: 'Five hundred rows are asked for, one hundred come, and nothing says so.',
    pagination: paging({ kind: 'offset', pageSize: 500 }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 430),
    reachableKeys: () => keys(0, 430),
    serve:
      () =>
      ({ position, size }) => ({ body: { items: rows(position, Math.min(position + Math.min(size, 100), 430)) } }),
  }),
];
