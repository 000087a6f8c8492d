/** Totals that are right, guessed, wrong or no totals. */
import type { Api, Body, Group, HonestyKind } from '../kind.ts';
import { aroundPages, list, type ListOptions } from '../third-party.ts';

const total = (body: Body) => body.total as number;

/** The same kind by page number, by offset and by cursor. */
function each(
  name: string,
  tell: (rows: number, page: { readonly items: number; readonly size: number; readonly from: number }) => unknown,
  { truth = 'whole', api = {}, ...options }: ListOptions & { truth?: HonestyKind['truth']; api?: Partial<Api> } = {},
): Omit<HonestyKind, 'group'>[] {
  return (['page', 'offset', 'cursor'] as const).map((style) => ({
    name: `${name}, by ${style}`,
    truth: 'whole',
    api: { style, total, ...api },
    // A definition that does not look at the total can't contradict it.
    truthOf: (definition) => (definition === 'total' ? truth : undefined),
    world: list({
      by: style === 'cursor' ? 'token' : style,
      body: ({ items, total: rows, ask, from, next }) => ({
        items,
        total: tell(rows, { items: items.length, size: ask.size, from }),
        ...(style === 'cursor' ? { next: next === null ? null : String(next) } : {}),
      }),
      ...options,
    }),
  }));
}

export const totals: Group = {
  group: 'totals',
  kinds: [
    ...each('a total as text', (rows) => String(rows)),
    ...each('a total that is null', () => null),
    ...each('an estimate, a quarter too high', (rows) => Math.round(rows * 1.25), { api: { totalIs: 'estimate' } }),
    ...each('an estimate, half as high', (rows) => Math.round(rows / 2), { api: { totalIs: 'estimate' } }),
    ...each('a total too low by whole pages', (rows, { size }) => Math.max(0, rows - 2 * size)),
    ...each('a total too low by some rows', (rows) => Math.max(0, rows - 7)),
    ...each('a total too high by some rows', (rows) => rows + 7, { truth: 'open' }),
    ...each('the rows of the page for a total', (_, { items }) => items),
    ...each('what is left for a total', (rows, { from }) => rows - from, { truth: 'open' }),
    ...each('0 for a total', () => 0),
    ...each('-1 for a total', () => -1),
    ...each('a total on the first page only', (rows, { from }) => (from === 0 ? rows : undefined)),
    ...each('a total that counts up to 100 and no further', (rows) => Math.min(rows, 100), { count: () => 350 }),
    ...each('a total, and pages smaller than asked for', (rows) => rows, { given: 30, count: aroundPages(30) }),
  ],
};
