// Salesforce. `sluice/providers/salesforce`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { Account, accounts, Contact, contacts, salesforce } from './provider.ts';
export { salesforceSync } from './sync.ts';
export { upsertRecord } from './upsert-record.ts';
