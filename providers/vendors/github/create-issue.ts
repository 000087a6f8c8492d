/**
 * Creates an issue. GitHub takes no idempotency key, so the key stands in the text, in a comment that is not shown. An
 * issue whose answer was lost is looked for among the newest ones.
 * @see https://docs.github.com/en/rest/issues/issues#create-an-issue
 */
import { z } from 'zod';
import { get, path, post } from '../../index.ts';
import { github } from './provider.ts';

const text = z.string();
const Created = z.object({ id: z.number(), number: z.number(), html_url: text });
const Found = z.array(Created.extend({ body: z.string().nullish() }));

const mark = (key: string): string => `<!-- sluice:${key} -->`;

export const createIssue = github.action('createIssue', {
  input: z.object({ owner: text, repo: text, title: text, body: text.default(''), labels: z.array(text).default([]) }),
  output: Created,
  what: ({ owner, repo }) => `an issue in ${owner}/${repo}`,
  request: ({ owner, repo, title, body, labels }, { idempotencyKey }) =>
    post(path`/repos/${owner}/${repo}/issues`, { title, body: `${body}\n\n${mark(idempotencyKey)}`, labels }),
  whenUnknown: {
    lookup: ({ owner, repo }, { acceptedAt }) =>
      get(path`/repos/${owner}/${repo}/issues`, { state: 'all', since: acceptedAt, sort: 'created', per_page: 100 }),
    found: (answer, _, { idempotencyKey }) =>
      Found.parse(answer).find(({ body }) => body?.includes(mark(idempotencyKey))),
    afterMs: 5_000,
  },
  // Issues can't be deleted by REST.
  compensate: ({ number }, { owner, repo }) => ({
    method: 'PATCH',
    path: path`/repos/${owner}/${repo}/issues/${number}`,
    json: { state: 'closed', state_reason: 'not_planned' },
  }),
});
