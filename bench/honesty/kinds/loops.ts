/** Lists that never end, or only seem to. */
import type { Body, Group } from '../kind.ts';
import { list } from '../third-party.ts';

const hasMore = (body: Body) => body.has_more as boolean;

export const loops: Group = {
  group: 'loops',
  kinds: [
    {
      name: 'the cursor stops moving',
      truth: 'short',
      api: { style: 'cursor' },
      world: list({
        count: () => 450,
        body: ({ items, next }) => ({ items, next: String(Math.min(next ?? 200, 200)) }),
      }),
    },
    {
      name: 'the cursor is not looked at',
      truth: 'short',
      api: { style: 'cursor', hasMore },
      world: list({
        count: () => 450,
        instead: (ask, self) => ({ body: { items: self.page(ask, 0).items, next: 'c1', has_more: true } }),
      }),
    },
    {
      name: 'the cursor is not looked at, and always another one',
      truth: 'short',
      api: { style: 'cursor' },
      world: list({
        count: () => 450,
        instead: (ask, self) => ({ body: { items: self.page(ask, 0).items, next: `c${ask.nth}` } }),
      }),
    },
    {
      name: 'pages lead to each other in a ring',
      truth: 'short',
      api: { style: 'cursor' },
      world: list({
        count: () => 900,
        body: ({ items, from }) => ({ items, next: String(from >= 400 ? 200 : from + items.length) }),
      }),
    },
    {
      name: 'empty pages for ever, each with a new cursor',
      truth: 'open',
      api: { style: 'cursor' },
      world: list({ body: ({ items, ask, next }) => ({ items, next: String(next ?? 10_000 + ask.nth) }) }),
    },
    {
      name: 'the last row for ever, each with a new cursor',
      truth: 'open',
      api: { style: 'cursor' },
      world: list({
        body: ({ items, ask, next, total, from }) => ({
          items: from >= total ? [{ id: `r${total - 1}`, n: total - 1 }] : items,
          next: String(next ?? 10_000 + ask.nth),
        }),
      }),
    },
    {
      name: 'has_more, and no cursor to go on with',
      truth: 'short',
      api: { style: 'cursor', always: { hasMore }, hasMore },
      world: list({
        count: () => 450,
        body: ({ items, from, next }) => ({ items, next: from >= 200 ? null : String(next), has_more: true }),
      }),
    },
    {
      name: 'a cursor that dies in the middle',
      truth: 'short',
      api: { style: 'cursor' },
      world: list({
        count: () => 450,
        instead: ({ cursor }) =>
          Number(cursor) >= 200 ? { status: 400, body: { error: 'cursor expired' } } : undefined,
      }),
    },
  ],
};
