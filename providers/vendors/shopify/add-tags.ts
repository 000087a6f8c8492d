/**
 * Adds tags to a product, an order, a customer. A repeat adds nothing more, so that a lost answer does no harm.
 * @see https://shopify.dev/docs/api/admin-graphql/latest/mutations/tagsAdd
 */
import { z } from 'zod';
import { bodyField, emptyList, not, permanent, post, rules, when } from '../../index.ts';
import { shopify } from './provider.ts';

export const TAGS_ADD = `mutation AddTags($id: ID!, $tags: [String!]!) {
  tagsAdd(id: $id, tags: $tags) { node { id } userErrors { field message } }
}`;
export const TAGS_REMOVE = `mutation RemoveTags($id: ID!, $tags: [String!]!) {
  tagsRemove(id: $id, tags: $tags) { node { id } userErrors { field message } }
}`;

export const addTags = shopify.action('addTags', {
  input: z.object({
    /** E.g. `gid://shopify/Product/1`. */
    id: z.string().startsWith('gid://shopify/'),
    tags: z.array(z.string()).min(1).max(250),
  }),
  output: z.object({ data: z.object({ tagsAdd: z.object({ node: z.object({ id: z.string() }) }) }) }),
  what: ({ id }) => `tags of ${id}`,
  request: (variables) => post('/graphql.json', { query: TAGS_ADD, variables }),
  compensate: (_, variables) => post('/graphql.json', { query: TAGS_REMOVE, variables }),
  // The answer is a success, and says what was wrong with the input.
  classify: rules([
    when(bodyField('data.tagsAdd'), not(emptyList('data.tagsAdd.userErrors')), permanent('bug')),
    when(bodyField('data.tagsRemove'), not(emptyList('data.tagsRemove.userErrors')), permanent('bug')),
  ]),
  idempotent: true,
  keyGoodForMs: Infinity,
});
