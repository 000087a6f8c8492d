/**
 * Slack. Every answer is 200 and says `ok`; lists have cursors; each method has a tier of calls a minute, for each app and workspace.
 * Next: `sync.ts`, `post-message.ts`.
 * @see https://docs.slack.dev/apis/web-api/rate-limits
 * @see https://docs.slack.dev/apis/web-api/pagination
 * @see https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps
 */
import { z } from 'zod';
import {
  bucket,
  deadCursor,
  defineProvider,
  get,
  limited,
  minutes,
  oauth2,
  okFalse,
  permanent,
  refreshAuth,
  rules,
  skip,
  unknownWrite,
  when,
  window,
} from '../../index.ts';

const settings = z.object({
  /** `unlisted`: an app that is sold outside of the Marketplace reads messages once a minute, 15 at a time. */
  app: z.enum(['internal', 'marketplace', 'unlisted']).default('internal'),
});

/** An account is one workspace; its bot token is the `accessToken`. */
export const slack = defineProvider(settings, {
  id: 'slack',
  baseUrl: 'https://slack.com/api',
  // Tokens end only where the app has chosen rotation: https://docs.slack.dev/authentication/using-token-rotation
  auth: oauth2({
    tokenUrl: 'https://slack.com/api/oauth.v2.access',
    clientId: () => process.env['SLACK_CLIENT_ID'],
    clientSecret: () => process.env['SLACK_CLIENT_SECRET'],
    refusedErrors: ['invalid_refresh_token', 'token_expired', 'token_revoked'],
  }),
  limits: [
    window('tier-2', {
      by: ['account', 'endpoint'],
      max: 20,
      perMs: minutes(1),
      endpoints: ['channels', 'users'],
    }),
    window('messages', {
      by: ['account'],
      max: ({ settings: { app } }) => (app === 'unlisted' ? 1 : 50), // tier 3
      perMs: minutes(1),
      endpoints: ['messages'],
    }),
    // One a second for each channel; the limit of the whole workspace is not published.
    bucket('post', {
      by: ['account', ({ input }) => (input as { readonly channel: string }).channel],
      perSecond: 1,
      burst: 1,
      endpoints: ['postMessage'],
    }),
  ],
  // https://docs.slack.dev/reference/methods/conversations.history#errors and the like
  classify: rules([
    when(okFalse('ratelimited', 'rate_limited'), limited()),
    when(okFalse('invalid_auth', 'not_authed', 'token_expired', 'token_revoked', 'account_inactive'), refreshAuth()),
    when(
      okFalse('missing_scope', 'no_permission', 'not_allowed_token_type', 'access_denied', 'team_access_not_granted'),
      permanent('auth'),
    ),
    when(okFalse('channel_not_found', 'not_in_channel', 'is_archived'), skip()),
    when(okFalse('invalid_cursor'), deadCursor()),
    // "Some aspect of the operation may have succeeded": a read is tried again, a write is looked up.
    when(okFalse('internal_error', 'fatal_error', 'service_unavailable', 'request_timeout'), unknownWrite()),
    when(okFalse(), permanent('bug')),
  ]),
});

const Next = z.object({ next_cursor: z.string().optional() }).optional();

export const Channel = z.object({
  id: z.string(),
  name: z.string().optional(),
  is_private: z.boolean().optional(),
  is_archived: z.boolean().optional(),
  is_member: z.boolean().optional(),
  num_members: z.number().optional(),
  created: z.number().optional(),
  updated: z.number().optional(),
});

export const User = z.object({
  id: z.string(),
  name: z.string().optional(),
  real_name: z.string().optional(),
  deleted: z.boolean().optional(),
  is_bot: z.boolean().optional(),
  tz: z.string().optional(),
  updated: z.number().optional(),
});

export const Message = z.object({
  /** Epoch seconds with six digits behind the point: the identity of a message in its channel. */
  ts: z.string(),
  type: z.string().optional(),
  subtype: z.string().optional(),
  user: z.string().optional(),
  text: z.string().optional(),
  thread_ts: z.string().optional(),
  reply_count: z.number().optional(),
});

/** https://docs.slack.dev/reference/methods/conversations.list */
export const channels = slack.endpoint('channels', {
  input: z.object({ types: z.string() }),
  response: z.object({ channels: z.array(Channel), response_metadata: Next }),
  request: ({ types }, page) => get('/conversations.list', { types, limit: page.size, cursor: page.cursor }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.channels,
    next: (answer) => answer.response_metadata?.next_cursor,
    pageSize: { start: 200 },
  },
});

/** https://docs.slack.dev/reference/methods/users.list */
export const users = slack.endpoint('users', {
  input: z.object({}),
  response: z.object({ members: z.array(User), response_metadata: Next }),
  request: (_, page) => get('/users.list', { limit: page.size, cursor: page.cursor }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.members,
    next: (answer) => answer.response_metadata?.next_cursor,
    pageSize: { start: 200 },
  },
});

/** https://docs.slack.dev/reference/methods/conversations.history */
export const messages = slack.endpoint('messages', {
  input: z.object({ channel: z.string(), oldest: z.string().optional() }),
  response: z.object({ messages: z.array(Message), has_more: z.boolean().optional(), response_metadata: Next }),
  request: ({ channel, oldest }, page, { settings: { app } }) =>
    get('/conversations.history', {
      channel,
      oldest,
      limit: app === 'unlisted' ? Math.min(page.size, 15) : page.size,
      cursor: page.cursor,
    }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.messages,
    next: (answer) => answer.response_metadata?.next_cursor,
    hasMore: (answer) => answer.has_more,
    pageSize: { start: 200 },
  },
});
