/**
 * Broken lists that never end by themselves. Each must end typed as `looped`, and never look like success.
 * Next: `broken-fixture.ts` has the rows; the numbers are those of the seventeen kinds.
 */
import type { BrokenList } from './broken-lists.ts';
import { broken, keys, paging, row, rows } from './broken-fixture.ts';

/** `updatedAt` of a row as the boundary of a page, in epoch seconds. */
const secondsOf = (n: number) => Date.parse(row(n).updatedAt) / 1_000;

export const brokenLoops: readonly BrokenList[] = [
  broken({
    name: 'same-token-forever',
    number: 1,
    source: 'airbytehq/airbyte-python-cdk#1148',
    story: 'From the second page on, the next token is always the one that was just sent.',
    expectedEnd: 'looped',
    guard: 'repeated-token',
    trueKeys: () => keys(0, 250),
    reachableKeys: () => keys(0, 100),
    serve:
      () =>
      ({ token }) => ({ body: { items: token === null ? rows(0, 50) : rows(50, 100), next: 'A' } }),
  }),
  broken({
    name: 'next-link-is-itself',
    number: 2,
    source: 'airbytehq/airbyte#4284',
    story: 'The Link header of each page leads to that same page.',
    pagination: paging({ kind: 'link-header', items: '' }),
    expectedEnd: 'looped',
    guard: 'repeated-token',
    trueKeys: () => keys(0, 250),
    reachableKeys: () => keys(0, 50),
    serve:
      () =>
      ({ address, size }) => ({
        headers: { link: `<${address}?limit=${size}&cursor=A>; rel="next"` },
        body: rows(0, 50),
      }),
  }),
  broken({
    name: 'one-record-forever',
    number: 3,
    source: 'airbytehq/airbyte#14861',
    story: 'Off by one at the end: every page past the end holds the last record once more, and promises another.',
    pagination: paging({ kind: 'page', hasMore: 'hasMore' }),
    expectedEnd: 'looped',
    guard: 'repeated-rows',
    trueKeys: () => keys(0, 101),
    reachableKeys: () => keys(0, 101),
    serve:
      () =>
      ({ position }) => ({
        body: { items: position <= 2 ? rows((position - 1) * 50, position * 50) : [row(100)], hasMore: true },
      }),
  }),
  broken({
    name: 'two-token-cycle',
    number: 4,
    source: 'airbytehq/airbyte#13500',
    story: 'Token A leads to B and B leads to A; every record is read again and again.',
    expectedEnd: 'looped',
    guard: 'repeated-token',
    trueKeys: () => keys(0, 250),
    reachableKeys: () => keys(0, 150),
    serve:
      () =>
      ({ token }) => {
        if (token === null) return { body: { items: rows(0, 50), next: 'A' } };
        return { body: token === 'A' ? { items: rows(50, 100), next: 'B' } : { items: rows(100, 150), next: 'A' } };
      },
  }),
  broken({
    name: 'inclusive-boundary',
    number: 5,
    source: 'airbytehq/airbyte#81516',
    story: 'The next page begins at the time of the last row, that row included, and there always is a next page.',
    pagination: paging({ kind: 'next-url', params: { ...paging().params, cursor: 'start_time' }, next: 'next_page' }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ token, address }) => {
        const from = token === null ? 0 : (Number(token) - secondsOf(0)) / 60;
        const items = rows(from, Math.min(from + 50, 120));
        return { body: { items, next_page: `${address}?start_time=${secondsOf(items.at(-1)?.n ?? 119)}` } };
      },
  }),
  broken({
    name: 'next-page-is-current-page',
    number: 6,
    source: 'dlt-hub/verified-sources#629',
    story: 'All is well until the last page, whose next address is its own.',
    pagination: paging({ kind: 'next-url', next: 'next_page' }),
    expectedEnd: 'looped',
    guard: 'repeated-token',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ token, address }) => {
        const from = Number(token?.slice(1) ?? 0);
        const next = from + 50 < 120 ? from + 50 : from;
        return { body: { items: rows(from, Math.min(from + 50, 120)), next_page: `${address}?cursor=c${next}` } };
      },
  }),
  broken({
    name: 'growing-timestamps',
    source: 'dlt-hub/verified-sources#629',
    story: 'The next address carries the time of day, so it is always another one, while the rows are always the last.',
    pagination: paging({ kind: 'next-url', next: 'next_page' }),
    expectedEnd: 'looped',
    guard: 'repeated-rows',
    trueKeys: () => keys(0, 101),
    reachableKeys: () => keys(0, 101),
    serve: () => {
      let clock = secondsOf(1_000_000);
      return ({ token, address }) => {
        const from = token === null ? 0 : Number(token);
        const next = from + 50 <= 100 ? from + 50 : ++clock;
        return {
          body: { items: from <= 50 ? rows(from, from + 50) : [row(100)], next_page: `${address}?cursor=${next}` },
        };
      };
    },
  }),
  broken({
    name: 'start-cursor-ignored',
    number: 7,
    source: 'dlt-hub/verified-sources#337',
    story: 'The cursor is not looked at: the first page and its token, for ever.',
    pagination: paging({
      params: { ...paging().params, cursor: 'start_cursor' },
      next: 'next_cursor',
      hasMore: 'has_more',
    }),
    expectedEnd: 'looped',
    guard: 'repeated-token',
    trueKeys: () => keys(0, 250),
    reachableKeys: () => keys(0, 50),
    serve: () => () => ({ body: { items: rows(0, 50), next_cursor: 'c50', has_more: true } }),
  }),
  broken({
    name: 'cursor-on-empty-pages-forever',
    source: 'dlt-hub/dlt#3358',
    story:
      'Behind the last row come empty pages, each with the cursor that was sent, and nothing says that it is the end.',
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ token }) => {
        const from = Number(token ?? 0);
        return { body: { items: rows(from, Math.min(from + 50, 120)), next: String(Math.min(from + 50, 120)) } };
      },
  }),
  broken({
    name: 'has-more-forever',
    number: 10,
    source: 'dlt-hub/dlt#4225',
    story: 'has_more stays true, page after empty page, past the total and past any maximum.',
    pagination: paging({ kind: 'offset', hasMore: 'has_more' }),
    expectedEnd: 'looped',
    guard: 'empty-pages',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ position, size }) => ({
        body: { items: rows(position, Math.min(position + size, 120)), has_more: true },
      }),
  }),
  broken({
    name: 'empty-pages-with-new-tokens',
    source: 'dlt-hub/dlt#4225',
    story: 'The same with cursors: empty pages for ever, each with a token never seen before.',
    expectedEnd: 'looped',
    guard: 'empty-pages',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ token }) => {
        const from = Number(token ?? 0);
        return { body: { items: rows(from, Math.min(from + 50, 120)), next: String(from + 50) } };
      },
  }),
  broken({
    name: 'last-page-repeats',
    number: 11,
    source: 'airbytehq/airbyte#42848',
    story: 'Three full pages; the fourth and all others repeat the third, until page 1001 is refused.',
    pagination: paging({ kind: 'page' }),
    expectedEnd: 'looped',
    guard: 'repeated-rows',
    trueKeys: () => keys(0, 150),
    reachableKeys: () => keys(0, 150),
    serve:
      () =>
      ({ position }) => {
        if (position > 1_000) return { status: 422, body: { error: 'search limit exceeded' } };
        const page = Math.min(position, 3);
        return { body: { items: rows((page - 1) * 50, page * 50) } };
      },
  }),
  broken({
    name: 'paging-ignored',
    number: 12,
    source: 'airbytehq/airbyte#16361',
    story: 'The endpoint knows no paging: whatever page is asked for, the first fifty rows come.',
    pagination: paging({ kind: 'page' }),
    expectedEnd: 'looped',
    guard: 'repeated-rows',
    trueKeys: () => keys(0, 250),
    reachableKeys: () => keys(0, 50),
    serve: () => () => ({ body: { items: rows(0, 50) } }),
  }),
  broken({
    name: 'offset-ignored',
    source: 'airbytehq/airbyte#16361',
    story: 'The same with offsets, and an exact total that says how much is missing.',
    pagination: paging({ kind: 'offset', total: { field: 'total', kind: 'exact' } }),
    expectedEnd: 'looped',
    guard: 'repeated-rows',
    trueKeys: () => keys(0, 250),
    reachableKeys: () => keys(0, 50),
    serve: () => () => ({ body: { items: rows(0, 50), total: 250 } }),
  }),
  broken({
    name: 'stuck-after-200',
    number: 13,
    source: 'Servosity/msp-skills#179',
    story: 'The cursor stops moving after 200 of 450 rows: to end here in silence is to lose 250 rows.',
    pagination: paging({ pageSize: 100 }),
    expectedEnd: 'looped',
    guard: 'repeated-token',
    trueKeys: () => keys(0, 450),
    reachableKeys: () => keys(0, 200),
    serve:
      () =>
      ({ token }) => ({ body: { items: token === null ? rows(0, 100) : rows(100, 200), next: 'c100' } }),
  }),
  broken({
    name: 'cycle-after-a-while',
    number: 14,
    source: 'airbytehq/PyAirbyte#1174',
    story: 'Two good pages, then three that lead to each other in a ring: no token equals the one before it.',
    expectedEnd: 'looped',
    guard: 'repeated-token',
    trueKeys: () => keys(0, 500),
    reachableKeys: () => keys(0, 250),
    serve:
      () =>
      ({ token }) => {
        const page = Number(token ?? 0);
        return { body: { items: rows(page * 50, page * 50 + 50), next: String(page === 4 ? 2 : page + 1) } };
      },
  }),
  broken({
    name: 'new-tokens-old-rows',
    source: 'airbytehq/airbyte#58638',
    story: 'Every token is new and every page is full, but the rows go round: 150 of them, for ever.',
    expectedEnd: 'looped',
    guard: 'repeated-rows',
    trueKeys: () => keys(0, 150),
    reachableKeys: () => keys(0, 150),
    serve:
      () =>
      ({ token }) => {
        const page = Number(token ?? 0);
        return { body: { items: rows((page % 3) * 50, (page % 3) * 50 + 50), next: String(page + 1) } };
      },
  }),
];
