/**
 * Products and orders, by the time of their last change. What was deleted is found by a full run.
 */
import { z } from 'zod';
import { defineSync, minutes } from '../../index.ts';
import { orders, products, shopify } from './provider.ts';

export const shopifySync = defineSync('shopify', { provider: shopify, input: z.object({}) }, (s) => ({
  products: s.one(products, {
    input: (_, { watermark }) => ({ since: watermark }),
    key: (product) => product.id,
    incremental: { field: (product) => product.updatedAt, lookbackMs: minutes(5) },
    deletions: 'full-pass',
  }),
  orders: s.one(orders, {
    input: (_, { watermark }) => ({ since: watermark }),
    key: (order) => order.id,
    incremental: { field: (order) => order.updatedAt, lookbackMs: minutes(5) },
  }),
}));
