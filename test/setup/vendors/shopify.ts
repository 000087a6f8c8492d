/**
 * Shopify as its documentation describes it: queries are checked and answered by its own schema, points are reserved and given back, and a
 * throttled query is told so under 200.
 */
import { readFileSync } from 'node:fs';
import { buildSchema, graphql } from 'graphql';
import type { FakeApi } from '../../../testing/index.ts';
import { playShopifyBulk } from './shopify-bulk.ts';

const excerpt = readFileSync(new URL('../../fixtures/vendors/shopify-admin.graphql', import.meta.url), 'utf8');
/** The excerpt knows no type of which tags can be added to. */
export const shopifySchema = buildSchema(`${excerpt}\ntype Tagged implements Node { id: ID! }`);

interface Asked {
  readonly query: string;
  readonly variables?: { readonly first?: number; readonly id?: string };
}
interface ListArguments {
  readonly first: number;
  readonly after: string | null;
  readonly query: string | null;
}

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

/** What a query may cost at most: a point for each object. */
function requestedCost({ query, variables }: Asked): number {
  if (query.startsWith('mutation')) return 10;
  if (/bulkOperations?\(/.test(query)) return query.includes('nodes') ? 22 : 2;
  return 2 + (variables?.first ?? 0) * (query.includes('orders(') ? 4 : 1);
}

interface Played {
  readonly capacity: number;
  readonly perSecond: number;
  /** How often a bulk operation says that it is running. */
  readonly polls?: number;
}

export function playShopify(api: FakeApi, { capacity, perSecond, ...how }: Played) {
  const { variants, operations, rootValue: bulk } = playShopifyBulk(api, how);
  const products = Array.from({ length: 250 }, (_, i) => ({
    id: `gid://shopify/Product/${i}`,
    title: `Product ${i}`,
    handle: `product-${i}`,
    status: 'ACTIVE',
    vendor: 'Acme',
    productType: 'Tea',
    tags: ['new'],
    createdAt: at(i),
    updatedAt: at(i),
  }));
  const orders = Array.from({ length: 130 }, (_, i) => ({
    id: `gid://shopify/Order/${i}`,
    name: `#${i}`,
    email: null,
    displayFinancialStatus: 'PAID',
    displayFulfillmentStatus: 'FULFILLED',
    totalPriceSet: { shopMoney: { amount: '10.00', currencyCode: 'EUR' } },
    customer: { id: `gid://shopify/Customer/${i}` },
    cancelledAt: null,
    createdAt: at(i),
    updatedAt: at(i),
  }));
  const tags = new Map<string, Set<string>>();
  const costs = new WeakMap<object, number>();
  const costOf = (body: unknown): number => (isAsked(body) ? requestedCost(body) : 0);

  const throttleStatus = () => ({
    maximumAvailable: capacity,
    currentlyAvailable: Math.max(0, capacity - Math.ceil(points.used())),
    restoreRate: perSecond,
  });
  const points = api.limit({
    name: 'points',
    kind: 'token-bucket',
    max: perSecond,
    perMs: 1_000,
    burst: capacity,
    cost: ({ body }) => costOf(body),
    actualCost: ({ body }) => costs.get(body as object) ?? costOf(body),
    refusal: ({ body }) => ({
      body: {
        errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
        extensions: {
          cost: { requestedQueryCost: costOf(body), actualQueryCost: null, throttleStatus: throttleStatus() },
        },
      },
    }),
  });

  const connection = <Row extends { readonly updatedAt: string }>(rows: readonly Row[], given: ListArguments) => {
    const since = /^updated_at:>='(.+)'$/.exec(given.query ?? '')?.[1] ?? '';
    const asked = rows.filter(({ updatedAt }) => updatedAt >= since);
    const start = given.after === null ? 0 : Number(given.after);
    const end = Math.min(start + given.first, asked.length);
    const hasNextPage = end < asked.length;
    return { nodes: asked.slice(start, end), pageInfo: { hasNextPage, endCursor: end === start ? null : String(end) } };
  };
  const rootValue = {
    ...bulk,
    products: (given: ListArguments) => connection(products, given),
    orders: (given: ListArguments) => connection(orders, given),
    tagsAdd: ({ id, tags: added }: { id: string; tags: readonly string[] }) => {
      if (!id.startsWith('gid://shopify/Product/'))
        return { node: null, userErrors: [{ field: ['id'], message: 'does not exist' }] };
      tags.set(id, new Set([...(tags.get(id) ?? []), ...added]));
      return { node: { __typename: 'Tagged', id }, userErrors: [] };
    },
  };
  api.route(
    'POST',
    '/graphql.json',
    async ({ body }) => {
      const { query, variables } = body as Asked;
      const answer = await graphql({ schema: shopifySchema, source: query, rootValue, variableValues: variables });
      const requestedQueryCost = costOf(body);
      const actualQueryCost = query.startsWith('mutation') ? 10 : Math.ceil(requestedQueryCost / 2);
      costs.set(body as object, actualQueryCost);
      return {
        body: {
          ...answer,
          extensions: { cost: { requestedQueryCost, actualQueryCost, throttleStatus: throttleStatus() } },
        },
      };
    },
    ({ text }) => text,
  );
  return { products, orders, tags, points, variants, operations };
}

function isAsked(body: unknown): body is Asked {
  return typeof body === 'object' && body !== null && 'query' in body;
}
