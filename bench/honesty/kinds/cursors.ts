/** Lists whose pages name the cursor of the next, in the body or a header, and those that are read behind a row's id. */
import type { Body, Group, Row } from '../kind.ts';
import { aroundPages, fewestPages, list, type Page } from '../third-party.ts';

const items = ({ items: rows }: Page): readonly Row[] => rows;
/** One more page, without rows, behind the last. */
const oneBlank = (rows: number, _: unknown, size: number): number => fewestPages(rows, size, 'blank');
const token = (next: number | null): string =>
  next === null ? '' : Buffer.from(`{"at":${next},"é":"+/="}`).toString('base64');
const placeOf = (cursor: string | undefined): number =>
  cursor === undefined ? 0 : (JSON.parse(Buffer.from(cursor, 'base64').toString()) as { at: number }).at;

export const cursors: Group = {
  group: 'cursors',
  kinds: [
    { name: 'null on the last page', truth: 'whole', api: { style: 'cursor' }, world: list() },
    {
      name: 'no field on the last page',
      truth: 'whole',
      api: { style: 'cursor' },
      world: list({ body: (page) => ({ items: items(page), ...(page.next === null ? {} : { next: page.next }) }) }),
    },
    {
      name: 'empty text on the last page',
      truth: 'whole',
      api: { style: 'cursor' },
      world: list({ body: (page) => ({ items: items(page), next: page.next === null ? '' : String(page.next) }) }),
    },
    {
      name: 'a cursor on the last page, which leads to an empty one',
      truth: 'whole',
      api: { style: 'cursor' },
      world: list({
        body: ({ items: rows, from, total }) => ({
          items: rows,
          next: rows.length ? String(Math.min(from + rows.length, total)) : null,
        }),
        fewest: oneBlank,
      }),
    },
    {
      name: 'a cursor on the last page, which leads to an empty one that names itself',
      truth: 'whole',
      api: { style: 'cursor' },
      world: list({
        instead: (ask, self) => {
          const page = self.page(ask, placeOf(ask.cursor));
          return { body: { items: page.items, next: token(page.from + page.items.length) } };
        },
        fewest: oneBlank,
      }),
    },
    {
      name: 'a cursor on the last page too; has_more says that it is the last',
      truth: 'whole',
      api: {
        style: 'cursor',
        hasMore: (body: Body) => body.has_more,
        always: { hasMore: (body: Body) => body.has_more },
      },
      world: list({
        body: ({ items: rows, from, isLast }) => ({ items: rows, next: String(from + rows.length), has_more: !isLast }),
      }),
    },
    {
      name: 'behind the last page the first again; has_more says that it is the last',
      truth: 'whole',
      api: {
        style: 'cursor',
        hasMore: (body: Body) => body.has_more,
        always: { hasMore: (body: Body) => body.has_more },
      },
      world: list({
        body: ({ items: rows, next, isLast }) => ({ items: rows, next: String(next ?? 0), has_more: !isLast }),
      }),
    },
    {
      name: 'has_more beside the cursor',
      truth: 'whole',
      api: { style: 'cursor', hasMore: (body: Body) => body.has_more, total: (body: Body) => body.total },
      world: list({
        body: ({ items: rows, next, isLast, total }) => ({
          items: rows,
          next: next && String(next),
          has_more: !isLast,
          total,
        }),
      }),
    },
    {
      name: 'numbers for cursors, from 0',
      truth: 'whole',
      api: { style: 'cursor', total: (body: Body) => body.count },
      world: list({ body: ({ items: rows, next, total }) => ({ items: rows, next, count: total }) }),
    },
    {
      name: 'opaque cursors with + / = in them',
      truth: 'whole',
      api: { style: 'cursor', next: (body: Body) => body.meta.page.after, items: (body: Body) => body.data },
      world: list({
        instead: (ask, self) => {
          const page = self.page(ask, placeOf(ask.cursor));
          return { body: { data: page.items, meta: { page: { after: token(page.next) } } } };
        },
      }),
    },
    {
      name: 'the cursor and the total in headers, the body a bare list',
      truth: 'whole',
      api: {
        style: 'cursor',
        items: (body: Body) => body,
        next: (_, { headers }) => headers['x-next-cursor'],
        total: (_, { headers }) => Number(headers['x-total-count']),
      },
      world: list({
        answer: ({ items: rows, next, total }) => ({
          body: rows,
          headers: { 'x-total-count': String(total), ...(next === null ? {} : { 'x-next-cursor': String(next) }) },
        }),
      }),
    },
    {
      name: 'fewer rows than asked for, without a word',
      truth: 'whole',
      api: { style: 'cursor', total: (body: Body) => body.total },
      world: list({
        given: 40,
        count: aroundPages(40),
        body: ({ items: rows, next, total }) => ({ items: rows, next: next && String(next), total }),
      }),
    },
    {
      name: 'more rows than asked for',
      truth: 'whole',
      api: { style: 'cursor', size: 20 },
      world: list({ given: () => 75, count: aroundPages(75) }),
    },
    {
      name: 'short pages in the middle',
      truth: 'whole',
      api: { style: 'cursor', hasMore: (body: Body) => body.next !== null },
      world: list({
        given: (asked, random) => Math.max(1, asked - random(60)),
        fewest: (rows, _, size) => Math.max(1, Math.ceil(rows / (size - 30))),
      }),
    },
    {
      name: 'empty pages in the middle, each with a cursor',
      truth: 'whole',
      api: { style: 'cursor', hasMore: (body: Body) => body.next !== null },
      world: list({
        count: () => 640,
        hides: (n) => n >= 200 && n < 500,
      }),
    },
    {
      name: 'the last row of a page is the first of the next',
      truth: 'whole',
      api: { style: 'cursor', total: (body: Body) => body.total },
      world: list({
        instead: (ask, self) => {
          const from = Number(ask.cursor ?? 0);
          const page = self.page(ask, Math.max(0, from - 1));
          return { body: { items: page.items, next: page.next && String(page.next), total: self.rows.length } };
        },
        fewest: (rows, _, size) => Math.max(1, 1 + Math.ceil((rows - size) / (size - 1))),
      }),
    },
    {
      name: 'read behind the last id, until a page is empty (since_id)',
      truth: 'whole',
      api: { style: 'cursor', next: (body: Body) => body.items.at(-1)?.id },
      world: list({
        instead: (ask, self) => {
          const from = ask.cursor === undefined ? 0 : self.rows.findIndex(({ id }) => id === ask.cursor) + 1;
          return { body: { items: self.page(ask, from).items } };
        },
        fewest: oneBlank,
      }),
    },
    {
      name: 'a page that comes once more, out of a cache, in the place of the next',
      truth: 'whole',
      api: { style: 'cursor', next: (body: Body) => body.after },
      world: list({
        body: ({ items: rows, from, next }) => ({
          items: rows,
          after: next === null ? null : token(from + rows.length),
        }),
        instead: (ask, self) => {
          const page = self.page(ask, placeOf(ask.cursor));
          const isStale = ask.nth === 3 && page.from > 0;
          if (isStale) self.refusals++;
          return { body: self.bodyOf(isStale ? self.page(ask, page.from - ask.size) : page) };
        },
      }),
    },
    ...(['that itself left out', 'that itself included'] as const).map((border) => ({
      name: `read before the last id, ${border}, down to 1`,
      truth: 'whole' as const,
      api: { style: 'cursor' as const, next: (body: Body) => body.items.at(-1)?.id },
      world: list({
        count: () => 100,
        row: (n) => ({ id: 100 - n, n }),
        instead: (ask, self) => {
          const least = Number(ask.cursor ?? Infinity) + (border === 'that itself included' ? 1 : 0);
          const from = self.rows.findIndex(({ id }) => Number(id) < least);
          return { body: { items: from < 0 ? [] : self.page(ask, from).items } };
        },
        fewest: oneBlank,
      }),
    })),
    {
      name: 'read before the lowest id, newest first, rows coming in (max_id)',
      truth: 'whole',
      isMoving: true,
      api: { style: 'cursor', next: (body: Body) => body.items.at(-1)?.id },
      world: list({
        row: (n) => ({ id: `r${String(9_000 - n)}`, n }),
        change: (rows, random, nth) => {
          if (random(2)) rows.unshift({ id: `r${9_000 + nth}`, n: -nth });
        },
        instead: (ask, self) => {
          const from = ask.cursor === undefined ? 0 : self.rows.findIndex(({ id }) => String(id) < String(ask.cursor));
          return { body: { items: from < 0 ? [] : self.page(ask, from).items } };
        },
        fewest: oneBlank,
      }),
    },
    {
      name: 'starting_after and has_more (Stripe)',
      truth: 'whole',
      api: {
        style: 'cursor',
        items: (body: Body) => body.data,
        next: (body: Body) => body.data.at(-1)?.id,
        always: { hasMore: (body: Body) => body.has_more },
        hasMore: (body: Body) => body.has_more,
      },
      world: list({
        instead: (ask, self) => {
          const from = ask.cursor === undefined ? 0 : self.rows.findIndex(({ id }) => id === ask.cursor) + 1;
          const page = self.page(ask, from);
          return { body: { object: 'list', data: page.items, has_more: !page.isLast, url: '/v1/charges' } };
        },
      }),
    },
    {
      name: 'max_id with the row itself, which comes again at the end',
      truth: 'whole',
      api: { style: 'cursor', next: (body: Body) => body.items.at(-1)?.id },
      world: list({
        instead: (ask, self) => {
          const from = ask.cursor === undefined ? 0 : self.rows.findIndex(({ id }) => id === ask.cursor);
          return { body: { items: self.page(ask, from).items } };
        },
        fewest: oneBlank,
      }),
    },
    {
      name: 'since a time, that itself included, with several rows of one second',
      truth: 'whole',
      api: { style: 'cursor', next: (body: Body) => body.items.at(-1)?.at },
      world: list({
        row: (n) => ({ id: `r${n}`, n, at: 1_700_000_000 + Math.floor(n / 7) }),
        instead: (ask, self) => {
          const from = self.rows.findIndex(({ at }) => Number(at) >= Number(ask.cursor ?? 0));
          return { body: { items: self.page(ask, from).items } };
        },
        // The rows of the last second come again, and then again without a new one.
        fewest: (rows, _, size) => fewestPages(rows, size, 'blank') + 1,
      }),
    },
    {
      name: 'no rows at all',
      truth: 'whole',
      api: { style: 'cursor', total: (body: Body) => body.total },
      world: list({ count: () => 0, body: () => ({ items: [], next: null, total: 0 }) }),
    },
  ],
};
