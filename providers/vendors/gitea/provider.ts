/**
 * Gitea, on a server of one's own (`GITEA_URL`). Pages hold no more than fifty rows, whatever is asked for. Some lists
 * tell the next page by `Link`. All of them tell how long they are by `X-Total-Count`. Next: `sync.ts`,
 * `create-issue.ts`.
 * @see https://docs.gitea.com/development/api-usage
 * @see https://docs.gitea.com/administration/config-cheat-sheet#api-api
 * @see https://docs.gitea.com/development/oauth2-provider
 */
import { z } from 'zod';
import {
  defineProvider,
  get,
  learned,
  oauth2,
  path,
  permanent,
  rules,
  status,
  when,
  type AnswerFacts,
} from '../../index.ts';

const server = (): string => process.env['GITEA_URL'] ?? 'https://gitea.com';

/** A personal access token is the account's `accessToken`; those of OAuth apps end after an hour and are renewed. */
export const gitea = defineProvider({
  id: 'gitea',
  baseUrl: () => `${server()}/api/v1`,
  auth: oauth2({
    tokenUrl: () => `${server()}/login/oauth/access_token`,
    clientId: () => process.env['GITEA_CLIENT_ID'],
    clientSecret: () => process.env['GITEA_CLIENT_SECRET'],
    clientAuth: 'body',
  }),
  // Gitea itself counts nothing; what stands before it may, and a busy server refuses some calls (503).
  // https://docs.gitea.com/administration/config-cheat-sheet#quality-of-service-qos
  limits: [learned('server', { by: ['app'], except: ['refresh'] })],
  classify: rules([
    // The repository is archived, or the conversation is locked. https://docs.gitea.com/usage/repository/repo-archiving
    when(status(423), permanent('gone')),
  ]),
});

export const Repository = z.object({
  id: z.number(),
  name: z.string(),
  full_name: z.string(),
  owner: z.object({ login: z.string() }),
  private: z.boolean(),
  archived: z.boolean(),
  has_issues: z.boolean(),
  default_branch: z.string(),
  html_url: z.string(),
  updated_at: z.string(),
});

export const Issue = z.object({
  id: z.number(),
  number: z.number(),
  title: z.string(),
  state: z.string(),
  body: z.string(),
  user: z.object({ login: z.string() }).nullish(),
  labels: z.array(z.object({ name: z.string() })).nullish(),
  comments: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
  closed_at: z.string().nullish(),
  html_url: z.string(),
  /** There for pull requests, which are issues too. */
  pull_request: z.object({ merged: z.boolean() }).nullish(),
});

export const Comment = z.object({
  id: z.number(),
  body: z.string(),
  user: z.object({ login: z.string() }).nullish(),
  issue_url: z.string(),
  pull_request_url: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
});

/** Of a server whose `MAX_RESPONSE_ITEMS` is larger, ask for more in an endpoint of your own. */
const PAGE = { start: 50 };

function total(_: unknown, { headers }: AnswerFacts): number | undefined {
  return 'x-total-count' in headers ? Number(headers['x-total-count']) : undefined;
}

/** https://docs.gitea.com/api/#tag/repository/operation/repoSearch */
export const repositories = gitea.endpoint('repositories', {
  input: z.object({}),
  response: z.object({ data: z.array(Repository) }),
  // In the order in which they were made: a new one stands behind all others.
  request: (_, page) => get('/repos/search', { sort: 'id', order: 'asc', limit: page.size }),
  paginate: { kind: 'link', items: ({ data }) => data, total, sizeParam: 'limit', pageSize: PAGE },
});

const Of = z.object({ owner: z.string(), repo: z.string(), since: z.string().optional() });

/** https://docs.gitea.com/api/#tag/issue/operation/issueListIssues */
export const issues = gitea.endpoint('issues', {
  input: Of,
  response: z.array(Issue),
  request: ({ owner, repo, since }, page) =>
    get(path`/repos/${owner}/${repo}/issues`, { state: 'all', since, limit: page.size }),
  paginate: { kind: 'link', items: (rows) => rows, total, sizeParam: 'limit', pageSize: PAGE },
});

/** Without `Link`. https://docs.gitea.com/api/#tag/issue/operation/issueGetRepoComments */
export const comments = gitea.endpoint('comments', {
  input: Of,
  response: z.array(Comment),
  request: ({ owner, repo, since }, page) =>
    get(path`/repos/${owner}/${repo}/issues/comments`, { since, page: page.number, limit: page.size }),
  paginate: { kind: 'page', items: (rows) => rows, total, pageSize: PAGE },
});
