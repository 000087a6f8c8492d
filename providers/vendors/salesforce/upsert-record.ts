/**
 * Creates the record with this external id, or changes it: a repeat makes no second one. The object needs a field that is marked as external id
 * and unique.
 * @see https://developer.salesforce.com/docs/platform/api-rest/guide/dome-upsert.html
 */
import { z } from 'zod';
import { path, permanent, rules, status, when } from '../../index.ts';
import { salesforce } from './provider.ts';

export const upsertRecord = salesforce.action('upsertRecord', {
  input: z.object({
    /** E.g. `Contact`, `Invoice__c`. */
    object: z.string(),
    /** The field that holds the external id, e.g. `App_Id__c`. */
    field: z.string(),
    externalId: z.string().min(1),
    values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  }),
  output: z.object({ id: z.string(), created: z.boolean() }),
  what: ({ object, externalId }) => `${object} ${externalId}`,
  request: ({ object, field, externalId, values }) => ({
    method: 'PATCH',
    path: path`/sobjects/${object}/${field}/${externalId}`,
    json: values,
  }),
  // 300 lists the records that have this id: the field is not unique.
  classify: rules([when(status(300), permanent('config'))]),
  idempotent: true,
  keyGoodForMs: Infinity,
  conflicts: { entity: ({ object, externalId }, { account }) => `salesforce/${account}/${object}/${externalId}` },
});
