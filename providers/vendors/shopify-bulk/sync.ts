/**
 * All variants, by one bulk operation instead of a query for each hundred. What it does not bring any more was deleted.
 * @see https://shopify.dev/docs/api/usage/bulk-operations/queries#rate-limits
 */
import { z } from 'zod';
import { defineSync } from '../../index.ts';
import { shopify } from '../shopify/index.ts';
import { variants } from './variants.ts';

export const shopifyVariantsSync = defineSync('shopify-variants', { provider: shopify, input: z.object({}) }, (s) => ({
  variants: s.one(variants, { input: () => ({}), key: (variant) => variant.id, deletions: 'full-pass' }),
}));
