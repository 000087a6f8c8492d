/**
 * Creates an issue. Gitea takes no idempotency key, so the key stands in the text, in a comment that is not shown. An
 * issue whose answer was lost is looked for among those that were updated since.
 * @see https://docs.gitea.com/api/#tag/issue/operation/issueCreateIssue
 */
import { z } from 'zod';
import { get, path, post } from '../../index.ts';
import { gitea } from './provider.ts';

const Created = z.object({ id: z.number(), number: z.number(), html_url: z.string() });
const Found = z.array(Created.extend({ body: z.string() }));

const mark = (key: string): string => `<!-- sluice:${key} -->`;
/** The clocks of two servers differ. */
const aMinuteBefore = (time: string): string => new Date(Date.parse(time) - 60_000).toISOString();

export const createIssue = gitea.action('createIssue', {
  input: z.object({ owner: z.string(), repo: z.string(), title: z.string().min(1), body: z.string().default('') }),
  output: Created,
  what: ({ owner, repo }) => `an issue in ${owner}/${repo}`,
  request: ({ owner, repo, title, body }, { idempotencyKey }) =>
    post(path`/repos/${owner}/${repo}/issues`, { title, body: `${body}\n\n${mark(idempotencyKey)}` }),
  whenUnknown: {
    lookup: ({ owner, repo }, { acceptedAt }) =>
      get(path`/repos/${owner}/${repo}/issues`, { state: 'all', since: aMinuteBefore(acceptedAt), limit: 50 }),
    found: (answer, _, { idempotencyKey }) =>
      Found.parse(answer).find(({ body }) => body.includes(mark(idempotencyKey))),
    // The index that lists are read from is a moment late.
    afterMs: 5_000,
  },
  compensate: ({ number }, { owner, repo }) => ({
    method: 'PATCH',
    path: path`/repos/${owner}/${repo}/issues/${number}`,
    json: { state: 'closed' },
  }),
});
