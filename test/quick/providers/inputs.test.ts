import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, post } from '../../../providers/index.ts';

const shop = defineProvider({ id: 'shop', baseUrl: 'https://shop.example', auth: noAuth(), limits: [] });
const input = z.object({ id: z.string(), lines: z.array(z.object({ qty: z.number() })) });
const rows = shop.endpoint('rows', {
  input,
  response: z.array(z.object({ id: z.string() })),
  request: () => get('/rows'),
  paginate: { kind: 'single', items: (all) => all },
});
const order = shop.action('order', { input, output: z.any(), request: () => post('/orders'), idempotent: true });
const sync = defineSync('rows', { provider: shop, input }, (s) => ({
  rows: s.one(rows, { input: (of) => of, key: ({ id }) => id }),
}));

describe('an input that does not fit', () => {
  it.each([
    ['The input of sync "rows"', sync.definition.parseInput],
    ['The input of action "shop/order"', order.definition.parseInput],
    ['The input of endpoint "rows"', rows.parseInput],
  ])('is told with all its mistakes, as a sentence: %s', (what, parse) => {
    expect(() => parse({ id: 7, lines: [{ qty: 1 }, {}] })).toThrow(
      new TypeError(
        `${what} does not fit:\n  - id: Invalid input: expected string, received number` +
          '\n  - lines[1].qty: Invalid input: expected number, received undefined',
      ),
    );
    expect(() => parse({ lines: [] })).toThrow(`${what} does not fit: id: Invalid input: expected string`);
    expect(parse({ id: 'a', lines: [] })).toEqual({ id: 'a', lines: [] });
  });
});
