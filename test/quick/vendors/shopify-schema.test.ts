/** Shopify's queries and schemas, held against what `scripts/cut-shopify-schema.mjs` has cut from the schema that Shopify publishes. */
import {
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  parse,
  validate,
  type GraphQLOutputType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { TAGS_ADD, TAGS_REMOVE } from '../../../providers/vendors/shopify/add-tags.ts';
import { Order, ORDERS, Product, PRODUCTS, shopify } from '../../../providers/vendors/shopify/provider.ts';
import {
  BULK,
  BULKS,
  CANCEL_BULK,
  RUN_BULK,
  Variant,
  VARIANTS,
} from '../../../providers/vendors/shopify-bulk/variants.ts';
import { shopifySchema } from '../../setup/vendors/shopify.ts';

/** What is wrong with a schema of ours, field by field. */
function wrong(ours: z.ZodType, theirs: GraphQLOutputType, at: string): string[] {
  const { type, innerType, element, shape } = ours.def as unknown as {
    type: string;
    innerType: z.ZodType;
    element: z.ZodType;
    shape: Record<string, z.ZodType>;
  };
  if (isNonNullType(theirs))
    return type === 'nullable' ? [`${at} is never null`] : wrong(ours, theirs.ofType, `${at}!`);
  if (!at.endsWith('!')) return type === 'nullable' ? wrong(innerType, theirs, `${at}!`) : [`${at} may be null`];
  const name = at.slice(0, -1);
  if (isListType(theirs)) return type === 'array' ? wrong(element, theirs.ofType, `${name}[]`) : [`${name} is a list`];
  if (isObjectType(theirs)) {
    if (type !== 'object') return [`${name} is an object`];
    const fields = theirs.getFields();
    return Object.entries(shape).flatMap(([field, inner]) =>
      fields[field] ? wrong(inner, fields[field].type, `${name}.${field}`) : [`${name}.${field} is not there`],
    );
  }
  const wanted = isScalarType(theirs)
    ? ({ Int: 'number', Float: 'number', Boolean: 'boolean' }[theirs.name] ?? 'string')
    : 'string';
  return type === wanted ? [] : [`${name} is ${wanted}`];
}

describe('Shopify', () => {
  it.each([PRODUCTS, ORDERS, TAGS_ADD, TAGS_REMOVE, RUN_BULK, BULK, BULKS, CANCEL_BULK, VARIANTS])(
    'understands this query: %s',
    (query) => {
      expect(validate(shopifySchema, parse(query))).toEqual([]);
    },
  );

  it.each([
    ['Product', Product],
    ['Order', Order],
    ['ProductVariant', Variant],
  ])('has a %s with these fields, of these types, null where they may be', (name, schema) => {
    expect(wrong(schema, shopifySchema.getType(name) as GraphQLOutputType, `${name}!`)).toEqual([]);
  });

  it('is asked for in the version that the schema is of', () => {
    const address = shopify.baseUrl({ account: 'a', tenant: '', settings: { shop: 'acme', plan: 'standard' } });
    expect(address).toBe('https://acme.myshopify.com/admin/api/2026-10');
    const wrongs = wrong(
      Product.omit({ tags: true }).extend({ titel: Product.shape.title, status: Order.shape.email }),
      shopifySchema.getType('Product') as GraphQLOutputType,
      'Product!',
    );
    expect(wrongs).toEqual(['Product.status is never null', 'Product.titel is not there']);
  });
});
