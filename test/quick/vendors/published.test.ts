/**
 * Paths, parameters and fields of the providers, held against the types that the vendors publish: `npm run typecheck` fails where one is not
 * there, has another type, or may be null. Google's are an excerpt; Shopify's schema has a test of its own.
 */
import { readFileSync } from 'node:fs';
import type { Event as GraphEvent, Message as GraphMessage, User as GraphUser } from '@microsoft/microsoft-graph-types';
import type { components, paths } from '@octokit/openapi-types';
import type {
  ChatPostMessageArguments,
  ConversationsHistoryArguments,
  ConversationsHistoryResponse,
  ConversationsListArguments,
  ConversationsListResponse,
  UsersListArguments,
  UsersListResponse,
  WebClient,
} from '@slack/web-api';
import type Stripe from 'stripe';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  asked,
  context,
  PAGE,
  sent,
  type Ask,
  type KeysOf,
  type Row,
  type Told,
  type Wrong,
} from '../../setup/vendors/compare.ts';
import * as published from '../../fixtures/vendors/google-calendar.ts';
import * as github from '../../../providers/vendors/github/index.ts';
import * as google from '../../../providers/vendors/google-calendar/index.ts';
import * as graph from '../../../providers/vendors/microsoft-graph/index.ts';
import * as slack from '../../../providers/vendors/slack/index.ts';
import * as stripe from '../../../providers/vendors/stripe/index.ts';
import * as reports from '../../../providers/vendors/stripe-reports/index.ts';
import type { RequestSpec } from '../../../providers/index.ts';

it('a field that is not there, has another type or may be null is found', () => {
  interface Theirs {
    readonly id: number;
    readonly name: string | null;
    readonly tags: readonly { readonly text: string }[];
  }
  interface Ours {
    readonly id: string;
    readonly name: string;
    readonly tags: readonly { readonly txt?: string }[];
  }
  expectTypeOf<Wrong<Ours, Theirs, 'row'>>().toEqualTypeOf<
    'row.id has another type' | 'row.name may be null' | 'row.tags[].txt is not there'
  >();
});

describe('GitHub', () => {
  type Asked<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? keyof Q : never;
  const ISSUES = '/repos/{owner}/{repo}/issues' satisfies keyof paths;
  const place = { owner: '{owner}', repo: '{repo}' };

  it('has these lists', () => {
    const REPOS = '/user/repos' satisfies keyof paths;
    const names = ['affiliation', 'sort', 'direction', 'per_page'] satisfies Asked<typeof REPOS>[];
    expect(asked(github.repositories, { affiliation: 'owner' })).toEqual({ call: `GET ${REPOS}`, names });
    expectTypeOf<Wrong<Row<typeof github.Repository>, components['schemas']['repository'], 'repository'>>().toBeNever();
    const ofIssues = ['state', 'since', 'sort', 'direction', 'per_page'] satisfies Asked<typeof ISSUES>[];
    expect(asked(github.issues, { ...place, since: 's' })).toEqual({ call: `GET ${ISSUES}`, names: ofIssues });
    expectTypeOf<Wrong<Row<typeof github.Issue>, components['schemas']['issue'], 'issue'>>().toBeNever();
  });

  it('takes a new issue', () => {
    type Body = paths[typeof ISSUES]['post']['requestBody']['content']['application/json'];
    const names = ['title', 'body', 'labels'] satisfies (keyof Body)[];
    expect(sent(github.createIssue, { ...place, title: 't' })).toEqual({ call: `POST ${ISSUES}`, names });
  });
});

describe('Stripe', () => {
  const source = (name: string) =>
    readFileSync(new URL(`../../../node_modules/stripe/esm/${name}.js`, import.meta.url), 'utf8');
  const settings = { mode: 'live' };

  it('has these lists in this version', () => {
    const version = /ApiVersion = '(.+)'/.exec(source('apiVersion'))?.[1];
    expect(stripe.stripe.headers['stripe-version']).toBe(version);
    const names = ['limit', 'starting_after'] satisfies (keyof Stripe.CustomerListParams)[];
    expect(asked(stripe.customers, {}, settings)).toEqual({ call: 'GET /v1/customers', names });
    expect(source('resources/Customers')).toContain("'GET', '/v1/customers'");
    expectTypeOf<Wrong<Row<typeof stripe.Customer>, Stripe.Customer, 'customer'>>().toBeNever();
    const ofMoney = ['limit', 'starting_after', 'created'] satisfies (keyof Stripe.BalanceTransactionListParams)[];
    const money = asked(stripe.balanceTransactions, { since: '1' }, settings);
    expect(money.names.map((name) => name.replace('[gte]', ''))).toEqual(ofMoney);
    expect('gte' satisfies keyof Stripe.RangeQueryParam).toBe('gte');
    expect(source('resources/BalanceTransactions')).toContain("'GET', '/v1/balance_transactions'");
    expect(money.call).toBe('GET /v1/balance_transactions');
    expectTypeOf<Wrong<Row<typeof stripe.BalanceTransaction>, Stripe.BalanceTransaction, 'transaction'>>().toBeNever();
  });

  it('makes reports', () => {
    const { job } = reports.activity as unknown as { job: { submit: (input: object, of: object) => RequestSpec } };
    const {
      method,
      path,
      form = {},
    } = job.submit({ from: 1, until: 2 }, { ...(context(settings) as object), key: 'k' });
    expect(`${method} ${path}`).toBe('POST /v1/reporting/report_runs');
    expect(source('resources/Reporting/ReportRuns')).toContain("'POST', '/v1/reporting/report_runs'");
    expect(source('resources/Reporting/ReportTypes')).toContain('`/v1/reporting/report_types/${');
    const names = ['report_type', 'parameters'] satisfies (keyof Stripe.Reporting.ReportRunCreateParams)[];
    const parameters = [
      'interval_start',
      'interval_end',
      'columns',
    ] satisfies (keyof Stripe.Reporting.ReportRunCreateParams.Parameters)[];
    expect([...new Set(Object.keys(form).map((name) => name.split('[')[0]))]).toEqual(names);
    const given = Object.keys(form).flatMap((name) => /^parameters\[(\w+)\]/.exec(name)?.[1] ?? []);
    expect([...new Set(given)]).toEqual(parameters);
    type Told = Stripe.Reporting.ReportRun;
    expectTypeOf<Wrong<Row<typeof reports.ReportRun>, Told, 'run'>>().toBeNever();
    expectTypeOf<Wrong<Row<typeof reports.ReportType>, Stripe.Reporting.ReportType, 'type'>>().toBeNever();
  });

  it('takes a refund', () => {
    const input = { charge: 'ch_1', amount: 1, reason: 'duplicate' };
    const names = ['charge', 'amount', 'reason'] satisfies (keyof Stripe.RefundCreateParams)[];
    expect(sent(stripe.createRefund, input, settings)).toEqual({ call: 'POST /v1/refunds', names });
    const ofIntent = sent(stripe.createRefund, { paymentIntent: 'pi_1' }, settings);
    expect(ofIntent.names).toEqual(['payment_intent'] satisfies (keyof Stripe.RefundCreateParams)[]);
    expect(source('resources/Refunds')).toContain("'POST', '/v1/refunds'");
  });
});

describe('Slack', () => {
  type Methods<G extends 'conversations' | 'users' | 'chat'> = `${G}.${Extract<keyof WebClient[G], string>}`;
  type Method = Methods<'conversations'> | Methods<'users'> | Methods<'chat'>;
  const get = (method: Method) => `GET /${method}`;

  it('has these lists', () => {
    const ofChannels = ['types', 'limit', 'cursor'] satisfies KeysOf<ConversationsListArguments>[];
    const channels = asked(slack.channels, { types: 'public_channel' });
    expect(channels).toEqual({ call: get('conversations.list'), names: ofChannels });
    const ofUsers = ['limit', 'cursor'] satisfies (keyof UsersListArguments)[];
    expect(asked(slack.users, {})).toEqual({ call: get('users.list'), names: ofUsers });
    const ofHistory = ['channel', 'oldest', 'limit', 'cursor'] satisfies (keyof ConversationsHistoryArguments)[];
    const history = asked(slack.messages, { channel: 'C1', oldest: '1' }, { app: 'internal' });
    expect(history).toEqual({ call: get('conversations.history'), names: ofHistory });
    type Channels = Required<ConversationsListResponse>['channels'];
    expectTypeOf<Wrong<Row<typeof slack.Channel>, Channels[number], 'channel'>>().toBeNever();
    type Users = Required<UsersListResponse>['members'];
    expectTypeOf<Wrong<Row<typeof slack.User>, Users[number], 'user'>>().toBeNever();
    type Messages = Required<ConversationsHistoryResponse>['messages'];
    expectTypeOf<Wrong<Row<typeof slack.Message>, Messages[number], 'message'>>().toBeNever();
  });

  it('takes a message', () => {
    const names = ['channel', 'text', 'thread_ts', 'metadata'] satisfies KeysOf<ChatPostMessageArguments>[];
    const message = sent(slack.postMessage, { channel: 'C1', text: 'hi', threadTs: '1' });
    expect(message).toEqual({ call: `POST /${'chat.postMessage' satisfies Method}`, names });
  });
});

describe('Google Calendar', () => {
  const get = (path: string) => {
    expect(published.paths).toContain(`/calendar/v3${path}`);
    return `GET ${path}`;
  };

  it('has these lists', () => {
    type ListParams = published.Params$Resource$Calendarlist$List;
    const names = ['maxResults', 'pageToken', 'syncToken'] satisfies (keyof ListParams)[];
    const calendars = asked(google.calendars, { syncToken: 's' });
    expect(calendars).toEqual({ call: get('/users/me/calendarList'), names });
    const ofEvents = [...names] satisfies (keyof published.Params$Resource$Events$List)[];
    const events = asked(google.events, { calendar: '{calendarId}', syncToken: 's' });
    expect(events).toEqual({ call: get('/calendars/{calendarId}/events'), names: ofEvents });
    expectTypeOf<
      Wrong<Required<Row<typeof google.Calendar>>, Told<published.Schema$CalendarListEntry>, 'calendar'>
    >().toBeNever();
    expectTypeOf<Wrong<Required<Row<typeof google.Event>>, Told<published.Schema$Event>, 'event'>>().toBeNever();
  });

  it('takes an event', () => {
    const time = { date: '2026-12-01' };
    const event = sent(google.createEvent, { summary: 's', description: 'd', start: time, end: time });
    const names = [
      'summary',
      'description',
      'start',
      'end',
      'attendees',
      'id',
    ] satisfies (keyof published.Schema$Event)[];
    expect(event).toEqual({ call: 'POST /calendars/primary/events', names });
    expect(published.paths).toContain('/calendar/v3/calendars/{calendarId}/events/{eventId}');
    expect('sendUpdates' satisfies keyof published.Params$Resource$Events$Insert).toBe('sendUpdates');
  });
});

describe('Microsoft Graph', () => {
  const selected = ({ request }: { readonly request: Ask }, input: object) =>
    String(request(input, PAGE, context()).query?.['$select']).split(',');

  it('has these fields', () => {
    expectTypeOf<Wrong<Row<typeof graph.User>, GraphUser, 'user'>>().toBeNever();
    expectTypeOf<Wrong<Row<typeof graph.Message>, GraphMessage, 'message'>>().toBeNever();
    const ofUser = Object.keys(graph.User.shape).toSorted();
    expect(selected(graph.user, { id: 'u' }).toSorted()).toEqual(ofUser);
    expect(selected(graph.changedUsers, {}).toSorted()).toEqual(ofUser);
    expect(selected(graph.messages, { user: 'u' }).toSorted()).toEqual(Object.keys(graph.Message.shape).toSorted());
  });

  it('takes an event', () => {
    const time = { dateTime: '2026-12-01T10:00:00', timeZone: 'UTC' };
    const event = sent(graph.createEvent, { user: '{id}', subject: 's', start: time, end: time });
    const names = [
      'subject',
      'start',
      'end',
      'attendees',
      'transactionId',
      'singleValueExtendedProperties',
    ] satisfies (keyof GraphEvent)[];
    expect(event).toEqual({ call: 'POST /users/{id}/events', names });
  });
});
