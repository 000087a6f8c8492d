/**
 * Posts a message. Slack takes no idempotency key, so the key is in the message's metadata. A message whose answer was
 * lost is looked for among the newest ones (`channels:history` is needed for that).
 * @see https://docs.slack.dev/reference/methods/chat.postMessage
 * @see https://docs.slack.dev/messaging/message-metadata
 */
import { z } from 'zod';
import { get, post } from '../../index.ts';
import { slack } from './provider.ts';

const EVENT = 'sluice_message';
const Posted = z.object({ channel: z.string(), ts: z.string() });
const Found = z.object({
  messages: z.array(
    z.object({
      ts: z.string(),
      metadata: z.object({ event_type: z.string(), event_payload: z.record(z.string(), z.unknown()) }).optional(),
    }),
  ),
});

export const postMessage = slack.action('postMessage', {
  input: z.object({ channel: z.string(), text: z.string().min(1).max(40_000), threadTs: z.string().optional() }),
  output: Posted,
  what: ({ channel }) => `a message in ${channel}`,
  request: ({ channel, text, threadTs }, { idempotencyKey }) =>
    post('/chat.postMessage', {
      channel,
      text,
      ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
      metadata: { event_type: EVENT, event_payload: { key: idempotencyKey } },
    }),
  whenUnknown: {
    lookup: ({ channel, threadTs }, { acceptedAt }) =>
      get(threadTs === undefined ? '/conversations.history' : '/conversations.replies', {
        channel,
        ts: threadTs,
        oldest: Date.parse(acceptedAt) / 1_000 - 60,
        limit: 200,
        include_all_metadata: true,
      }),
    found: (answer, { channel }, { idempotencyKey }) => {
      const found = Found.parse(answer).messages.find(
        ({ metadata }) => metadata?.event_type === EVENT && metadata.event_payload['key'] === idempotencyKey,
      );
      return found && { channel, ts: found.ts };
    },
  },
  compensate: ({ channel, ts }) => post('/chat.delete', { channel, ts }),
});
