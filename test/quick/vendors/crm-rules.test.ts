/** What the answers of HubSpot and Salesforce mean, and what their limits are by plan. */
import { expect, it } from 'vitest';
import * as hubspot from '../../../providers/vendors/hubspot/index.ts';
import * as salesforce from '../../../providers/vendors/salesforce/index.ts';
import { OF_REFRESH } from '../../setup/unsigned-request.ts';
import { answer, table } from '../../setup/vendors/answer-table.ts';

// https://developers.hubspot.com/docs/api-reference/error-handling
const limitOf = (policyName: string) => ({
  status: 'error',
  message: 'You have reached your limit.',
  errorType: 'RATE_LIMIT',
  policyName,
});
const hubspotError = (category: string) => ({ status: 'error', message: category, correlationId: 'c', category });
table('HubSpot, of a search', hubspot.contacts.decide, [
  ['a page is good', answer(200, { total: 0, results: [] }), { kind: 'ok' }],
  ['too many searches', answer(429, limitOf('SECONDLY')), { kind: 'limited', afterMs: 1_000 }],
  ['too many calls in ten seconds', answer(429, limitOf('TEN_SECONDLY_ROLLING')), { kind: 'limited', afterMs: 10_000 }],
  ['a spent day', answer(429, limitOf('DAILY')), { kind: 'limited', limit: 'day', afterMs: 900_000 }],
  ['too many calls, with a page of the gateway', answer(429, '<html>'), { kind: 'limited' }],
  ['an ended token', answer(401, hubspotError('EXPIRED_AUTHENTICATION')), { kind: 'refresh-auth' }],
  ['a scope is missing', answer(403, hubspotError('MISSING_SCOPES')), { kind: 'permanent', cause: 'auth' }],
  ['the object is in use', answer(423, hubspotError('LOCKED')), { kind: 'retry', afterMs: 2_000 }],
  ['the account moves', answer(477, '', { 'retry-after': '3600' }), { kind: 'limited', limit: 'day' }],
  ['a property that is not there', answer(400, hubspotError('VALIDATION_ERROR')), { kind: 'permanent', cause: 'bug' }],
  ['a gateway that gave up', answer(524, '<html>'), { kind: 'retry' }],
]);
const batch = (errors: readonly object[], more: object = {}) => ({ status: 'COMPLETE', results: [], errors, ...more });
const without = {
  status: 'error',
  category: 'OBJECT_NOT_FOUND',
  subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
};
const from = { from: { id: '1' }, to: [], paging: { next: { after: 'x' } } };
table('HubSpot, of associations', hubspot.companiesOfContacts.decide, [
  ['all of them', answer(200, batch([])), { kind: 'ok' }],
  ['contacts without a company', answer(207, batch([without, without])), { kind: 'ok' }],
  [
    'an error of another kind',
    answer(207, batch([without, hubspotError('INTERNAL_ERROR')], { results: [from] })),
    { kind: 'flawed' },
  ],
  ['more than one answer holds', answer(200, batch([], { results: [from] })), { kind: 'flawed' }],
]);
it('HubSpot tells companies by numbers, which are ids', () => {
  const { parseResponse, paginate } = hubspot.companiesOfContacts;
  const types = [{ category: 'HUBSPOT_DEFINED', typeId: 279, label: null }];
  const told = batch([without], { results: [{ from: { id: '1' }, to: [{ toObjectId: 9, associationTypes: types }] }] });
  expect(paginate.items(parseResponse(told), { headers: {}, url: '' })).toEqual([{ contact: '1', company: '9' }]);
});
table('HubSpot, of a contact', hubspot.upsertContact.definition.decide, [
  ['made', answer(200, { status: 'COMPLETE', results: [] }), { kind: 'ok' }],
  ['no address', answer(400, hubspotError('VALIDATION_ERROR')), { kind: 'permanent', cause: 'bug' }],
  ['at work on the same one', answer(423, hubspotError('LOCKED')), { kind: 'retry', afterMs: 2_000 }],
  ['a server error may come after the deed', answer(500, hubspotError('INTERNAL_ERROR')), { kind: 'unknown-write' }],
]);
it('HubSpot has more for larger plans and packs, none by day for OAuth, and tells it in headers', () => {
  const numbers = (endpoint: typeof hubspot.companies | typeof hubspot.contacts, settings: object) =>
    endpoint
      .charges({
        account: 'a',
        tenant: '',
        ip: '',
        input: {},
        pageSize: 100,
        settings: { app: 'private', limitIncreases: 0, ...settings },
      })
      .map(({ limit }) => [limit.name, 'max' in limit && limit.max]);
  expect(numbers(hubspot.companies, { plan: 'starter' })).toEqual([
    ['burst', 100],
    ['day', 250_000],
  ]);
  expect(numbers(hubspot.companies, { plan: 'professional' })).toEqual([
    ['burst', 190],
    ['day', 650_000],
  ]);
  expect(numbers(hubspot.companies, { plan: 'enterprise', limitIncreases: 2 })).toEqual([
    ['burst', 250],
    ['day', 3_000_000],
  ]);
  expect(numbers(hubspot.contacts, { plan: 'free', app: 'oauth' })).toEqual([
    ['day', 1_000_000],
    ['search', 5],
  ]);
  const headers = {
    'x-hubspot-ratelimit-max': '190',
    'x-hubspot-ratelimit-remaining': '17',
    'x-hubspot-ratelimit-daily': '650000',
    'x-hubspot-ratelimit-daily-remaining': '649000',
  };
  expect(hubspot.hubspot.toldQuotas(answer(200, {}, headers))).toEqual([
    { limit: 'burst', max: 190, remaining: 17 },
    { limit: 'day', max: 650_000, remaining: 649_000 },
  ]);
  // Searches have no such headers.
  expect(hubspot.hubspot.toldQuotas(answer(200))).toEqual([]);
});
it.each([
  [
    'a refresh token that was taken back',
    answer(400, { status: 'BAD_REFRESH_TOKEN', message: 'missing or unknown' }),
    'refused',
  ],
  ['a server that is down', answer(503, ''), 'retry'],
])('HubSpot, of a refresh: %s', (_, given, kind) => {
  expect(hubspot.hubspot.auth.refresh?.parse(given, OF_REFRESH)).toMatchObject({ kind });
});

// https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html
const salesforceError = (errorCode: string, message = errorCode) => [{ message, errorCode }];
const day = salesforceError('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
const atOnce = salesforceError('REQUEST_LIMIT_EXCEEDED', 'ConcurrentPerOrgLongTxn Limit exceeded.');
table('Salesforce, of a list', salesforce.accounts.decide, [
  ['a page is good', answer(200, { totalSize: 0, done: true, records: [] }), { kind: 'ok' }],
  ['a spent day', answer(403, day), { kind: 'limited', limit: 'day', afterMs: 900_000 }],
  ['too many long calls at once', answer(403, atOnce), { kind: 'limited', limit: 'at-once', afterMs: 20_000 }],
  ['a user without access', answer(403, salesforceError('INSUFFICIENT_ACCESS')), { kind: 'permanent', cause: 'auth' }],
  [
    'an org without the API',
    answer(403, salesforceError('API_DISABLED_FOR_ORG')),
    { kind: 'permanent', cause: 'auth' },
  ],
  ['an ended session', answer(401, salesforceError('INVALID_SESSION_ID')), { kind: 'refresh-auth' }],
  ['a forgotten locator', answer(400, salesforceError('INVALID_QUERY_LOCATOR')), { kind: 'dead-cursor' }],
  ['a query that took too long', answer(400, salesforceError('QUERY_TIMEOUT')), { kind: 'retry' }],
  ['a field that is not there', answer(400, salesforceError('INVALID_FIELD')), { kind: 'permanent', cause: 'bug' }],
  ['a server that is down', answer(503, salesforceError('SERVER_UNAVAILABLE')), { kind: 'retry' }],
]);
table('Salesforce, of a record', salesforce.upsertRecord.definition.decide, [
  ['made', answer(201, { id: '003', success: true, errors: [], created: true }), { kind: 'ok' }],
  ['several have this id', answer(300, ['/services/data/…']), { kind: 'permanent', cause: 'config' }],
  ['another call works on it', answer(400, salesforceError('UNABLE_TO_LOCK_ROW')), { kind: 'retry', afterMs: 5_000 }],
  ['a value is missing', answer(400, salesforceError('REQUIRED_FIELD_MISSING')), { kind: 'permanent', cause: 'bug' }],
  ['a spent day', answer(403, day), { kind: 'limited', limit: 'day' }],
  [
    'a server error may come after the deed',
    answer(500, salesforceError('UNKNOWN_EXCEPTION')),
    { kind: 'unknown-write' },
  ],
]);
it('Salesforce tells in a header what the org has used of its day', () => {
  const headers = { 'sforce-limit-info': 'api-usage=18/5000; per-app-api-usage=17/250(appName=sample)' };
  expect(salesforce.salesforce.toldQuotas(answer(200, {}, headers))).toEqual([
    { limit: 'day', max: 5_000, remaining: 4_982 },
  ]);
  expect(salesforce.salesforce.toldQuotas(answer(200))).toEqual([]);
});
it.each([
  ['acme', 'https://acme.my.salesforce.com/services/data/v67.0'],
  ['acme--dev.sandbox', 'https://acme--dev.sandbox.my.salesforce.com/services/data/v67.0'],
])('Salesforce: the org %s has a host of its own', (domain, url) => {
  expect(salesforce.salesforce.baseUrl({ account: 'a', tenant: '', settings: { domain } })).toBe(url);
});
it.each(['evil.example/', 'a.b.c', 'acme@evil', ''])('Salesforce: %j leads to no host', (domain) => {
  expect(() => salesforce.salesforce.settingsOf({ domain }, 'a')).toThrow('what stands before ".my.salesforce.com"');
});

it('a set of results of Salesforce that has fewer rows than its header says is an error', () => {
  const { items } = salesforce.contacts.paginate;
  const of = (told?: string) => ({ headers: told === undefined ? {} : { 'sforce-numberofrecords': told }, url: '' });
  expect(items([{}, {}], of('2'))).toHaveLength(2);
  expect(items([{}, {}], of())).toHaveLength(2);
  expect(() => items([{}, {}], of('3'))).toThrow('2 rows came of 3');
});
