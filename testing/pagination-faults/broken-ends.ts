/**
 * Broken lists that end, but wrongly: cut at a cap, short of their total. It also has those that only look broken,
 * which a careless guard would cut. They are empty pages in the middle, odd last pages, short pages, drift, guessed
 * totals.
 * Next: `broken-fixture.ts` has the rows; the numbers are those of the seventeen kinds.
 */
import type { BrokenList } from './broken-lists.ts';
import type { BrokenRow } from './broken-fixture.ts';
import { broken, cursorPage, keys, paging, row, rows } from './broken-fixture.ts';

/** Every fifteenth row is never served. */
const isDropped = ({ n }: BrokenRow) => n % 15 === 7;

export const brokenEnds: readonly BrokenList[] = [
  broken({
    name: 'cursor-on-last-page',
    number: 8,
    source: 'dlt-hub/dlt#3358',
    story: 'The last page has a cursor too, and the empty pages behind it; only has_more tells the end.',
    pagination: paging({ hasMore: 'has_more' }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ token, size }) => ({
        body: { ...cursorPage(token, size, 120, '120'), has_more: Number(token ?? 0) + size < 120 },
      }),
  }),
  broken({
    name: 'null-rows-on-the-empty-page',
    source: 'dlt-hub/dlt#2932',
    story: 'The last page leads to one more, where the rows are null instead of an empty list.',
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ token, size }) => ({
        body: token === '120' ? { items: null, next: null } : cursorPage(token, size, 120, '120'),
      }),
  }),
  broken({
    name: 'empty-string-at-the-end',
    source: 'dlt-hub/dlt#2012',
    story: 'The last page has the empty string for a token.',
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ token, size }) => ({ body: cursorPage(token, size, 120, '') }),
  }),
  broken({
    name: 'wraps-round-after-has-more-false',
    number: 9,
    source: 'dlt-hub/dlt#2816',
    story: 'The last page says has_more false and still has an offset, which leads back to the first row.',
    pagination: paging({ hasMore: 'has_more' }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 120),
    reachableKeys: () => keys(0, 120),
    serve:
      () =>
      ({ token, size }) => {
        const from = Number(token ?? 0) % 120;
        const to = Math.min(from + size, 120);
        return { body: { items: rows(from, to), next: String(Number(token ?? 0) + to - from), has_more: to < 120 } };
      },
  }),
  broken({
    name: 'short-of-its-total',
    number: 15,
    source: 'airbytehq/airbyte#76465',
    story: 'Some rows of each page are left out without a word; only the total knows of them.',
    pagination: paging({ total: { field: 'total', kind: 'exact' } }),
    expectedEnd: 'truncated',
    guard: 'missing-rows',
    trueKeys: () => keys(0, 300),
    reachableKeys: () =>
      rows(0, 300)
        .filter((one) => !isDropped(one))
        .map(({ id }) => id),
    serve:
      () =>
      ({ token, size }) => {
        const { items, next } = cursorPage(token, size, 300);
        return { body: { items: items.filter((one) => !isDropped(one)), next, total: 300 } };
      },
  }),
  broken({
    name: 'short-pages-with-more',
    number: 16,
    source: 'airbytehq/airbyte#27502',
    story: 'The server filters after cutting the page: pages are shorter than asked for although more follow.',
    pagination: paging({ kind: 'offset', hasMore: 'more_items' }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 250).filter((_, n) => n % 3 !== 0),
    reachableKeys: () => keys(0, 250).filter((_, n) => n % 3 !== 0),
    serve:
      () =>
      ({ position, size }) => ({
        body: {
          items: rows(position, Math.min(position + size, 250)).filter(({ n }) => n % 3 !== 0),
          more_items: position + size < 250,
        },
      }),
  }),
  broken({
    name: 'border-row-lost',
    source: 'airbytehq/airbyte#27502',
    story: 'The first row of each page but the first is skipped, and no page number brings it.',
    pagination: paging({ kind: 'page', total: { field: 'total', kind: 'exact' } }),
    expectedEnd: 'truncated',
    guard: 'missing-rows',
    trueKeys: () => keys(0, 230),
    reachableKeys: () => keys(0, 230).filter((_, n) => n === 0 || n % 50 !== 0),
    serve:
      () =>
      ({ position, size }) => {
        const from = (position - 1) * size;
        return { body: { items: rows(position === 1 ? 0 : from + 1, Math.min(from + size, 230)), total: 230 } };
      },
  }),
  broken({
    name: 'border-row-twice',
    source: 'airbytehq/airbyte#27502',
    story: 'The last row of each page is the first of the next one too.',
    pagination: paging({ total: { field: 'total', kind: 'exact' } }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 230),
    reachableKeys: () => keys(0, 230),
    serve:
      () =>
      ({ token, size }) => {
        const from = Number(token ?? 0);
        const to = Math.min(from + size, 230);
        return { body: { items: rows(Math.max(0, from - 1), to), next: to < 230 ? String(to) : null, total: 230 } };
      },
  }),
  broken({
    name: 'empty-page-in-the-middle',
    source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html',
    story: 'The third and fourth page are empty but have a token, and more rows follow.',
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 220),
    reachableKeys: () => keys(0, 220),
    serve:
      () =>
      ({ token, size }) => {
        if (token === '100') return { body: { items: [], next: 'gap' } };
        if (token === 'gap') return { body: { items: [], next: 'on' } };
        return { body: cursorPage(token === 'on' ? '100' : token, size, 220) };
      },
  }),
  broken({
    name: 'total-too-high',
    source: 'https://www.elastic.co/guide/en/elasticsearch/reference/current/search-your-data.html',
    story: 'The total is a guess, and too high: pages past the end are empty.',
    pagination: paging({ kind: 'page', total: { field: 'total', kind: 'estimate' } }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 230),
    reachableKeys: () => keys(0, 230),
    serve:
      () =>
      ({ position, size }) => ({
        body: { items: rows((position - 1) * size, Math.min(position * size, 230)), total: 400 },
      }),
  }),
  broken({
    name: 'total-too-low',
    source: 'https://www.elastic.co/guide/en/elasticsearch/reference/current/search-your-data.html',
    story: 'The total is a guess, and too low: to stop there loses a hundred rows.',
    pagination: paging({ kind: 'offset', total: { field: 'total', kind: 'estimate' } }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 230),
    reachableKeys: () => keys(0, 230),
    serve:
      () =>
      ({ position, size }) => ({ body: { items: rows(position, Math.min(position + size, 230)), total: 130 } }),
  }),
  broken({
    name: 'rows-inserted-while-paging',
    source: 'airbytehq/airbyte#27502',
    story:
      'Newest first, and two new rows come in before each page is cut: rows move back over the border and come twice.',
    pagination: paging({ kind: 'offset' }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(0, 230),
    reachableKeys: () => keys(0, 230),
    serve: () => {
      const all = rows(0, 230);
      let newest = 1_000;
      const quietFrom = 1_010;
      return ({ position, size }) => {
        if (position > 0 && newest < quietFrom) all.unshift(row(newest++), row(newest++));
        return { body: { items: all.slice(position, position + size) } };
      };
    },
  }),
  broken({
    name: 'rows-deleted-while-paging',
    source: 'airbytehq/airbyte#27502',
    story:
      'One row at the front is deleted before each page is cut: without overlap a row at each border is never seen.',
    pagination: paging({ kind: 'offset' }),
    expectedEnd: 'complete',
    guard: 'none',
    trueKeys: () => keys(10, 230),
    reachableKeys: () => keys(10, 230),
    serve: () => {
      const all = rows(0, 230);
      let deletions = 10; // then it is quiet: as many as a client needs pages, with some overlap
      return ({ position, size }) => {
        if (position > 0 && deletions-- > 0) all.shift();
        return { body: { items: all.slice(position, position + size) } };
      };
    },
  }),
  broken({
    name: 'new-rows-for-ever',
    source: 'PostHog/posthog#71165',
    story: 'A recurring event has an occurrence every minute until the end of time: each page is full, new and honest.',
    expectedEnd: 'truncated',
    guard: 'page-maximum',
    trueKeys: null,
    reachableKeys: () => [],
    serve:
      () =>
      ({ token, size }) => {
        const from = Number(token ?? 0);
        return { body: { items: rows(from, from + size), next: String(from + size) } };
      },
  }),
];
