/** Page numbers and offsets, with every way in which third parties answer behind the end. */
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import type { Api, Ask, Body, Group, HonestyKind } from '../kind.ts';
import { aroundPages, list, type List, type ListOptions, type Page } from '../third-party.ts';

type Behind = NonNullable<ListOptions['pastEnd']>;
const refused =
  (status: number, body?: unknown): Behind =>
  () =>
    ({ status, ...(body === undefined ? {} : { body }) }) satisfies FakeAnswer;
const again =
  (from: (page: Page, self: List) => number): Behind =>
  (page, self) => ({ body: self.bodyOf(self.page(page.ask, from(page, self))) });
const lastFrom = ({ ask }: Page, self: List): number =>
  Math.floor(Math.max(0, self.rows.length - 1) / ask.size) * ask.size;

const roundedDown = ({ offset, size }: Ask): number => Math.floor(offset / size) * size;

const total = (body: Body) => body.total as number;
const withTotal: NonNullable<ListOptions['body']> = ({ items, total: count }) => ({ items, total: count });

/** The same kind by page number and by offset. */
function both(
  name: string,
  { truth = 'whole', api = {}, ...options }: ListOptions & { truth?: HonestyKind['truth']; api?: Partial<Api> } = {},
): Omit<HonestyKind, 'group'>[] {
  return (['page', 'offset'] as const).map((by) => ({
    name: `${by === 'page' ? 'page numbers' : 'offsets'}: ${name}`,
    truth,
    api: { style: by, ...api },
    world: list({ by, ...options }),
  }));
}

export const numbered: Group = {
  group: 'page numbers and offsets',
  kinds: [
    ...both('a page without rows behind the end'),
    ...both('an exact total', { api: { total }, body: withTotal }),
    ...both('404 behind the end', { pastEnd: refused(404, { message: 'no such page' }) }),
    ...both('400 behind the end', {
      pastEnd: refused(400, { error: 'page out of range' }),
      api: { total, hasMore: (body: Body) => body.more },
      body: ({ items, isLast, total: count }) => ({ items, more: !isLast, total: count }),
      truth: 'open',
    }),
    // Its `items` must be written for an answer without a body; a reader who does not ask behind the end never meets one.
    ...both('204 behind the end', { truth: 'open', pastEnd: refused(204) }),
    ...both('416 behind the end', { pastEnd: refused(416, { error: 'range not satisfiable' }) }),
    ...both('null instead of rows behind the end', { pastEnd: refused(200, { items: null, next: null }) }),
    ...both('the last page again behind the end', {
      pastEnd: again(lastFrom),
      api: { total },
      body: withTotal,
      truth: 'open',
    }),
    ...both('the first page again behind the end', {
      pastEnd: again(() => 0),
      api: { total },
      body: withTotal,
      truth: 'open',
    }),
    ...both('has_more', {
      api: { hasMore: (body: Body) => body.has_more },
      body: ({ items, isLast }) => ({ items, has_more: !isLast }),
    }),
    ...both('has_more true for ever', {
      truth: 'open',
      api: { hasMore: (body: Body) => body.has_more },
      body: ({ items }) => ({ items, has_more: true }),
    }),
    ...both('no rows at all', { count: () => 0, api: { total }, body: withTotal }),
    ...both('one page that is not full', { count: (random) => 1 + random(80), api: { total }, body: withTotal }),
    ...both('fewer rows than asked for, without a word', {
      given: 40,
      count: aroundPages(40),
      api: { total },
      body: withTotal,
    }),
    ...both('pages of 20, whatever is asked for', {
      given: () => 20,
      count: aroundPages(20, 6),
      api: { size: 20, isFixed: true, total },
      body: withTotal,
    }),
    // By offset nothing tells it from a list whose offsets count pages.
    ...both('one full page of 20, whatever is asked for', {
      given: () => 20,
      count: () => 20,
      api: { total },
      body: withTotal,
    }).slice(0, 1),
    ...both('filtered after it was cut: short pages in the middle', {
      count: () => 480,
      hides: (n) => n % 3 === 0,
      api: { shortIsLast: false, hasMore: (body: Body) => body.more },
      body: ({ items, isLast }) => ({ items, more: !isLast }),
    }),
    {
      name: 'page numbers from 0',
      truth: 'whole',
      api: { style: 'page', firstPage: 0, total },
      world: list({ by: 'page', firstPage: 0, body: withTotal }),
    },
    {
      name: 'page numbers: total_pages and page in the body',
      truth: 'whole',
      api: { style: 'page', hasMore: (body: Body) => body.page < body.total_pages, total },
      world: list({
        by: 'page',
        body: ({ items, ask, total: count }) => ({
          items,
          page: ask.number,
          total_pages: Math.ceil(count / ask.size),
          total: count,
        }),
      }),
    },
    {
      name: 'page numbers: the total in X-Total-Count, the body a bare list',
      truth: 'whole',
      api: { style: 'page', items: (body: Body) => body, total: (_, { headers }) => Number(headers['x-total-count']) },
      world: list({
        by: 'page',
        answer: ({ items, total: count }) => ({ body: items, headers: { 'x-total-count': String(count) } }),
      }),
    },
    {
      name: 'page numbers: the number is not looked at',
      truth: 'short',
      api: { style: 'page', total },
      world: list({
        by: 'page',
        count: () => 350,
        instead: (ask, self) => ({ body: self.bodyOf(self.page(ask, 0)) }),
        body: withTotal,
      }),
    },
    {
      name: 'offsets: rounded down to whole pages',
      truth: 'whole',
      api: { style: 'offset', total },
      world: list({
        by: 'offset',
        instead: (ask, self) => ({ body: self.bodyOf(self.page(ask, roundedDown(ask))) }),
        body: withTotal,
      }),
    },
    {
      name: 'offsets: rounded down to whole pages, and a page without rows for a moment',
      truth: 'whole',
      api: { style: 'offset', size: 20, shortIsLast: false },
      world: list({
        by: 'offset',
        count: () => 170,
        instead: (ask, self) =>
          ask.nth === 5 ? { body: { items: [] } } : { body: self.bodyOf(self.page(ask, roundedDown(ask))) },
      }),
    },
    {
      name: 'offsets: the offset is not looked at',
      truth: 'short',
      api: { style: 'offset', total },
      world: list({
        by: 'offset',
        count: () => 350,
        instead: (ask, self) => ({ body: self.bodyOf(self.page(ask, 0)) }),
        body: withTotal,
      }),
    },
    {
      name: 'page numbers: a page without rows in the middle, the size fixed',
      truth: 'whole',
      api: { style: 'page', size: 20, isFixed: true, shortIsLast: false, total },
      world: list({
        by: 'page',
        count: () => 170,
        given: () => 20,
        hides: (n) => n >= 60 && n < 80,
        body: ({ items }) => ({ items, total: 150 }),
      }),
    },
    {
      name: 'page numbers: ten pages of 20, of which rows are left out, without a size in the request',
      truth: 'whole',
      api: { style: 'page', isFixed: true, shortIsLast: false },
      world: list({ by: 'page', count: () => 200, given: () => 20, hides: (n) => n % 7 === 0 }),
    },
    ...[{ body: { items: [] } }, { status: 404, body: { message: 'no such route' } }].map(
      (moment): Omit<HonestyKind, 'group'> => ({
        name: `page numbers: ${'status' in moment ? '404' : 'a page without rows'} for a moment, the size fixed`,
        truth: 'whole',
        api: { style: 'page', size: 20, isFixed: true, shortIsLast: false },
        world: list({
          by: 'page',
          count: () => 170,
          given: () => 20,
          instead: ({ nth }) => (nth === 4 ? moment : undefined),
        }),
      }),
    ),
  ],
};
