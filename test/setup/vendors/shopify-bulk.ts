/** Bulk operations of Shopify as its documentation describes them: one at a time in a shop, and a file of lines at the end. */
import type { FakeApi } from '../../../testing/index.ts';

export interface Operation {
  readonly id: string;
  readonly query: string;
  status: 'CREATED' | 'RUNNING' | 'COMPLETED' | 'CANCELED' | 'FAILED';
  polls: number;
}

const text = new Intl.NumberFormat('en', { useGrouping: false });

/** What the root of the schema answers. @param polls how often an operation says that it is running. */
export function playShopifyBulk(api: FakeApi, { polls = 1 } = {}) {
  const variants = Array.from({ length: 400 }, (_, i) => ({
    id: `gid://shopify/ProductVariant/${i}`,
    sku: i % 7 === 0 ? null : `sku-${i}`,
    title: `Variant ${i}`,
    price: '3.50',
    barcode: null,
    inventoryQuantity: i,
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    product: { id: `gid://shopify/Product/${i % 50}` },
  }));
  const operations: Operation[] = [];
  const isOpen = ({ status }: Operation): boolean => status === 'CREATED' || status === 'RUNNING';
  const urlOf = ({ id }: Operation): string => `${api.url}/bulk/${id.split('/').at(-1)}`;
  const told = (operation: Operation) => ({
    ...operation,
    errorCode: operation.status === 'FAILED' ? 'TIMEOUT' : null,
    rootObjectCount: text.format(variants.length),
    url: operation.status === 'COMPLETED' && variants.length > 0 ? urlOf(operation) : null,
  });
  api.route('GET', '/bulk/:id', () => ({
    headers: { 'content-type': 'application/jsonl' },
    body: variants.map((variant) => `${JSON.stringify(variant)}\n`).join(''),
  }));
  const rootValue = {
    bulkOperationRunQuery: ({ query }: { query: string }) => {
      if (operations.some(isOpen))
        return {
          bulkOperation: null,
          userErrors: [{ code: 'OPERATION_IN_PROGRESS', field: null, message: 'one is already in progress' }],
        };
      if (!query.includes('productVariants'))
        return { bulkOperation: null, userErrors: [{ code: 'INVALID', field: ['query'], message: 'no connection' }] };
      const id = `gid://shopify/BulkOperation/${operations.length + 1}`;
      const made: Operation = { id, query, status: 'CREATED', polls: 0 };
      operations.push(made);
      return { bulkOperation: made, userErrors: [] };
    },
    bulkOperation: ({ id }: { id: string }) => {
      const operation = operations.find((each) => each.id === id);
      if (!operation) return null;
      if (isOpen(operation)) operation.status = ++operation.polls > polls ? 'COMPLETED' : 'RUNNING';
      return told(operation);
    },
    bulkOperations: () => ({ nodes: operations.toReversed() }),
    bulkOperationCancel: ({ id }: { id: string }) => {
      const operation = operations.find((each) => each.id === id);
      if (operation && isOpen(operation)) operation.status = 'CANCELED';
      return { bulkOperation: operation ?? null, userErrors: [] };
    },
  };
  return { variants, operations, rootValue };
}
