/** What the answers of each vendor mean: an answer as its documentation shows it, and what follows. */
import { expect, it } from 'vitest';
import { createIssue, discussions, github, issues } from '../../../providers/vendors/github/index.ts';
import * as google from '../../../providers/vendors/google-calendar/index.ts';
import * as graph from '../../../providers/vendors/microsoft-graph/index.ts';
import { addTags, orders, products, shopify } from '../../../providers/vendors/shopify/index.ts';
import { channels, messages, postMessage } from '../../../providers/vendors/slack/index.ts';
import { createRefund, customers } from '../../../providers/vendors/stripe/index.ts';
import { answer, table } from '../../setup/vendors/answer-table.ts';

// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
const secondary = {
  message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
};
const spent = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1900000000' };
table('GitHub, of a list', issues.decide, [
  ['a page is good', answer(200, []), { kind: 'ok' }],
  [
    'a secondary limit by a sentence lasts a minute',
    answer(403, secondary),
    { kind: 'limited', limit: 'at-once', afterMs: 60_000 },
  ],
  [
    'a secondary limit under 429 does so too',
    answer(429, secondary),
    { kind: 'limited', limit: 'at-once', afterMs: 60_000 },
  ],
  [
    'a secondary limit that says when is believed',
    answer(403, secondary, { 'retry-after': '7' }),
    { kind: 'limited', limit: 'at-once' },
  ],
  [
    'a spent hour is a limit',
    answer(403, { message: 'API rate limit exceeded for user ID 1.' }, spent),
    { kind: 'limited' },
  ],
  [
    'a missing permission is none',
    answer(403, { message: 'Resource not accessible by integration' }, { 'x-ratelimit-remaining': '4999' }),
    { kind: 'permanent', cause: 'auth' },
  ],
  ['bad credentials', answer(401, { message: 'Bad credentials' }), { kind: 'refresh-auth' }],
  ['a repository that is gone', answer(404, { message: 'Not Found' }), { kind: 'permanent', cause: 'gone' }],
  [
    'issues that are switched off',
    answer(410, { message: 'Issues are disabled for this repo' }),
    { kind: 'permanent', cause: 'gone' },
  ],
  ['a repository that was taken down', answer(451, { message: 'Repository access blocked' }), { kind: 'skip' }],
  ['a server error', answer(502, '<html>'), { kind: 'retry' }],
]);
const ofGithub = (type: string, more: object = {}) => answer(200, { errors: [{ type, message: type }], ...more });
table('GitHub, of discussions', discussions.decide, [
  ['a page is good', answer(200, { data: { repository: { discussions: { nodes: [] } } } }), { kind: 'ok' }],
  ['spent points', ofGithub('RATE_LIMITED'), { kind: 'limited', limit: 'graphql' }],
  ['no such repository', ofGithub('NOT_FOUND', { data: { repository: null } }), { kind: 'permanent', cause: 'gone' }],
  ['a scope is missing', ofGithub('INSUFFICIENT_SCOPES'), { kind: 'permanent', cause: 'auth' }],
  [
    'a query that took too long',
    answer(200, { data: null, errors: [{ message: 'Something went wrong' }] }),
    { kind: 'retry' },
  ],
  ['a secondary limit', answer(403, secondary), { kind: 'limited', limit: 'at-once', afterMs: 60_000 }],
]);
table('GitHub, of a new issue', createIssue.definition.decide, [
  ['made', answer(201, { id: 1 }), { kind: 'ok' }],
  ['too much content', answer(403, secondary), { kind: 'limited', afterMs: 60_000 }],
  ['a bad title', answer(422, { message: 'Validation Failed' }), { kind: 'permanent', cause: 'bug' }],
  ['a server error may come after the deed', answer(502, '<html>'), { kind: 'unknown-write' }],
]);
it('GitHub tells the hour in headers of which only those of the core are meant', () => {
  const headers = { ...spent, 'x-ratelimit-limit': '15000', date: new Date(1_899_999_990_000).toUTCString() };
  const told = (resource: string) =>
    github.toldQuotas(answer(200, [], { ...headers, 'x-ratelimit-resource': resource }));
  expect(told('graphql')).toEqual([{ limit: 'graphql', max: 15_000, remaining: 0, resetAfterMs: 10_000 }]);
  expect(told('core')).toEqual([{ limit: 'hour', max: 15_000, remaining: 0, resetAfterMs: 10_000 }]);
  expect(told('search')).toEqual([]);
  expect(github.actualCosts(answer(304))).toEqual({ hour: 0 });
});

// https://docs.stripe.com/error-codes
const stripeError = (error: object) => ({ error: { type: 'invalid_request_error', message: '…', ...error } });
table('Stripe, of a list', customers.decide, [
  ['a page is good', answer(200, { object: 'list', data: [], has_more: false }), { kind: 'ok' }],
  ['too many calls', answer(429, stripeError({ code: 'rate_limit' })), { kind: 'limited' }],
  [
    'a locked object is no limit',
    answer(429, stripeError({ code: 'lock_timeout' })),
    { kind: 'retry', afterMs: 1_000 },
  ],
  [
    'a customer is gone behind whom the page begins',
    answer(400, stripeError({ code: 'resource_missing', param: 'starting_after' })),
    { kind: 'dead-cursor' },
  ],
  [
    'another thing is not there',
    answer(404, stripeError({ code: 'resource_missing', param: 'id' })),
    { kind: 'permanent', cause: 'gone' },
  ],
  ['a bad key', answer(401, stripeError({})), { kind: 'refresh-auth' }],
  ['an ended key', answer(401, stripeError({ code: 'api_key_expired' })), { kind: 'refresh-auth' }],
  ['a key that may not', answer(403, stripeError({})), { kind: 'permanent', cause: 'auth' }],
]);
table('Stripe, of a refund', createRefund.definition.decide, [
  ['made', answer(200, { id: 're_1' }), { kind: 'ok' }],
  ['the same key is at work', answer(409, stripeError({ code: 'idempotency_key_in_use' })), { kind: 'unknown-write' }],
  ['the charge is locked', answer(429, stripeError({ code: 'lock_timeout' })), { kind: 'retry', afterMs: 1_000 }],
  [
    'the same key with another body',
    answer(400, { error: { type: 'idempotency_error' } }),
    { kind: 'permanent', cause: 'bug' },
  ],
  [
    'it was paid back before',
    answer(400, stripeError({ code: 'charge_already_refunded' })),
    { kind: 'permanent', cause: 'bug' },
  ],
  [
    'there is not enough to pay it back from',
    answer(402, stripeError({ code: 'balance_insufficient' })),
    { kind: 'permanent', cause: 'bug' },
  ],
  ['a bank that does not answer', answer(424, stripeError({})), { kind: 'retry' }],
  ['a server error may come after the deed', answer(500, stripeError({})), { kind: 'unknown-write' }],
]);

// https://shopify.dev/docs/api/admin-graphql#status-and-error-codes
const graphqlError = (code: string, more: object = {}) => ({
  errors: [{ message: code, extensions: { code } }],
  ...more,
});
const cost = (currentlyAvailable: number) => ({
  extensions: {
    cost: {
      requestedQueryCost: 402,
      actualQueryCost: null,
      throttleStatus: { maximumAvailable: 2_000, currentlyAvailable, restoreRate: 100 },
    },
  },
});
table('Shopify, of a list', orders.decide, [
  ['a page is good', answer(200, { data: { orders: { nodes: [] } } }), { kind: 'ok' }],
  [
    'throttled for as long as points are missing',
    answer(200, graphqlError('THROTTLED', cost(2))),
    { kind: 'limited', limit: 'points', afterMs: 4_000 },
  ],
  [
    'a query that costs too much is asked in parts',
    answer(200, graphqlError('MAX_COST_EXCEEDED')),
    { kind: 'shrink-page' },
  ],
  [
    'no access to any of it',
    answer(200, graphqlError('ACCESS_DENIED', { data: null })),
    { kind: 'permanent', cause: 'auth' },
  ],
  [
    'no access to a field leaves a flaw',
    answer(200, graphqlError('ACCESS_DENIED', { data: { orders: { nodes: [{ customer: null }] } } })),
    { kind: 'flawed' },
  ],
  ['an error of the server', answer(200, graphqlError('INTERNAL_SERVER_ERROR')), { kind: 'unknown-write' }],
  [
    'a wrong query',
    answer(200, { errors: [{ message: 'Field x does not exist' }] }),
    { kind: 'permanent', cause: 'bug' },
  ],
  ['a frozen shop', answer(402, {}), { kind: 'permanent', cause: 'auth' }],
  ['a locked shop', answer(423, {}), { kind: 'permanent', cause: 'auth' }],
  ['a security rejection', answer(430, ''), { kind: 'limited', afterMs: 60_000 }],
  ['a bad token', answer(401, { errors: 'Invalid API key or access token' }), { kind: 'refresh-auth' }],
]);
const userErrors = [{ field: ['id'], message: 'does not exist' }];
table('Shopify, of tags', addTags.definition.decide, [
  ['added', answer(200, { data: { tagsAdd: { node: { id: 'x' }, userErrors: [] } } }), { kind: 'ok' }],
  [
    'refused under a success',
    answer(200, { data: { tagsAdd: { node: null, userErrors } } }),
    { kind: 'permanent', cause: 'bug' },
  ],
  ['throttled', answer(200, graphqlError('THROTTLED', cost(2))), { kind: 'limited', afterMs: 4_000 }],
  ['an error of the server', answer(200, graphqlError('INTERNAL_SERVER_ERROR')), { kind: 'unknown-write' }],
]);
it('Shopify tells what a query has cost and what is left', () => {
  const told = answer(200, { data: {}, extensions: { cost: { ...cost(700).extensions.cost, actualQueryCost: 46 } } });
  expect(shopify.actualCosts(told)).toEqual({ points: 46 });
  expect(shopify.toldQuotas(told)).toEqual([{ limit: 'points', remaining: 700 }]);
  const ofPlan = (plan: string) =>
    products.charges({
      account: 'a',
      tenant: '',
      ip: '',
      input: {},
      pageSize: 100,
      settings: { shop: 'acme', plan },
    })[0];
  expect(ofPlan('standard')).toMatchObject({ limit: { perSecond: 100, burst: 2_000 }, cost: 402 });
  expect(ofPlan('plus')).toMatchObject({ limit: { perSecond: 1_000, burst: 20_000 } });
});

// https://docs.slack.dev/reference/methods/conversations.history
const no = (error: string, more: object = {}) => answer(200, { ok: false, error, ...more });
table('Slack, of a list', messages.decide, [
  ['a page is good', answer(200, { ok: true, messages: [] }), { kind: 'ok' }],
  ['too many calls', answer(429, '', { 'retry-after': '30' }), { kind: 'limited' }],
  ['too many calls under 200', no('ratelimited'), { kind: 'limited' }],
  ['a bad token', no('invalid_auth'), { kind: 'refresh-auth' }],
  ['a token that was taken back', no('token_revoked'), { kind: 'refresh-auth' }],
  ['a scope is missing', no('missing_scope', { needed: 'channels:history' }), { kind: 'permanent', cause: 'auth' }],
  ['a channel without the bot', no('not_in_channel'), { kind: 'skip' }],
  ['a channel that is gone', no('channel_not_found'), { kind: 'skip' }],
  ['a cursor of yesterday', no('invalid_cursor'), { kind: 'dead-cursor' }],
  ['an error of the server', no('internal_error'), { kind: 'unknown-write' }],
  ['anything else', no('invalid_ts_oldest'), { kind: 'permanent', cause: 'bug' }],
]);
table('Slack, of a message', postMessage.definition.decide, [
  ['posted', answer(200, { ok: true, channel: 'C1', ts: '1.2' }), { kind: 'ok' }],
  ['no such channel', no('channel_not_found'), { kind: 'skip' }],
  ['it may have been posted', no('fatal_error'), { kind: 'unknown-write' }],
  ['too long', no('msg_too_long'), { kind: 'permanent', cause: 'bug' }],
]);
it('Slack counts by method, and posts by channel; an app that is not listed reads once a minute', () => {
  const call = { account: 'a', tenant: '', ip: '', pageSize: 100 };
  const by = (app: string) => messages.charges({ ...call, input: {}, settings: { app } })[0]?.limit;
  expect([by('internal'), by('unlisted')]).toMatchObject([{ max: 50 }, { max: 1 }]);
  expect(channels.charges({ ...call, input: {}, settings: { app: 'internal' } })).toMatchObject([
    { key: 'slack/tier-2/a/channels', limit: { max: 20 } },
  ]);
  const post = postMessage.definition.charges({ ...call, input: { channel: 'C1' }, settings: { app: 'internal' } });
  expect(post).toMatchObject([{ key: 'slack/post/a/C1' }]);
  const asked = (app: string) =>
    messages.request({ channel: 'C1' }, { size: 200 } as never, { account: 'a', tenant: '', settings: { app } });
  expect([asked('internal').query?.['limit'], asked('unlisted').query?.['limit']]).toEqual([200, 15]);
});

// https://developers.google.com/workspace/calendar/api/guides/errors
const googleError = (code: number, domain: string, reason: string, more: object = {}) =>
  answer(code, { error: { code, message: reason, errors: [{ domain, reason, message: reason, ...more }] } });
table('Google Calendar, of a list', google.events.decide, [
  ['a page is good', answer(200, { kind: 'calendar#events', items: [] }), { kind: 'ok' }],
  [
    'too many calls of a user',
    googleError(403, 'usageLimits', 'userRateLimitExceeded'),
    { kind: 'limited', limit: 'user' },
  ],
  ['too many calls', googleError(403, 'usageLimits', 'rateLimitExceeded'), { kind: 'limited', limit: 'user' }],
  [
    'too many calls under 429',
    googleError(429, 'usageLimits', 'rateLimitExceeded'),
    { kind: 'limited', limit: 'user' },
  ],
  [
    'the limits of the calendar itself',
    googleError(403, 'usageLimits', 'quotaExceeded'),
    { kind: 'limited', limit: 'user' },
  ],
  [
    'no right to the calendar',
    googleError(403, 'calendar', 'forbiddenForNonOrganizer'),
    { kind: 'permanent', cause: 'auth' },
  ],
  ['a token that is too old', googleError(410, 'calendar', 'fullSyncRequired'), { kind: 'checkpoint-expired' }],
  ['a token from long ago', googleError(410, 'calendar', 'updatedMinTooLongAgo'), { kind: 'checkpoint-expired' }],
  [
    'a token that is none',
    googleError(400, 'global', 'invalid', { location: 'syncToken' }),
    { kind: 'checkpoint-expired' },
  ],
  ['bad credentials', googleError(401, 'global', 'authError'), { kind: 'refresh-auth' }],
  ['no such calendar', googleError(404, 'global', 'notFound'), { kind: 'permanent', cause: 'gone' }],
]);
table('Google Calendar, of an event', google.createEvent.definition.decide, [
  ['made', answer(200, { id: 'a', status: 'confirmed' }), { kind: 'ok' }],
  ['a bad time', googleError(400, 'calendar', 'timeRangeEmpty'), { kind: 'permanent', cause: 'bug' }],
  ['a server error may come after the deed', googleError(500, 'global', 'backendError'), { kind: 'unknown-write' }],
]);

// https://learn.microsoft.com/en-us/graph/errors
const graphError = (status: number, code: string, headers: Record<string, string> = {}) =>
  answer(status, { error: { code, message: code } }, headers);
table('Microsoft Graph, of a list', graph.messages.decide, [
  ['a page is good', answer(200, { value: [] }), { kind: 'ok' }],
  ['too many calls', graphError(429, 'TooManyRequests', { 'retry-after': '10' }), { kind: 'limited' }],
  ['too busy', graphError(503, 'serviceNotAvailable', { 'retry-after': '10' }), { kind: 'limited' }],
  ['a delta link that is too old', graphError(410, 'syncStateNotFound'), { kind: 'checkpoint-expired' }],
  ['a delta link that is not understood', graphError(400, 'SyncStateInvalid'), { kind: 'checkpoint-expired' }],
  ['a user without a mailbox', graphError(404, 'MailboxNotEnabledForRESTAPI'), { kind: 'end-of-data' }],
  ['a user who is gone', graphError(404, 'Request_ResourceNotFound'), { kind: 'permanent', cause: 'gone' }],
  ['an ended token', graphError(401, 'InvalidAuthenticationToken'), { kind: 'refresh-auth' }],
  ['no consent of the tenant', graphError(403, 'Authorization_RequestDenied'), { kind: 'permanent', cause: 'auth' }],
]);
it('Microsoft Graph tells resource units in a header, counts mailboxes apart, and has more for larger tenants', () => {
  const { microsoftGraph, user, messages } = graph;
  expect(microsoftGraph.actualCosts(answer(200, {}, { 'x-ms-resource-unit': '1' }))).toEqual({ units: 1 });
  expect(microsoftGraph.actualCosts(answer(200))).toEqual({});
  const call = { account: 't', tenant: '', ip: '', pageSize: 100 };
  const settings = { tenantId: 'contoso', size: 'L' };
  expect(user.charges({ ...call, input: { id: 'u' }, settings })).toMatchObject([
    { limit: { burst: 8_000 } },
    { limit: { name: 'all' } },
  ]);
  expect(messages.charges({ ...call, input: { user: 'u' }, settings }).map(({ key }) => key)).toEqual([
    'microsoft-graph/mailbox/t/u',
    'microsoft-graph/mailbox-at-once/t/u',
    'microsoft-graph/all/app',
  ]);
});
