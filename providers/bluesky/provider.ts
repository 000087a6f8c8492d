/**
 * Bluesky and any other AT Protocol server: the public endpoints of a PDS. Next: `network.ts`, the sync over them.
 * @see https://atproto.com/specs/xrpc and https://docs.bsky.app/docs/advanced-guides/rate-limits
 */
import { z } from 'zod';
import { blueskyAuth } from './auth.ts';
import { defineProvider } from '../define/define-provider.ts';
import { window } from '../limits.ts';
import { get, minutes } from '../request.ts';
import { anyOf, bodyField, limited, permanent, refreshAuth, retry, rules, status, when } from '../rules/rules.ts';

export interface BlueskyOptions {
  /** Origin of the PDS. Default: `BLUESKY_URL`, else `https://bsky.social`. */
  readonly baseUrl?: string;
  /** Calls per window and IP. Default 3,000 (as shipped). */
  readonly max?: number;
  /** Default 5 minutes (as shipped). */
  readonly perMs?: number;
}

const Repo = z.object({ did: z.string(), head: z.string(), rev: z.string(), active: z.boolean().optional() });
const Post = z.object({
  uri: z.string(),
  cid: z.string(),
  value: z.looseObject({ text: z.string(), createdAt: z.string() }),
});
const Follow = z.object({
  uri: z.string(),
  cid: z.string(),
  value: z.looseObject({ subject: z.string(), createdAt: z.string() }),
});
const Account = z.object({
  did: z.string(),
  handle: z.string(),
  collections: z.array(z.string()),
  handleIsCorrect: z.boolean(),
});

// 101 is answered with a 500.
const recordPageSize = { start: 100, min: 5, max: 100 };

/** The provider with its endpoints. */
export function bluesky(options: BlueskyOptions = {}) {
  const provider = defineProvider({
    id: 'bluesky',
    baseUrl: () => `${options.baseUrl ?? process.env['BLUESKY_URL'] ?? 'https://bsky.social'}/xrpc`,
    // Lists are public, and a token that is sent is not looked at.
    auth: blueskyAuth(),
    limits: [window('ip', { by: ['ip'], max: options.max ?? 3_000, perMs: options.perMs ?? minutes(5) })],
    // One status, 400, means five things; the error's name tells them apart.
    classify: rules([
      when(status(429), limited({ limit: 'ip' })),
      when(anyOf(bodyField('error', 'ExpiredToken', 'InvalidToken')), refreshAuth()),
      when(
        status(400),
        bodyField('error', 'RepoNotFound', 'RepoDeactivated', 'RepoTakendown', 'RepoSuspended'),
        permanent('gone'),
      ),
      when(status(400), bodyField('error', 'InvalidRequest'), (answer) =>
        /could not find repo/i.test(answer.text)
          ? { kind: 'permanent', cause: 'gone', reason: 'the account does not exist here' }
          : { kind: 'permanent', cause: 'bug', reason: answer.text.slice(0, 200) },
      ),
      when(status(502, 503, 504), retry()),
    ]),
  });

  const listRepos = provider.endpoint('listRepos', {
    input: z.object({}),
    response: z.object({ repos: z.array(Repo), cursor: z.string().optional() }),
    request: (_, page) => get('com.atproto.sync.listRepos', { limit: page.size, cursor: page.cursor }),
    paginate: {
      kind: 'cursor',
      items: (answer) => answer.repos,
      next: (answer) => answer.cursor,
      pageSize: { start: 1_000, min: 5, max: 1_000 },
    },
  });
  const listPosts = provider.endpoint('listPosts', {
    input: z.object({ repo: z.string() }),
    response: z.object({ records: z.array(Post), cursor: z.string().optional() }),
    request: ({ repo }, page) => listRecords(repo, 'app.bsky.feed.post', page),
    paginate: {
      kind: 'cursor',
      items: (answer) => answer.records,
      next: (answer) => answer.cursor,
      pageSize: recordPageSize,
    },
  });
  const listFollows = provider.endpoint('listFollows', {
    input: z.object({ repo: z.string() }),
    response: z.object({ records: z.array(Follow), cursor: z.string().optional() }),
    request: ({ repo }, page) => listRecords(repo, 'app.bsky.graph.follow', page),
    paginate: {
      kind: 'cursor',
      items: (answer) => answer.records,
      next: (answer) => answer.cursor,
      pageSize: recordPageSize,
    },
  });
  const describeRepo = provider.endpoint('describeRepo', {
    input: z.object({ repo: z.string() }),
    response: Account,
    request: ({ repo }) => get('com.atproto.repo.describeRepo', { repo }),
  });
  return { provider, listRepos, listPosts, listFollows, describeRepo };
}

function listRecords(
  repo: string,
  collection: string,
  page: { readonly size: number; readonly cursor: string | undefined },
) {
  return get('com.atproto.repo.listRecords', { repo, collection, limit: page.size, cursor: page.cursor });
}
