/**
 * How lists of all kinds are written. `docs/guides/any-api.md` shows these lines; a provider of your own has some of them.
 */
import { z } from 'zod';
import { bearer, deadCursor, defineProvider, get, path, post, rules, status, when } from '../../providers/index.ts';

export const api = defineProvider({ id: 'any', baseUrl: 'https://api.any.example', auth: bearer(), limits: [] });

const Row = z.object({ id: z.string(), updated_at: z.string() });

export const byCursor = api.endpoint('by-cursor', {
  input: z.object({ user: z.string() }),
  response: z.object({ items: z.array(Row), next: z.string().nullish() }),
  request: ({ user }, page) => get(path`/users/${user}/posts`, { limit: page.size, cursor: page.cursor }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
});

export const byHeader = api.endpoint('by-header', {
  input: z.object({}),
  response: z.array(Row),
  request: (_, page) => get('/posts', { limit: page.size, cursor: page.cursor }),
  paginate: { kind: 'cursor', items: (rows) => rows, next: (_, { headers }) => headers['x-next-cursor'] },
});

export const byLink = api.endpoint('by-link', {
  input: z.object({}),
  response: z.array(Row),
  request: (_, page) => get('/posts', { per_page: page.size }),
  paginate: { kind: 'link', items: (rows) => rows, sizeParam: 'per_page' }, // Link: <…>; rel="next"
});

export const byLinkInBody = api.endpoint('by-link-in-body', {
  input: z.object({}),
  response: z.object({ value: z.array(Row), nextLink: z.string().optional() }),
  request: (_, page) => get('/posts', { top: page.size }),
  paginate: { kind: 'link', items: ({ value }) => value, next: ({ nextLink }) => nextLink, sizeParam: 'top' },
});

export const byNumber = api.endpoint('by-number', {
  input: z.object({}),
  response: z.object({ orders: z.array(Row), total_count: z.number() }),
  request: (_, page) => get('/orders', { page: page.number, per_page: page.size }),
  paginate: { kind: 'page', items: ({ orders }) => orders, total: (answer) => answer.total_count },
});

export const byOffset = api.endpoint('by-offset', {
  input: z.object({}),
  response: z.object({ orders: z.array(Row), total: z.number() }),
  request: (_, page) => get('/orders', { offset: page.offset, limit: page.size }),
  paginate: { kind: 'offset', items: ({ orders }) => orders, total: ({ total }) => total }, // eight pages at once
});

export const behindLastRow = api.endpoint('behind-last-row', {
  input: z.object({}),
  response: z.object({ data: z.array(Row), has_more: z.boolean() }),
  request: (_, page) => get('/charges', { limit: page.size, starting_after: page.cursor }),
  paginate: {
    kind: 'cursor',
    items: ({ data }) => data,
    next: ({ data }) => data.at(-1)?.id,
    hasMore: (answer) => answer.has_more,
  },
});

const query = `query ($first: Int!, $after: String) {
  posts(first: $first, after: $after) { nodes { id updated_at } pageInfo { hasNextPage endCursor } }
}`;
const PageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });
export const byGraphql = api.endpoint('by-graphql', {
  input: z.object({}),
  response: z.object({ data: z.object({ posts: z.object({ nodes: z.array(Row), pageInfo: PageInfo }) }) }),
  request: (_, page) => post('/graphql', { query, variables: { first: page.size, after: page.cursor ?? null } }),
  paginate: {
    kind: 'cursor',
    items: ({ data }) => data.posts.nodes,
    next: ({ data }) => data.posts.pageInfo.endCursor,
    hasMore: ({ data }) => data.posts.pageInfo.hasNextPage,
  },
});

export const byScroll = api.endpoint('by-scroll', {
  input: z.object({}),
  response: z.object({ scroll_id: z.string(), hits: z.array(Row) }),
  request: (_, page) => post('/scroll', { scroll_id: page.cursor, size: page.size }),
  paginate: {
    kind: 'cursor',
    items: ({ hits }) => hits,
    next: (answer) => answer.scroll_id, // the same one, until a page is empty
    hasMore: ({ hits }) => hits.length > 0,
    guards: { 'repeated-token': false },
  },
});

export const byShortCursor = api.endpoint('by-short-cursor', {
  input: z.object({}),
  response: z.object({ items: z.array(Row), next: z.string().nullish() }),
  request: (_, page) => get('/events', { sort: 'id', id_gt: page.behind, cursor: page.cursor }),
  classify: rules([when(status(422), deadCursor())]), // 410 and well-known words mean it without a rule
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.items,
    next: (answer) => answer.next,
    onDeadCursor: { behind: (row) => row.id }, // default: from the beginning, once
  },
});

export const upToTenThousand = api.endpoint('up-to-ten-thousand', {
  input: z.object({ from: z.string(), to: z.string() }),
  response: z.object({ hits: z.array(Row), total: z.number() }),
  request: (_, page) =>
    get('/search', { after: page.range?.from, before: page.range?.to, page: page.number, size: page.size }),
  paginate: {
    kind: 'page',
    items: ({ hits }) => hits,
    total: ({ total }) => total,
    resultCap: 10_000,
    range: { whole: ({ from, to }) => ({ from, to }) }, // halved until each part fits
  },
});
