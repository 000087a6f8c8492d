/**
 * GitHub as its documentation describes it: `Link` pages with ETags that cost nothing when unchanged, a quota that is told by 403, and
 * discussions by GraphQL, which its own schema checks and answers.
 */
import { readFileSync } from 'node:fs';
import { buildSchema, graphql } from 'graphql';
import type { FakeApi } from '../../../testing/index.ts';

const excerpt = readFileSync(new URL('../../fixtures/vendors/github.graphql', import.meta.url), 'utf8');
/** The excerpt knows no one who writes. */
const schema = buildSchema(`${excerpt}\ntype User implements Actor { login: String! }`);

export interface GithubIssue {
  readonly id: number;
  readonly number: number;
  title: string;
  body: string | null;
  state: string;
  updated_at: string;
}

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

export function playGithub(api: FakeApi) {
  const repositories = Array.from({ length: 3 }, (_, i) => ({
    id: i + 1,
    name: `repo-${i}`,
    full_name: `acme/repo-${i}`,
    owner: { login: 'acme' },
    private: i === 0,
    has_issues: true,
    has_discussions: i === 0,
    html_url: `https://github.com/acme/repo-${i}`,
    updated_at: at(i),
  }));
  const issues = new Map<string, GithubIssue[]>();
  let ids = 1_000;
  const add = (repo: string, title: string, body: string | null, updated_at: string): GithubIssue => {
    const all = issues.get(repo) ?? [];
    const number = all.length + 1;
    const html_url = `https://github.com/acme/${repo}/issues/${number}`;
    const rest = { user: { login: 'jo' }, labels: [{ name: 'bug' }], comments: 0, created_at: updated_at, html_url };
    const issue = { id: ++ids, number, title, body, state: 'open', updated_at, closed_at: null, ...rest };
    issues.set(repo, [...all, issue]);
    return issue;
  };
  for (const { name } of repositories) for (let i = 0; i < 120; i++) add(name, `Issue ${i}`, null, at(i));

  const pages = {
    pagination: 'link-header',
    params: { cursor: 'page', limit: 'per_page' },
    pageSize: { default: 30, max: 100 },
    etags: true,
  } as const;
  api.list('/user/repos', { ...pages, items: () => repositories.toReversed() });
  api.list('/repos/:owner/:repo/issues', {
    ...pages,
    since: { param: 'since', field: 'updated_at' },
    items: ({ repo }) => issues.get(repo)?.toSorted((a, b) => b.updated_at.localeCompare(a.updated_at)),
  });
  api.route('POST', '/repos/:owner/:repo/issues', ({ body }, { repo }) => {
    const { title, body: text } = body as { title: string; body: string };
    return { status: 201, body: add(repo, title, text, new Date().toISOString()) };
  });
  const discussions = Array.from({ length: 150 }, (_, i) => ({
    id: `D_${i}`,
    number: i,
    title: `Discussion ${i}`,
    body: 'Hello.',
    url: `https://github.com/acme/repo-0/discussions/${i}`,
    createdAt: at(i),
    updatedAt: at(i),
    author: i === 0 ? null : { __typename: 'User', login: 'jo' },
  }));
  const repository = {
    discussions: ({ first, after }: { first: number; after: string | null }) => {
      const end = Math.min(Number(after ?? 0) + first, discussions.length);
      const pageInfo = { hasNextPage: end < discussions.length, endCursor: String(end) };
      return { nodes: discussions.slice(Number(after ?? 0), end), pageInfo };
    },
  };
  const rootValue = {
    repository: ({ name }: { name: string }) => (name === 'repo-0' ? repository : null),
    rateLimit: { cost: 1 },
  };
  api.route(
    'POST',
    '/graphql',
    async ({ body }) => {
      const { query, variables } = body as { query: string; variables: Record<string, unknown> };
      const answer = await graphql({ schema, source: query, rootValue, variableValues: variables });
      return { headers: { 'x-ratelimit-resource': 'graphql' }, body: answer };
    },
    ({ text }) => text,
  );
  const hour = api.limit({
    name: 'hour',
    on: /^(?!\/graphql)/,
    by: 'token',
    max: 5_000,
    perMs: 3_600_000,
    headers: 'x-ratelimit',
    actualCost: (_, { status }) => (status === 304 ? 0 : 1),
  });
  /** A primary limit that is spent, as others that use the token may do. */
  const spent = (forSeconds: number) => ({
    status: 403,
    headers: {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.ceil(Date.now() / 1_000) + forSeconds),
      'x-ratelimit-resource': 'core',
    },
    body: { message: 'API rate limit exceeded for user ID 1.' },
  });
  return { repositories, issues, discussions, hour, spent };
}
