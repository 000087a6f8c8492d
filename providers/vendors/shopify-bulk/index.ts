// Bulk operations of Shopify. `sluice/providers/shopify-bulk`; docs/guides/providers.md. Imports the provider that it adds a list to. Start
// with variants.ts.
export { shopifyVariantsSync } from './sync.ts';
export { Variant, variants } from './variants.ts';
