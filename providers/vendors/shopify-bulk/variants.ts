/**
 * All variants of all products, by a bulk operation: Shopify makes a file of them, which costs the points of one mutation. Few may be under
 * way in a shop at once. Used by: `sync.ts`.
 * @see https://shopify.dev/docs/api/usage/bulk-operations/queries
 * @see https://shopify.dev/docs/api/admin-graphql/latest/mutations/bulkOperationRunQuery
 * @see https://shopify.dev/docs/api/admin-graphql/latest/objects/BulkOperation
 */
import { z } from 'zod';
import { bodyField, get, minutes, permanent, post, rules, seconds, when } from '../../index.ts';
import { shopify } from '../shopify/index.ts';

export const RUN_BULK = `mutation RunBulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) { bulkOperation { id status } userErrors { code field message } }
}`;
export const BULK = `query Bulk($id: ID!) {
  bulkOperation(id: $id) { id status errorCode rootObjectCount url }
}`;
/** The newest ones, with what they were asked. */
export const BULKS = `query Bulks {
  bulkOperations(first: 20, sortKey: CREATED_AT, reverse: true) { nodes { id query } }
}`;
export const CANCEL_BULK = `mutation CancelBulk($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}`;
export const VARIANTS = `{
  productVariants {
    edges { node { id sku title price barcode inventoryQuantity createdAt updatedAt product { id } } }
  }
}`;

export const Variant = z.object({
  id: z.string(),
  sku: z.string().nullable(),
  title: z.string(),
  price: z.string(),
  barcode: z.string().nullable(),
  inventoryQuantity: z.number().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
  product: z.object({ id: z.string() }),
});

const Submitted = z.object({
  data: z.object({
    bulkOperationRunQuery: z.object({
      bulkOperation: z.object({ id: z.string() }).nullable(),
      userErrors: z.array(z.object({ code: z.string().nullable(), message: z.string() })),
    }),
  }),
});

const Bulk = z.object({
  data: z.object({
    bulkOperation: z
      .object({
        status: z.string(),
        errorCode: z.string().nullable(),
        // An integer of 64 bits, as text.
        rootObjectCount: z.coerce.number(),
        url: z.string().nullable(),
      })
      .nullable(),
  }),
});

const Bulks = z.object({
  data: z.object({ bulkOperations: z.object({ nodes: z.array(z.object({ id: z.string(), query: z.string() })) }) }),
});

/** A comment names the job, so that it is found again. */
const named = (key: string): string => `# ${key}\n${VARIANTS}`;

const firstError = 'data.bulkOperationRunQuery.userErrors.0.code';

export const variants = shopify.endpoint('variants', {
  input: z.object({}),
  response: z.array(Variant),
  job: {
    submitted: Submitted,
    polled: Bulk,
    submit: (_, { key }) => post('/graphql.json', { query: RUN_BULK, variables: { query: named(key) } }),
    id: ({ data }) => data.bulkOperationRunQuery.bulkOperation?.id,
    isBusy: ({ data }) =>
      data.bulkOperationRunQuery.userErrors.some(
        ({ code }) => code === 'OPERATION_IN_PROGRESS' || code === 'LIMIT_REACHED',
      ),
    poll: (id) => post('/graphql.json', { query: BULK, variables: { id } }),
    state: ({ data: { bulkOperation } }) => {
      if (!bulkOperation) return { state: 'expired', reason: 'the shop knows no such operation' };
      const { status, errorCode, rootObjectCount, url } = bulkOperation;
      if (status === 'COMPLETED') return { state: 'done', results: url === null ? [] : [url], rows: rootObjectCount };
      if (status === 'EXPIRED') return { state: 'expired' };
      return status === 'FAILED' || status === 'CANCELED'
        ? { state: 'failed', reason: errorCode ?? status }
        : { state: 'running' };
    },
    cancel: (id) => post('/graphql.json', { query: CANCEL_BULK, variables: { id } }),
    whenUnknown: {
      lookup: () => post('/graphql.json', { query: BULKS }),
      found: (answer, _, { key }) =>
        Bulks.parse(answer).data.bulkOperations.nodes.find(({ query }) => query.includes(key))?.id,
      guards: { 'more-told': false },
    },
    pollMs: { first: seconds(2), most: minutes(1) },
  },
  classify: rules([when(bodyField(firstError, 'INVALID'), permanent('bug'))]),
  request: (_, page) => get(page.job.result),
  // The file is asked for without the shop's token.
  openHosts: ['storage.googleapis.com', '*.storage.googleapis.com'],
  format: 'ndjson',
  paginate: { kind: 'single', items: (rows) => rows },
});
