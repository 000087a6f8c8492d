/**
 * Shopify, GraphQL Admin API. Each shop has its own host and bucket of points. A query reserves what it may cost at
 * most and is told what it did. Errors come under 200. Next: `sync.ts`, `add-tags.ts`.
 * @see https://shopify.dev/docs/api/usage/limits
 * @see https://shopify.dev/docs/api/usage/response-codes
 * @see https://shopify.dev/docs/api/usage/pagination-graphql
 */
import { z } from 'zod';
import {
  apiKey,
  bodyField,
  bucket,
  defineProvider,
  graphqlErrors,
  limited,
  minutes,
  not,
  numberAt,
  permanent,
  post,
  rules,
  shrinkPage,
  status,
  unknownWrite,
  when,
  type Answer,
  type PageRequest,
} from '../../index.ts';

const settings = z.object({
  /** The first part of the shop's own domain: `acme` of `acme.myshopify.com`. */
  shop: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'it must be the part before ".myshopify.com", e.g. "acme"'),
  plan: z.enum(['standard', 'advanced', 'plus', 'enterprise']).default('standard'),
});

/** Points a second by plan; the bucket holds twenty times as much. */
const POINTS = { standard: 100, advanced: 200, plus: 1_000, enterprise: 2_000 } as const;

/** The access token of the app in this shop is the account's `accessToken`. */
export const shopify = defineProvider(settings, {
  id: 'shopify',
  baseUrl: ({ settings: { shop } }) => `https://${shop}.myshopify.com/admin/api/2026-10`,
  hosts: ['*.myshopify.com'],
  auth: apiKey({ header: 'x-shopify-access-token' }),
  limits: [
    bucket('points', {
      by: ['account'],
      perSecond: ({ settings: { plan } }) => POINTS[plan],
      burst: ({ settings: { plan } }) => 20 * POINTS[plan],
      cost: ({ endpoint, pageSize }) => COSTS[endpoint] ?? 2 + POINTS_OF_A_ROW * pageSize,
      actualCost: numberAt('extensions.cost.actualQueryCost'),
      told: (answer) => ({ remaining: numberAt('extensions.cost.throttleStatus.currentlyAvailable')(answer) }),
    }),
  ],
  classify: rules([
    when(graphqlErrors('THROTTLED'), limited({ limit: 'points', afterMs: untilEnough })),
    when(graphqlErrors('MAX_COST_EXCEEDED'), shrinkPage()),
    // A read is tried again; of a write nobody knows.
    when(graphqlErrors('INTERNAL_SERVER_ERROR'), unknownWrite()),
    when(graphqlErrors('ACCESS_DENIED', 'SHOP_INACTIVE'), not(bodyField('data')), permanent('auth')),
    // What is left is wrong in the query. Errors beside data are flaws of the list, without a rule.
    when(status(200), graphqlErrors(), not(bodyField('data')), permanent('bug')),
    when(status(402, 423), permanent('auth', 'the shop is frozen or locked')),
    // "Shopify Security Rejection": too many odd requests.
    when(status(430), limited({ limit: 'points', afterMs: () => minutes(1) })),
  ]),
});

/** At most, of a mutation and of what is no list. */
const COSTS: Readonly<Record<string, number>> = {
  addTags: 10,
  'variants.submit': 10,
  'variants.poll': 2,
  'variants.lookup': 22,
  'variants.cancel': 10,
};
/** An order with its total and customer is four objects of a point each. */
const POINTS_OF_A_ROW = 4;

/** The bucket tells how much is in it and how fast it fills. */
function untilEnough(answer: Answer): number | undefined {
  const at = (name: string): number => numberAt(`extensions.cost.${name}`)(answer) ?? Number.NaN;
  const missing = at('requestedQueryCost') - at('throttleStatus.currentlyAvailable');
  const ms = (1_000 * missing) / at('throttleStatus.restoreRate');
  return ms > 0 ? Math.ceil(ms) : undefined;
}

const connection = <Row extends z.ZodType>(row: Row) =>
  z.object({
    nodes: z.array(row),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  });

export const Product = z.object({
  id: z.string(),
  title: z.string(),
  handle: z.string(),
  status: z.string(),
  vendor: z.string(),
  productType: z.string(),
  tags: z.array(z.string()),
  createdAt: z.string(),
  updatedAt: z.string(),
});

export const Order = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  displayFinancialStatus: z.string().nullable(),
  displayFulfillmentStatus: z.string(),
  totalPriceSet: z.object({ shopMoney: z.object({ amount: z.string(), currencyCode: z.string() }) }),
  /** Null also where the app may not see customers: then the list ends as `flawed`. */
  customer: z.object({ id: z.string() }).nullable(),
  cancelledAt: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

export const PRODUCTS = `query Products($first: Int!, $after: String, $query: String) {
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { id title handle status vendor productType tags createdAt updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const ORDERS = `query Orders($first: Int!, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes {
      id name email displayFinancialStatus displayFulfillmentStatus cancelledAt createdAt updatedAt
      totalPriceSet { shopMoney { amount currencyCode } }
      customer { id }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

const Since = z.object({ since: z.string().optional() });

const listCall =
  (query: string) =>
  ({ since }: z.output<typeof Since>, page: PageRequest) =>
    post('/graphql.json', {
      query,
      variables: {
        first: page.size,
        after: page.cursor ?? null,
        query: since === undefined ? null : `updated_at:>='${since}'`,
      },
    });

export const products = shopify.endpoint('products', {
  input: Since,
  response: z.object({ data: z.object({ products: connection(Product) }) }),
  request: listCall(PRODUCTS),
  paginate: {
    kind: 'cursor',
    items: ({ data }) => data.products.nodes,
    next: ({ data }) => data.products.pageInfo.endCursor,
    hasMore: ({ data }) => data.products.pageInfo.hasNextPage,
    pageSize: { start: 100, min: 5 },
  },
});

/** Orders of the last 60 days, unless the app has `read_all_orders`. */
export const orders = shopify.endpoint('orders', {
  input: Since,
  response: z.object({ data: z.object({ orders: connection(Order) }) }),
  request: listCall(ORDERS),
  paginate: {
    kind: 'cursor',
    items: ({ data }) => data.orders.nodes,
    next: ({ data }) => data.orders.pageInfo.endCursor,
    hasMore: ({ data }) => data.orders.pageInfo.hasNextPage,
    pageSize: { start: 100, min: 5 },
  },
});
