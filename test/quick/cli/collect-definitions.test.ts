import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { collectDefinitions } from '../../../cli/module/collect-definitions.ts';
import { defineProvider, defineSaga, defineSync, get, noAuth, post } from '../../../providers/index.ts';

const provider = defineProvider({ id: 'shop', baseUrl: 'http://127.0.0.1:1', auth: noAuth(), limits: [] });
const object = z.object({ id: z.string() });
const order = provider.endpoint('order', {
  input: object,
  response: object,
  request: ({ id }) => get(`/orders/${id}`),
});
const syncNamed = (name: string) =>
  defineSync(name, { provider, input: object }, (s) => ({
    order: s.one(order, { input: (input) => input, key: ({ id }) => id }),
  }));
const actionNamed = (name: string) =>
  provider.action(name, { input: object, output: object, request: ({ id }) => post('/orders', { id }) });
const [orders, refunds, customers] = ['orders', 'refunds', 'customers'].map(syncNamed);
const [pay, ship] = ['pay', 'ship'].map(actionNamed);
const buy = defineSaga('buy', { input: object }).step('pay', pay as never, ({ input }) => input as never);

const namesOf = (exported: Record<string, unknown>) => {
  const { syncs, actions, sagas } = collectDefinitions('src/sluice.ts', exported);
  return {
    syncs: syncs.map(({ definition }) => definition.name),
    actions: actions.map(({ definition }) => definition.id),
    sagas: sagas.map(({ definition }) => definition.name),
  };
};

describe('what a module exports', () => {
  it('is found on its own, in arrays, and in objects, however deep', () => {
    const exported = { orders, all: [refunds, [pay]], shop: { syncs: { customers }, writes: [{ ship }], buy } };
    expect(namesOf(exported)).toEqual({
      syncs: ['orders', 'refunds', 'customers'],
      actions: ['shop/pay', 'shop/ship'],
      sagas: ['buy'],
    });
  });

  it('is found in the namespace of another module, and in objects that contain themselves', () => {
    const namespace = Object.freeze(Object.assign(Object.create(null) as object, { orders }));
    const circle: Record<string, unknown> = { refunds };
    circle['self'] = circle;
    expect(namesOf({ namespace, circle }).syncs).toEqual(['orders', 'refunds']);
  });

  it('counts once when it is exported twice', () => {
    expect(namesOf({ orders, default: orders, all: [orders, orders] }).syncs).toEqual(['orders']);
  });

  it('is a mistake when two different ones have one name; both places are told', () => {
    expect(() => namesOf({ orders, others: { again: [syncNamed('orders')] } })).toThrow(
      'src/sluice.ts can\'t be served: two different syncs are called "orders": orders and others.again[0].',
    );
    expect(() => namesOf({ pay, writes: [actionNamed('pay')] })).toThrow('two different actions are called "shop/pay"');
  });

  it('leaves alone what is no definition: providers with their actions, functions, dates, what `credentials` holds', () => {
    const credentials = { get: () => Promise.resolve(undefined) };
    expect(namesOf({ provider, order, credentials, now: new Date(), f: () => orders })).toEqual({
      syncs: [],
      actions: [],
      sagas: [],
    });
  });
});
