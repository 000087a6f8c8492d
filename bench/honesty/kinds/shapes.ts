/** Ordinary bodies of other shapes: maps by id, one row that is no list, groups of rows, connections, and rows of which some are wanted. */
import type { Body, Group, Row } from '../kind.ts';
import { fewestPages, list, type Page } from '../third-party.ts';

const blank = (rows: number, _: unknown, size: number): number => fewestPages(rows, size, 'blank');
const asList = (value: unknown): readonly Row[] =>
  value === undefined || value === '' ? [] : ([value].flat() as unknown as readonly Row[]);
const more = ({ next }: Page): string | null => (next === null ? null : `k${next}`);
/** As `k100`, which is no number. */
const placeOf = (cursor: string | undefined): number => Number(cursor?.slice(1) ?? 0);
/** What is wanted of a page, and what stands between it. */
const withOthers = ({ items, from, total, ask }: Page): object => {
  const left = Math.min(ask.size, Math.max(0, total - from)) - items.length;
  return { items: [...items, ...Array.from({ length: left }, (_, n) => ({ id: `o${from + n}`, type: 'other' }))] };
};

export const shapes: Group = {
  group: 'shapes',
  kinds: [
    {
      name: 'a map by id, and an empty list where there is none (PHP)',
      truth: 'whole',
      api: { style: 'offset', items: (body: Body) => Object.values(body.rows), total: (body: Body) => body.total },
      world: list({
        by: 'offset',
        body: ({ items, total }) => ({
          rows: items.length === 0 ? [] : Object.fromEntries(items.map((row) => [row.id, row])),
          total,
        }),
      }),
    },
    {
      name: 'one row that comes as an object, none as a text (XML to JSON)',
      truth: 'whole',
      api: { style: 'page', items: (body: Body) => asList(body.rows.row), always: { mayOmitItems: true } },
      world: list({
        by: 'page',
        body: ({ items }) => ({ rows: items.length === 0 ? '' : { row: items.length === 1 ? items[0] : items } }),
      }),
    },
    {
      name: 'rows of one type among others, which `items` leaves out, by page',
      truth: 'whole',
      api: { style: 'page', isFixed: true, items: (body: Body) => body.items.filter((row: Row) => !row['type']) },
      world: list({ by: 'page', hides: (n) => n % 3 === 1, body: withOthers, fewest: blank }),
    },
    {
      name: 'a connection that is read from its end',
      truth: 'whole',
      api: {
        style: 'cursor',
        items: (body: Body) => body.nodes,
        next: (body: Body) => (body.pageInfo.hasPreviousPage ? body.pageInfo.startCursor : null),
      },
      world: list({
        instead: (ask, self) => {
          const page = self.page(ask, placeOf(ask.cursor));
          const pageInfo = { hasNextPage: false, hasPreviousPage: !page.isLast, startCursor: more(page) };
          return { body: { nodes: page.items, pageInfo } };
        },
      }),
    },
    {
      name: 'a connection that is read from its end, by the flag of the other one',
      truth: 'short',
      api: {
        style: 'cursor',
        items: (body: Body) => body.nodes,
        next: (body: Body) => body.pageInfo.startCursor,
        always: { hasMore: (body: Body) => body.pageInfo.hasNextPage },
      },
      world: list({
        count: () => 450,
        instead: (ask, self) => {
          const page = self.page(ask, placeOf(ask.cursor));
          const pageInfo = { hasNextPage: false, hasPreviousPage: !page.isLast, startCursor: more(page) };
          return { body: { nodes: page.items, pageInfo } };
        },
      }),
    },
    ...Object.entries({
      'a flag in an envelope': { envelope: { has_more: true } },
      'a cursor in a header of its own': { header: { next_cursor: 'abc' } },
      'a count beside facets': { facets: { type: 3 }, numFound: 450 },
      'paging info': { pagingInfo: { next: '/rows?page=2' } },
    }).map(([name, told]) => ({
      name: `all of a list in one answer, which tells of more by ${name}`,
      truth: 'short' as const,
      api: { style: 'single' as const, items: (body: Body) => body.items },
      world: list({ count: () => 450, given: 50, body: ({ items }) => ({ items, ...told }) }),
    })),
  ],
};
