/**
 * The shapes of task queues as trees of resources: `docs/learn/coming-from-celery.md` shows these lines, and
 * `test/temporal/lists/shapes.test.ts` runs them. Next: `workflows.ts` for what is no tree.
 */
import { z } from 'zod';
import {
  defineProvider,
  defineSaga,
  defineSync,
  del,
  get,
  noAuth,
  path,
  post,
  seconds,
  window,
} from '../../providers/index.ts';

export const shop = defineProvider({
  id: 'shop',
  baseUrl: () => process.env['SHOP_URL'] ?? 'https://api.shop.example',
  auth: noAuth(),
  limits: [window('app', { by: ['app'], max: 500, perMs: seconds(1) })],
});

const ById = z.object({ id: z.string() });
const Order = z.object({ id: z.string(), customerId: z.string() });
const Line = z.object({ id: z.string(), orderId: z.string() });
const pageOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), next: z.string().nullish() });

const order = shop.endpoint('order', {
  input: ById,
  response: Order,
  request: ({ id }) => get(path`/orders/${id}`),
});
const customer = shop.endpoint('customer', {
  input: ById,
  response: z.object({ id: z.string(), addressId: z.string() }),
  request: ({ id }) => get(path`/customers/${id}`),
});
const address = shop.endpoint('address', {
  input: ById,
  response: z.object({ id: z.string() }),
  request: ({ id }) => get(path`/addresses/${id}`),
});
const orders = shop.endpoint('orders', {
  input: z.object({ shopId: z.string() }),
  response: pageOf(Order),
  request: ({ shopId }, page) => get(path`/shops/${shopId}/orders`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 5 } },
});
const lines = shop.endpoint('lines', {
  input: z.object({ orderId: z.string() }),
  response: pageOf(Line),
  request: ({ orderId }, page) => get(path`/orders/${orderId}/lines`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 5 } },
});
const stock = shop.endpoint('stock', {
  input: z.object({ orderId: z.string(), lineId: z.string() }),
  response: z.object({ id: z.string() }),
  request: ({ orderId, lineId }) => get(path`/orders/${orderId}/lines/${lineId}/stock`),
});
const notes = shop.endpoint('notes', {
  input: z.object({ orderId: z.string() }),
  response: pageOf(z.object({ id: z.string() })),
  request: ({ orderId }, page) => get(path`/orders/${orderId}/notes`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 5 } },
});

export const chain = defineSync('chain', { provider: shop, input: z.object({ orderId: z.string() }) }, (s) => {
  const first = s.one(order, { input: ({ orderId }) => ({ id: orderId }), key: (o) => o.id });
  const second = s.each(first, customer, { input: ({ customerId }) => ({ id: customerId }), key: (c) => c.id });
  const third = s.each(second, address, { input: ({ addressId }) => ({ id: addressId }), key: (a) => a.id });
  return { first, second, third };
});

export const group = defineSync('group', { provider: shop, input: z.object({ orderId: z.string() }) }, (s) => {
  const its = s.one(order, { input: ({ orderId }) => ({ id: orderId }), key: (o) => o.id });
  const itsLines = s.each(its, lines, { input: ({ id }) => ({ orderId: id }), key: (line) => line.id });
  const itsNotes = s.each(its, notes, { input: ({ id }) => ({ orderId: id }), key: (note) => note.id });
  const whose = s.each(its, customer, { input: ({ customerId }) => ({ id: customerId }), key: (c) => c.id });
  return { its, itsLines, itsNotes, whose };
});

export const map = defineSync('map', { provider: shop, input: z.object({ shopId: z.string() }) }, (s) => {
  const all = s.one(orders, { input: ({ shopId }) => ({ shopId }), key: (o) => o.id });
  const customers = s.each(all, customer, {
    input: ({ customerId }) => ({ id: customerId }),
    key: (c) => c.id,
    uniqueBy: ({ customerId }) => customerId, // many orders, one customer: asked for once
    window: 10, // at most ten at once
  });
  return { all, customers };
});

export const starmap = defineSync('starmap', { provider: shop, input: z.object({ orderId: z.string() }) }, (s) => {
  const itsLines = s.one(lines, { input: ({ orderId }) => ({ orderId }), key: (line) => line.id });
  const stocks = s.each(itsLines, stock, {
    input: ({ orderId, id }) => ({ orderId, lineId: id }), // several arguments, all from one row
    key: (found) => found.id,
  });
  return { itsLines, stocks };
});

const inChunks = <Item>(items: readonly Item[], size: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

const orderChunks = shop.endpoint('order-chunks', {
  input: z.object({ shopId: z.string() }),
  response: pageOf(Order),
  request: ({ shopId }, page) => get(path`/shops/${shopId}/orders`, { cursor: page.cursor, limit: page.size }),
  paginate: {
    kind: 'cursor',
    items: ({ items }) => inChunks(items, 10).map((chunk) => chunk.map(({ customerId }) => customerId)),
    next: ({ next }) => next,
    pageSize: { start: 50 },
  },
});
const customersByIds = shop.endpoint('customers-by-ids', {
  input: z.object({ ids: z.array(z.string()) }),
  response: z.object({ customers: z.array(z.object({ id: z.string() })) }),
  request: ({ ids }) => get('/customers', { ids: ids.join(',') }),
  paginate: { kind: 'single', items: ({ customers }) => customers },
});
export const chunks = defineSync('chunks', { provider: shop, input: z.object({ shopId: z.string() }) }, (s) => {
  const tens = s.one(orderChunks, {
    input: ({ shopId }) => ({ shopId }),
    key: (ids) => ids.join(','),
    map: (ids) => ({ ids }),
  });
  const found = s.each(tens, customersByIds, { input: ({ ids }) => ({ ids }), key: (c) => c.id });
  return { tens, found };
});

export const nested = defineSync('nested', { provider: shop, input: z.object({ shopId: z.string() }) }, (s) => {
  const all = s.one(orders, { input: ({ shopId }) => ({ shopId }), key: (o) => o.id });
  const itsLines = s.each(all, lines, { input: ({ id }) => ({ orderId: id }), key: (line) => line.id });
  const stocks = s.each(itsLines, stock, {
    input: ({ orderId, id }) => ({ orderId, lineId: id }),
    key: (found) => found.id,
  });
  return { all, itsLines, stocks };
});

export const reserve = shop.action('reserve', {
  input: z.object({ orderId: z.string() }),
  output: z.object({ id: z.string() }),
  request: ({ orderId }, { idempotencyKey }) =>
    post('/reservations', { orderId }, { 'idempotency-key': idempotencyKey }),
  idempotent: true,
  compensate: ({ id }) => del(path`/reservations/${id}`),
});
export const charge = shop.action('charge', {
  input: z.object({ reservation: z.string(), amount: z.number() }),
  output: z.object({ id: z.string() }),
  request: (input, { idempotencyKey }) => post('/charges', input, { 'idempotency-key': idempotencyKey }),
  idempotent: true,
});
export const purchase = defineSaga('purchase', { input: z.object({ orderId: z.string(), amount: z.number() }) })
  .step('stock', reserve, ({ input }) => ({ orderId: input.orderId }))
  .step('payment', charge, ({ input, stock: { id } }) => ({ amount: input.amount, reservation: id }));
