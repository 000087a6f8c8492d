import { describe, expect, it } from 'vitest';
import { toObservation } from '../../../activities/http/to-observation.ts';
import { backoffMs } from '../../../activities/call/backoff.ts';
import type { Answer, TransportErrorCode } from '../../../contracts/answers/answer.ts';
import type { Outcome, OutcomeKind } from '../../../contracts/answers/outcome.ts';
import { defaultOutcome } from '../../../providers/rules/default-rules.ts';
import type { Observation } from '../../../limiter/index.ts';

const answered = (status: number, text = '', headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  text,
  elapsedMs: 12,
});
const broken = (code: TransportErrorCode, status = 0, text = ''): Answer => ({
  ...answered(status, text),
  error: { code, message: 'as it was told' },
});
const html = '<!DOCTYPE html>\n<html><head><title>Down for maintenance</title></head></html>';

/** What was answered · what it means · what the limiter hears of it. */
type Row = readonly [what: string, answer: Answer, outcome: Partial<Outcome>, limiter: Observation['result']];
const recorded: readonly Row[] = [
  ['a good answer', answered(200, '{"items":[]}'), { kind: 'ok' }, 'ok'],
  ['an answer without a body', answered(204), { kind: 'ok' }, 'ok'],
  ['201 of a write', answered(201, '{"id":1}'), { kind: 'ok' }, 'ok'],
  ['HTML with status 200', answered(200, html), { kind: 'retry' }, 'failed'],
  ['HTML that says it is JSON', answered(200, '\n  <html>', { 'content-type': 'application/json' }), { kind: 'retry' }, 'failed'],
  ['a redirect that was not followed', answered(302, '', { location: 'https://elsewhere.example/' }), { kind: 'permanent', cause: 'config' }, 'ok'],
  ['304, which nobody asked for', answered(304), { kind: 'retry' }, 'ok'],
  ['400', answered(400, '{"error":"bad_request"}'), { kind: 'permanent', cause: 'bug' }, 'ok'],
  ['401', answered(401, '{"error":"expired"}'), { kind: 'refresh-auth' }, 'ok'],
  ['402', answered(402), { kind: 'permanent', cause: 'auth' }, 'ok'],
  ['403', answered(403, html), { kind: 'permanent', cause: 'auth' }, 'ok'],
  ['403 with no calls left', answered(403, '', { 'x-ratelimit-remaining': '0' }), { kind: 'limited', afterMs: 60_000 }, 'refused'],
  ['403 with no calls left until a time', answered(403, '', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1700000000' }), { kind: 'limited' }, 'refused'],
  ['403 that says when to come back', answered(403, '', { 'retry-after': '30' }), { kind: 'limited' }, 'refused'],
  ['403 with the usual words of a limit', answered(403, '{"message":"You have exceeded a secondary rate limit."}'), { kind: 'limited', afterMs: 60_000 }, 'refused'],
  ['403 with some calls left', answered(403, '{"message":"Not accessible"}', { 'x-ratelimit-remaining': '41' }), { kind: 'permanent', cause: 'auth' }, 'ok'],
  ['404', answered(404), { kind: 'permanent', cause: 'gone' }, 'ok'],
  ['405', answered(405), { kind: 'permanent', cause: 'bug' }, 'ok'],
  ['408', answered(408), { kind: 'retry' }, 'ok'],
  ['409', answered(409), { kind: 'permanent', cause: 'bug' }, 'ok'],
  ['410', answered(410), { kind: 'permanent', cause: 'gone' }, 'ok'],
  ['413', answered(413), { kind: 'shrink-page' }, 'ok'],
  ['422', answered(422, '{"error":"limit must be <= 50"}'), { kind: 'permanent', cause: 'bug' }, 'ok'],
  ['425', answered(425), { kind: 'retry' }, 'ok'],
  ['429', answered(429), { kind: 'limited' }, 'refused'],
  ['429 as HTML', answered(429, html), { kind: 'limited' }, 'refused'],
  ['429 whose body broke off', broken('truncated-body', 429, '{"err'), { kind: 'limited' }, 'refused'],
  ['451', answered(451), { kind: 'permanent', cause: 'bug' }, 'ok'],
  ['500', answered(500), { kind: 'retry' }, 'failed'],
  ['502 as HTML', answered(502, html), { kind: 'retry' }, 'failed'],
  ['503', answered(503), { kind: 'retry' }, 'failed'],
  ['503 with Retry-After', answered(503, '', { 'retry-after': '30' }), { kind: 'limited' }, 'refused'],
  ['504', answered(504), { kind: 'retry' }, 'failed'],
  ['529, which no standard has', answered(529), { kind: 'retry' }, 'failed'],
  ['799, which can’t be', answered(799), { kind: 'retry' }, 'failed'],
  ['no connection in time', broken('connect-timeout'), { kind: 'retry' }, 'failed'],
  ['no headers in time', broken('headers-timeout'), { kind: 'retry' }, 'failed'],
  ['a body that stalls', broken('body-timeout', 200, '{"it'), { kind: 'retry' }, 'failed'],
  ['a body that drips beyond the ceiling', broken('total-timeout', 200, '{'), { kind: 'retry' }, 'failed'],
  ['a refused connection', broken('connection-refused'), { kind: 'retry' }, 'failed'],
  ['a reset', broken('connection-reset'), { kind: 'retry' }, 'failed'],
  ['a name that is not found', broken('dns'), { kind: 'retry' }, 'failed'],
  ['a certificate that is not valid', broken('tls'), { kind: 'permanent', cause: 'config' }, 'ok'],
  ['a body that is too large', broken('body-too-large', 200, '{"items":['), { kind: 'shrink-page' }, 'ok'],
  ['half a body', broken('truncated-body', 200, '{"items":['), { kind: 'retry' }, 'failed'],
  ['a call that its caller ended', broken('cancelled'), { kind: 'retry' }, 'ok'],
  ['anything else that breaks', broken('other'), { kind: 'retry' }, 'failed'],
]; // prettier-ignore

describe('what HTTP says by itself', () => {
  it.each(recorded)('%s', (_, answer, expected, limiter) => {
    const outcome = defaultOutcome(answer);
    expect(outcome).toMatchObject(expected);
    if (outcome.kind !== 'ok') expect(outcome.reason.length).toBeGreaterThan(3);
    expect(toObservation(outcome, answer).result).toBe(limiter);
  });

  it.each([
    { items: [], status: 500 },
    { data: [], code: 503, msg: '' },
    { status: false, data: [] },
    { Message: 'An error has occurred.', items: [] },
  ])('an empty list beside words of trouble is none: %j', (body) => {
    expect(defaultOutcome(answered(200, JSON.stringify(body)), { isList: true }).kind).toBe('retry');
  });

  it.each([
    { items: [], status: 200, message: 'No items found' },
    { items: [], code: 0, message: 'ok' },
    { items: [], message: 'There are no failing checks.' },
    { items: [{ id: 1 }], message: 'Too many requests' },
    { items: [{ id: 1 }], status: false },
  ])('an empty list beside other words, or one with rows, is a list: %j', (body) => {
    expect(defaultOutcome(answered(200, JSON.stringify(body)), { isList: true }).kind).toBe('ok');
  });

  const retryInfo = '@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay';
  it.each([
    [429, `{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"reason":"X"},{"${retryInfo}":"12s"}]}}`, {}, 12_000],
    [403, `{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"${retryInfo}":"1.5s"}]}}`, {}, 1_500],
    [429, '{"ok":false,"error_code":429,"parameters":{"retry_after":14}}', {}, 14_000],
    [429, '{"message":"You are being rate limited.","retry_after":0.57,"global":false}', {}, 570],
    [429, '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}', {}, 2_000],
    [200, '{"errors":[{"extensions":{"code":"RATE_LIMITED","retryInSeconds":16}}],"data":null}', {}, 16_000],
    [429, '{"retryAfter":"7"}', { 'retry-after': '9' }, 9_000],
    [429, '{"retryAfter":9}', { 'retry-after': '7' }, 9_000],
    [429, '{"retry_in":500,"retryDelay":500,"retry_after":null}', {}, undefined],
    [429, '{"retry_after":"soon"}', {}, undefined],
    [429, 'retry_after 5', {}, undefined],
  ] as const)('a refusal by a limit is waited for as its body tells: %i %s %j', (status, text, headers, ms) => {
    const answer = answered(status, text, headers);
    expect(toObservation(defaultOutcome(answer), answer)).toMatchObject({ result: 'refused' });
    expect(toObservation(defaultOutcome(answer), answer).blockForMs).toBe(ms);
    const byRule = { kind: 'limited', reason: 'x', afterMs: 100 } as const;
    expect(toObservation(byRule, answered(status, text)).blockForMs).toBe(100);
  });

  it('every status there can be has an outcome, and none of an error is ok', () => {
    for (let status = 100; status < 1_000; status++) {
      const { kind } = defaultOutcome(answered(status, '{}'));
      expect(kind === 'ok').toBe(status >= 200 && status < 300);
    }
  });

  it('a limit that is told by 403 is one: by the headers of its quota, or in well-known words', () => {
    const about = (text: string, headers = {}) => {
      const answer = answered(403, text, headers);
      const outcome = defaultOutcome(answer);
      const { result, blockForMs } = toObservation(outcome, answer) as { result: string; blockForMs?: number };
      return [outcome.kind, result, blockForMs];
    };
    const github =
      '{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}';
    const limited = (ms?: number) => ['limited', 'refused', ms];
    const spent = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0' };
    // At least a minute, where no time is told.
    expect(about(github)).toEqual(limited(60_000));
    expect(about(github, { 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': '9999999999' })).toEqual(
      limited(60_000),
    );
    expect(about(github, { 'retry-after': '7' })).toEqual(limited(7_000));
    expect(about('{}', spent)).toEqual(limited(60_000));
    expect(about('{}', { ...spent, 'x-ratelimit-reset': '30' })).toEqual(limited());
    expect(about('{}', { ratelimit: 'limit=100, remaining=0, reset=5' })).toEqual(limited());
    expect(about('{"error":{"errors":[{"reason":"userRateLimitExceeded"}]}}')).toEqual(limited(60_000));
    expect(about('{"message":"Daily Limit Exceeded"}')).toEqual(limited(60_000));
    expect(about('{"message":"Request was throttled."}')).toEqual(limited(60_000));
    const refused = ['permanent', 'ok', undefined];
    expect(about('{"message":"Must have admin rights to this repository."}')).toEqual(refused);
    expect(about('{"message":"Not yours"}', { ...spent, 'x-ratelimit-remaining': '10' })).toEqual(refused);
    expect(about('{"message":"No plan"}', { ...spent, 'x-ratelimit-limit': '0' })).toEqual(refused);
  });

  it.each([
    [400, '{"error":{"code":17,"message":"User request limit reached"}}'],
    [400, '{"__type":"ThrottlingException","message":"Rate exceeded"}'],
    [401, '{"error":"Too many requests, slow down"}'],
    [420, '{"error":"Enhance your calm"}'],
    [422, '{"code":"rate_limit_exceeded"}'],
    [503, '{"error":"Rate limit exceeded"}'],
    [200, '{"ok":false,"error":"rate_limited"}'],
    [200, '{"message":"Too many requests","items":[]}'],
    [503, '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'],
    [503, '<m:error><m:code>ServerBusy</m:code><m:message>Ingress is over the account limit.</m:message></m:error>'],
    [
      400,
      '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"It was exceeded"}',
    ],
    [400, '{"__type":"com.amazonaws.dynamodb.v20120810#RequestLimitExceeded","message":"Your account exceeds it."}'],
    [400, '<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>'],
  ])('a limit that is told by %i in words that mean nothing else is one: %s', (status, text) => {
    const answer = answered(status, text);
    const outcome = defaultOutcome(answer, { isList: true });
    expect(outcome.kind).toBe('limited');
    expect(toObservation(outcome, answer).result).toBe('refused');
  });

  it.each([
    [400, '{"message":"You exceeded the limit of 50 rows for each page"}', 'permanent'],
    [400, '{"message":"limit must be at most 100"}', 'permanent'],
    [422, '{"errors":{"rate_limit":"must be a number"}}', 'permanent'],
    [
      400,
      '{"__type":"com.amazonaws.dynamodb.v20120810#LimitExceededException","message":"Too many tables"}',
      'permanent',
    ],
    [401, '{"error":"expired"}', 'refresh-auth'],
    [503, '<Error><Code>ServiceUnavailable</Code></Error>', 'retry'],
    [503, '{"error":"down for maintenance"}', 'retry'],
  ])('words about what was asked for are no limit: %i %s', (status, text, kind) => {
    expect(defaultOutcome(answered(status, text), { isList: true }).kind).toBe(kind);
  });

  it.each([
    [498, ''],
    [400, '{"error":"invalid_token"}'],
    [400, '{"error":{"code":190,"message":"Error validating access token: Session has expired"}}'],
    [400, '{"error":"ExpiredToken","message":"Token has expired"}'],
    [403, '{"message":"The access token is invalid or has expired"}'],
    [403, '{"error":{"code":"InvalidAuthenticationToken"}}'],
    [419, '{"message":"Your session has expired"}'],
    [200, '{"ok":false,"error":"token_expired"}'],
    [200, '{"errors":[{"message":"no","extensions":{"code":"TOKEN_REVOKED"}}]}'],
    [400, '<Error><Code>ExpiredToken</Code><Message>It was good until noon.</Message></Error>'],
    [400, '{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"It is over"}'],
    [400, '{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"It is unknown"}'],
    [403, '<Error><Code>InvalidAccessKeyId</Code><Message>It does not exist in our records.</Message></Error>'],
    [403, '<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate it.</Message></Error>'],
  ])('a dead token that is told by %i is one, and no failure of the third party: %s', (status, text) => {
    const answer = answered(status, text);
    const outcome = defaultOutcome(answer, { isList: true });
    expect(outcome.kind).toBe('refresh-auth');
    expect(toObservation(outcome, answer).result).toBe('ok');
  });

  it('a limit and a dead token are told by headers, too', () => {
    const kindOf = (status: number, headers: Record<string, string>) =>
      defaultOutcome(answered(status, '{}', headers)).kind;
    expect(kindOf(400, { 'x-amzn-errortype': 'TooManyRequestsException:http://internal.example/coral/' })).toBe(
      'limited',
    );
    expect(kindOf(503, { 'x-ms-error-code': 'ServerBusy' })).toBe('limited');
    expect(kindOf(403, { 'x-amzn-errortype': 'ExpiredTokenException' })).toBe('refresh-auth');
    expect(kindOf(403, { 'x-amzn-errortype': 'AccessDeniedException' })).toBe('permanent');
  });

  it('a dead token is told by the challenge of another status than 401, too', () => {
    const challenge = { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' };
    expect(defaultOutcome(answered(400, '{}', challenge)).kind).toBe('refresh-auth');
    const scope = { 'www-authenticate': 'Bearer error="insufficient_scope"' };
    expect(defaultOutcome(answered(403, '{}', scope))).toMatchObject({ kind: 'permanent', cause: 'auth' });
  });

  it.each([
    [400, '{"error":"invalid page token"}', 'permanent'],
    [400, '{"error":"The sync token has expired"}', 'permanent'],
    [400, '{"message":"Unexpected token < in JSON"}', 'permanent'],
    [403, '{"message":"Your CSRF token has expired"}', 'permanent'],
    [403, '{"message":"This app may not see private tokens"}', 'permanent'],
    [404, '{"message":"access token not valid"}', 'permanent'],
    [200, '{"ok":false,"error":"channel_not_found"}', 'retry'],
  ])('words about other tokens are no dead token: %i %s', (status, text, kind) => {
    expect(defaultOutcome(answered(status, text), { isList: true }).kind).toBe(kind);
  });

  it('how long a third party asked to wait blocks the key, refused or failing', () => {
    for (const status of [429, 503]) {
      const answer = answered(status, '', { 'retry-after': '30' });
      expect(toObservation(defaultOutcome(answer), answer)).toMatchObject({ blockForMs: 30_000 });
    }
  });

  it.each([
    [30, '60', 60_000], // seconds, taken for milliseconds
    [90_000, '60', 90_000],
    [Number.NaN, '60', 60_000],
    [700, '', 700],
  ])('of a rule’s wait and a told one the longer holds: %s ms and "%s" s', (afterMs, retryAfter, blockForMs) => {
    const answer = answered(429, '', { 'retry-after': retryAfter });
    expect(toObservation({ kind: 'limited', reason: '', afterMs }, answer)).toMatchObject({ blockForMs });
  });

  it('a redirect says to which host it leads, and nothing that may be secret', () => {
    const answer = answered(302, '', { location: 'https://status.example/down?token=abc#x' });
    expect(defaultOutcome(answer)).toMatchObject({
      reason: 'unexpected redirect to status.example, HTTP 302',
    });
  });

  it('a call that its caller ended says nothing about the third party', () => {
    const answer = broken('cancelled');
    expect(toObservation(defaultOutcome(answer), answer)).toMatchObject({ result: 'ok', isEndedByUs: true });
  });

  it('a reason holds no headers and not much of a body', () => {
    const answer = answered(500, `secret page ${'x'.repeat(10_000)}`, { authorization: 'Bearer abc' });
    const outcome = defaultOutcome(answer);
    expect(outcome).toMatchObject({ kind: 'retry' });
    expect(JSON.stringify(outcome).length).toBeLessThan(300);
    expect(JSON.stringify(outcome)).not.toContain('Bearer');
  });
});

describe('the union of outcomes', () => {
  it('is closed: this table does not compile when one is missing or unknown', () => {
    const actsOn: Record<OutcomeKind, 'unit' | 'limiter' | 'account' | 'retry'> = {
      ok: 'unit',
      flawed: 'unit',
      retry: 'retry',
      limited: 'limiter',
      'refresh-auth': 'account',
      skip: 'unit',
      'checkpoint-expired': 'unit',
      'end-of-data': 'unit',
      'dead-cursor': 'unit',
      capped: 'unit',
      'shrink-page': 'retry',
      permanent: 'unit',
      'unknown-write': 'retry',
    };
    expect(Object.keys(actsOn)).toHaveLength(13);
  });
});

describe('the wait after a failure', () => {
  it('doubles with every real attempt to five minutes, and no two callers wait equally long', () => {
    const middle = () => 0.5;
    expect([1, 2, 3, 4].map((attempt) => backoffMs(attempt, middle))).toEqual([500, 1_000, 2_000, 4_000]);
    expect(backoffMs(20, middle)).toBe(300_000);
    expect(backoffMs(1, () => 0)).toBe(400);
    expect(backoffMs(1, () => 0.999)).toBeCloseTo(600, -1);
  });
});
