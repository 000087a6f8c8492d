/**
 * Posting to Bluesky, exactly once. The record's own key is made from the idempotency key. So a post whose answer was
 * lost is found by that key instead of being made again. Next: `bench/kills.ts` kills workers in the middle of it.
 * @see https://atproto.com/specs/tid and https://atproto.com/specs/record-key
 */
import { z } from 'zod';
import type { ActionContext } from '../define/define-action.ts';
import { get, post } from '../request.ts';
import { bodyField, body, permanent, rules, status, when } from '../rules/rules.ts';
import { bluesky, type BlueskyOptions } from './provider.ts';

const COLLECTION = 'app.bsky.feed.post';
const Written = z.object({ uri: z.string(), cid: z.string() });

/** The provider with the action `createPost`. The account's credentials must have the access token of `repo`. */
export function blueskyPosts(options: BlueskyOptions = {}) {
  const { provider } = bluesky(options);
  const createPost = provider.action('createPost', {
    input: z.object({ repo: z.string(), text: z.string().max(3_000) }),
    output: Written,
    request: ({ repo, text }, context) =>
      post('com.atproto.repo.createRecord', {
        repo,
        collection: COLLECTION,
        rkey: recordKey(context),
        record: { $type: COLLECTION, text, createdAt: context.acceptedAt },
      }),
    whenUnknown: {
      lookup: ({ repo }, context) =>
        get('com.atproto.repo.getRecord', { repo, collection: COLLECTION, rkey: recordKey(context) }),
      found: (answer) => Written.parse(answer),
    },
    compensate: (_, { repo }, context) =>
      post('com.atproto.repo.deleteRecord', { repo, collection: COLLECTION, rkey: recordKey(context) }),
    classify: rules([
      when(status(400), bodyField('error', 'RecordNotFound'), permanent('gone')),
      when(status(400), body(/could not locate record/i), permanent('gone')),
    ]),
  });
  return { provider, createPost };
}

const ALPHABET = '234567abcdefghijklmnopqrstuvwxyz';

/** A TID: the time of acceptance in microseconds, with 20 bits of the idempotency key below the millisecond. */
export function recordKey({ idempotencyKey, acceptedAt }: ActionContext): string {
  const salt = Number.parseInt(idempotencyKey.replaceAll('-', '').slice(-5), 16);
  const microseconds = BigInt(Date.parse(acceptedAt)) * 1_000n + BigInt((salt >> 10) % 1_000);
  let rest = (microseconds << 10n) | BigInt(salt & 0x3ff);
  let key = '';
  while (key.length < 13) {
    key = ALPHABET.charAt(Number(rest & 31n)) + key;
    rest >>= 5n;
  }
  return key;
}
