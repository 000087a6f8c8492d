/**
 * GitHub. Lists follow `Link`; what has not changed answers 304 and costs nothing; limits are told by 403 as well as by 429.
 * Next: `discussions.ts` (GraphQL), `sync.ts`, `create-issue.ts`.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 * @see https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
 */
import { z } from 'zod';
import {
  body,
  defineProvider,
  get,
  hours,
  inflight,
  limited,
  minutes,
  numberAt,
  oauth2,
  path,
  rules,
  skip,
  status,
  when,
  window,
  type Answer,
  type CallFacts,
} from '../../index.ts';

/** Each resource has counters of its own, under the same headers. */
const toldOf = (resource: string) => (answer: Answer) => {
  const header = (name: string): number => Number(answer.headers[`x-ratelimit-${name}`]);
  if (answer.headers['x-ratelimit-resource'] !== resource) return undefined;
  const resetAfterMs = header('reset') * 1_000 - Date.parse(answer.headers['date'] ?? '');
  return { max: header('limit'), remaining: header('remaining'), resetAfterMs };
};
const GRAPHQL = { by: ['token'], endpoints: ['discussions'] } as const;
const REST = { by: ['token'], except: ['discussions'] } as const;
const pointsAMinute = ({ endpoint }: CallFacts): number => (endpoint === 'discussions' ? 2_000 : 900);
const points = ({ endpoint }: CallFacts): number => (endpoint === 'createIssue' ? 5 : 1);
const SECONDARY = body(/secondary rate limit|abuse detection/i);
const HOURLY = { max: 5_000, perMs: hours(1) };

export const github = defineProvider({
  id: 'github',
  baseUrl: 'https://api.github.com',
  // Tokens of apps end after eight hours and are renewed; personal and installation tokens have no refresh token and are left alone.
  // https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
  auth: oauth2({
    tokenUrl: 'https://github.com/login/oauth/access_token',
    clientId: () => process.env['GITHUB_CLIENT_ID'],
    clientSecret: () => process.env['GITHUB_CLIENT_SECRET'],
    clientAuth: 'body',
    refusedErrors: ['bad_refresh_token'],
  }),
  // Calls without a user agent are refused: https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
  headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28', 'user-agent': 'sluice' },
  limits: [
    // 5,000 an hour for most; apps of large organizations have up to 15,000, which the headers tell.
    window('hour', { ...REST, ...HOURLY, actualCost: freeIfUnchanged, told: toldOf('core') }),
    window('graphql', { ...GRAPHQL, ...HOURLY, actualCost: numberAt('data.rateLimit.cost'), told: toldOf('graphql') }),
    // Secondary limits: 100 at once, 900 points a minute for one endpoint, 2,000 for GraphQL, 80 new things a minute and 500 an hour.
    inflight('at-once', { by: ['token'], max: 100 }),
    window('points', { by: ['token', 'endpoint'], max: pointsAMinute, perMs: minutes(1), cost: points }),
    window('content-minute', { by: ['token'], max: 80, perMs: minutes(1), endpoints: ['createIssue'] }),
    window('content-hour', { by: ['token'], max: 500, perMs: hours(1), endpoints: ['createIssue'] }),
  ],
  classify: rules([
    // A secondary limit concerns all of the token's calls, and is often told by a sentence alone: then at least a minute.
    when(status(403, 429), SECONDARY, limited({ limit: 'at-once', afterMs: aMinute })),
    // The primary limit (403 or 429, nothing remaining) is known by itself, as is 401.
    when(status(451), skip('not available for legal reasons')),
  ]),
});

/** https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate */
function freeIfUnchanged({ status }: Answer): number {
  return status === 304 ? 0 : 1;
}

function aMinute({ headers }: Answer): number | undefined {
  return 'retry-after' in headers ? undefined : minutes(1);
}

export const Repository = z.object({
  id: z.number(),
  name: z.string(),
  full_name: z.string(),
  owner: z.object({ login: z.string() }),
  private: z.boolean(),
  archived: z.boolean().optional(),
  has_issues: z.boolean().optional(),
  has_discussions: z.boolean().optional(),
  html_url: z.string(),
  updated_at: z.string().nullish(),
});

export const Issue = z.object({
  id: z.number(),
  number: z.number(),
  title: z.string(),
  state: z.string(),
  body: z.string().nullish(),
  user: z.object({ login: z.string() }).nullable(),
  labels: z.array(z.union([z.string(), z.object({ name: z.string().nullish() })])),
  comments: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
  closed_at: z.string().nullable(),
  html_url: z.string(),
  pull_request: z.object({ url: z.string().nullable() }).optional(), // pull requests are issues too
});

/** What is new or changed comes first, so that an unchanged first page says that nothing has. */
const NEWEST = { sort: 'updated', direction: 'desc' };
const PAGES = { kind: 'link', sizeParam: 'per_page', pageSize: { start: 100 } } as const;

/** https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user */
export const repositories = github.endpoint('repositories', {
  input: z.object({ affiliation: z.string() }),
  response: z.array(Repository),
  request: ({ affiliation }, page) => get('/user/repos', { affiliation, ...NEWEST, per_page: page.size }),
  paginate: { ...PAGES, items: (answer) => answer },
  conditional: 'first-page',
});

/** https://docs.github.com/en/rest/issues/issues#list-repository-issues */
export const issues = github.endpoint('issues', {
  input: z.object({ owner: z.string(), repo: z.string(), since: z.string().optional() }),
  response: z.array(Issue),
  request: ({ owner, repo, since }, page) =>
    get(path`/repos/${owner}/${repo}/issues`, { state: 'all', since, ...NEWEST, per_page: page.size }),
  paginate: { ...PAGES, items: (answer) => answer },
  conditional: 'first-page',
});
