/**
 * Creates the contact with this address, or changes it: HubSpot keeps one contact for an address, so that a repeat makes no second one.
 * @see https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
 */
import { z } from 'zod';
import { post } from '../../index.ts';
import { hubspot } from './provider.ts';

export const upsertContact = hubspot.action('upsertContact', {
  input: z.object({
    email: z.email(),
    /** By internal name, e.g. `{ firstname: 'Jo' }`. An empty text clears one. */
    properties: z.record(z.string(), z.string()).default({}),
  }),
  output: z
    .object({ results: z.tuple([z.object({ id: z.string(), new: z.boolean() })]) })
    .transform(({ results: [{ id, new: isNew }] }) => ({ id, isNew })),
  what: ({ email }) => `the contact ${email}`,
  request: ({ email, properties }) =>
    post('/crm/v3/objects/contacts/batch/upsert', {
      inputs: [{ idProperty: 'email', id: email, properties: { ...properties, email } }],
    }),
  idempotent: true,
  keyGoodForMs: Infinity,
  conflicts: { entity: ({ email }) => `hubspot/${email.toLowerCase()}` },
});
