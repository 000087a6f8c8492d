// HubSpot. `sluice/providers/hubspot`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { Association, companies, companiesOfContacts, Company, Contact, contacts, hubspot } from './provider.ts';
export { hubspotSync } from './sync.ts';
export { upsertContact } from './upsert-contact.ts';
