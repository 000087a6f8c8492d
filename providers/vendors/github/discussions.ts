/**
 * Discussions of a repository, by GraphQL, which alone has them. A page is a point or two of a limit of its own.
 * @see https://docs.github.com/en/graphql/guides/using-the-graphql-api-for-discussions
 * @see https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
 */
import { z } from 'zod';
import { bodyField, graphqlErrors, limited, not, permanent, post, rules, when } from '../../index.ts';
import { github } from './provider.ts';

export const DISCUSSIONS = `query Discussions($owner: String!, $name: String!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    discussions(first: $first, after: $after, orderBy: { field: CREATED_AT, direction: ASC }) {
      nodes { id number title body url createdAt updatedAt author { login } }
      pageInfo { hasNextPage endCursor }
    }
  }
  rateLimit { cost }
}`;

const text = z.string();
const Common = { id: text, number: z.number(), author: z.object({ login: text }).nullable(), createdAt: text };
export const Discussion = z.object({ ...Common, updatedAt: text, title: text, body: text, url: text });
const PageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });
const Connection = z.object({ nodes: z.array(Discussion.nullable()), pageInfo: PageInfo });

export const discussions = github.endpoint('discussions', {
  input: z.object({ owner: z.string(), name: z.string() }),
  response: z.object({ data: z.object({ repository: z.object({ discussions: Connection }) }) }),
  request: (input, page) =>
    post('/graphql', { query: DISCUSSIONS, variables: { ...input, first: page.size, after: page.cursor ?? null } }),
  paginate: {
    kind: 'cursor',
    items: ({ data }) => data.repository.discussions.nodes.filter((node) => node !== null),
    next: ({ data }) => data.repository.discussions.pageInfo.endCursor,
    hasMore: ({ data }) => data.repository.discussions.pageInfo.hasNextPage,
    pageSize: { start: 100 },
  },
  classify: rules([
    when(graphqlErrors('RATE_LIMITED'), limited({ limit: 'graphql' })),
    when(graphqlErrors('NOT_FOUND'), not(bodyField('data.repository')), permanent('gone')),
    when(graphqlErrors('FORBIDDEN', 'INSUFFICIENT_SCOPES'), not(bodyField('data.repository')), permanent('auth')),
  ]),
});
