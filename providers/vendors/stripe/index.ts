// Stripe. `sluice/providers/stripe`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { createRefund } from './create-refund.ts';
export { BalanceTransaction, balanceTransactions, Customer, customers, forAccount, stripe } from './provider.ts';
export { stripeSync } from './sync.ts';
