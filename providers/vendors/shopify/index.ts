// Shopify. `sluice/providers/shopify`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { addTags } from './add-tags.ts';
export { Order, orders, Product, products, shopify } from './provider.ts';
export { shopifySync } from './sync.ts';
