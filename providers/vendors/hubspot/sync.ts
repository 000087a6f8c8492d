/**
 * Companies, contacts, and which contact belongs to which company. A run that follows another asks for contacts that have changed, and for the
 * companies of these alone, a hundred contacts a call. What was archived is found by a full run; companies are read anew each time.
 */
import { z } from 'zod';
import { defineSync, minutes } from '../../index.ts';
import { companies, companiesOfContacts, contacts, hubspot } from './provider.ts';

export const hubspotSync = defineSync('hubspot', { provider: hubspot, input: z.object({}) }, (s) => {
  const all = s.one(contacts, {
    input: (_, { watermark }) => ({ since: watermark }),
    key: (contact) => contact.id,
    // What has just changed is found by searches some moments later.
    incremental: { field: (contact) => contact.properties.lastmodifieddate, lookbackMs: minutes(10) },
    deletions: 'full-pass',
  });
  return {
    companies: s.one(companies, { input: () => ({}), key: (company) => company.id, deletions: 'full-pass' }),
    contacts: all,
    companiesOfContacts: s.batch(all, companiesOfContacts, {
      size: 100,
      input: (parents) => ({ contacts: parents.map(({ id }) => id) }),
      parentOf: ({ contact }) => contact,
      key: ({ contact, company }) => `${contact}/${company}`,
      parents: 'changed',
      deletions: 'full-pass',
      allowMissing: true,
      allowEmpty: true,
    }),
  };
});
