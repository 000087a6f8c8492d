/** What answers say of limits, tokens and scopes by codes and words of no standard, whatever their status. */
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../contracts/answers/answer.ts';
import { saysCursorIsDead } from '../../../providers/pagination/dead-cursor.ts';
import { defaultOutcome } from '../../../providers/rules/default-rules.ts';
import { defaultWriteOutcome } from '../../../providers/rules/write-rules.ts';

const answered = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  text: typeof body === 'string' ? body : JSON.stringify(body),
  elapsedMs: 1,
});
const read = (status: number, body: unknown, headers?: Record<string, string>) =>
  defaultOutcome(answered(status, body, headers), { isList: true });

describe('the token is dead', () => {
  it.each([
    { error: 'jwt expired' },
    { message: 'JWT expired at 2026-11-29T10:00:00Z' },
    { message: 'Signature has expired' },
    { errors: [{ code: 89, message: 'Invalid or expired token.' }] },
    [{ errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' }],
    { message: 'Session expired' },
    { message: 'Your credentials have expired' },
    { message: 'Your authorization has been revoked. Please connect again.' },
    { error: { code: 16, status: 'UNAUTHENTICATED', message: 'Request had invalid authentication credentials.' } },
    { message: 'The provided token is invalid' },
    { error: 'Invalid token' },
    { code: 'token_not_valid', detail: 'Given token not valid for any token type' },
    { error: 'login_required' },
    { message: 'API key expired' },
    {
      errors: [{ message: 'Authentication required, not authenticated', extensions: { code: 'AUTHENTICATION_ERROR' } }],
    },
    'Token expired',
  ])('under 400 and 403: %j', (body) => {
    expect([read(400, body).kind, read(403, body).kind]).toEqual(['refresh-auth', 'refresh-auth']);
  });

  it.each([
    { ok: false, error: 'invalid_auth' },
    { ok: false, error: 'token_expired', needed: 'a new one' },
    { data: null, errors: [{ message: 'Not authenticated', extensions: { code: 'UNAUTHENTICATED' } }] },
    { data: { posts: null }, errors: [{ message: 'Unauthenticated.' }] },
    { success: false, message: 'jwt expired' },
    { code: 99_991_663, msg: 'token invalid' },
    { code: 401, message: 'Please log in' },
    { error: { code: 401, message: 'No.' } },
    { status: 'SESSION_EXPIRED', items: [] },
  ])('under 200: %j', (body) => {
    expect(read(200, body).kind).toBe('refresh-auth');
  });

  it.each([
    { error: 'Invalid token at position 7' },
    { message: 'Invalid key' },
    { message: 'The page token is invalid' },
    { code: 'ExpiredNextToken', message: 'nextToken expired' },
    { errors: [{ message: 'offset: Your pagination token has expired.' }] },
    { message: 'The resumption token has expired' },
    { message: 'Your history token was revoked' },
    { message: 'Your subscription has expired' },
  ])('which other words do not say: %j', (body) => {
    expect([read(400, body).kind, read(403, body).kind]).toEqual(['permanent', 'permanent']);
  });
});

describe('a cursor is dead', () => {
  it.each([
    'offset: Your pagination token has expired.',
    'The value for the nextPageToken is invalid or expired.',
    'LIST_RECORDS_ITERATOR_NOT_AVAILABLE',
    'The continuation token provided is incorrect',
    '<error code="badResumptionToken">The value of the resumptionToken argument is invalid or expired.</error>',
    'INVALID_QUERY_LOCATOR: invalid query locator',
    '{"code":"not_found","message":"scroll parameter not found"}',
    'CursorException: The cursor provided for pagination has expired.',
    'No search context found for id [17], search_context_missing_exception',
  ])('%s', (text) => {
    expect(saysCursorIsDead(text)).toBe(true);
  });

  it.each(['Invalid access token', 'The page size must be at most 100', 'Your token has expired'])(
    'which %s does not say',
    (text) => {
      expect(saysCursorIsDead(text)).toBe(false);
    },
  );
});

describe('a scope is missing', () => {
  const scope = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="read"' };
  it.each([
    [401, { error: 'no' }, scope],
    [401, { error: { code: 'insufficient_scope' } }, {}],
    [401, { message: 'Missing scope: read:users' }, {}],
    [403, { message: 'Access token does not have the required scopes, or is not valid for this' }, {}],
    [403, { error: { status: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT' } }, {}],
    [401, { error_summary: 'missing_scope/..', error: { '.tag': 'missing_scope', required_scope: 'files.read' } }, {}],
    [200, { ok: false, error: 'missing_scope', needed: 'users:read' }, {}],
  ])('which no new token mends: %i %j', (status, body, headers) => {
    expect(read(status, body, headers)).toMatchObject({ kind: 'permanent', cause: 'auth' });
  });

  it('and a 401 that says nothing of it is of the token', () => {
    expect(read(401, { message: 'Scope of work: none' }).kind).toBe('refresh-auth');
  });
});

describe('a limit was hit', () => {
  it.each([
    [403, { error: { code: 403, status: 'RESOURCE_EXHAUSTED', message: 'No more.' } }],
    [403, [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }]],
    [400, [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }]],
    [403, { message: 'Account Over Queries Per Second Limit' }],
    [403, { message: 'Concurrent requests limit reached' }],
    [403, { message: 'Please slow down' }],
    [403, { message: 'User Rate Limit Exceeded' }],
    [403, { error: { errors: [{ reason: 'userRateLimitExceeded' }] } }],
    [403, { message: 'User limit exceeded: 10 requests per minute' }],
    [403, { message: "You have exceeded your plan's API request limit" }],
    [403, { message: 'You have exceeded your daily account limit' }],
    [400, { message: 'You have exceeded the number of concurrent requests' }],
    [400, { message: 'API calls quota exceeded! maximum admitted 10 per Minute.' }],
    [500, { message: 'Rate limit exceeded' }],
    [509, { message: 'Bandwidth Limit Exceeded' }],
    [403, { Fault: { Error: [{ Message: 'message=ThrottleExceeded; errorCode=003001; statusCode=403' }] } }],
    [200, { success: false, errors: [{ code: '606', message: "Max rate limit '100' exceeded with in '20' secs" }] }],
    [200, { success: false, errors: [{ code: '607', message: 'Daily quota reached' }] }],
    [200, { success: false, errors: [{ code: '615', message: 'Concurrent access limit reached' }] }],
    [200, { success: false, reasons: [{ code: 5, message: 'You have reached the limit of concurrent requests' }] }],
    [200, { errors: [{ message: 'Complexity budget exhausted, query cost 30001', extensions: { status_code: 429 } }] }],
    [200, { code: 429, message: 'wait' }],
    [200, { ok: false, error: 'ratelimited', retry_in: 3 }],
    [200, { status: 'OVER_QUERY_LIMIT', results: [] }],
    [200, { status: 'error', reason: 'rate_exceeded' }],
  ])('%i %j', (status, body) => {
    expect(read(status, body).kind).toBe('limited');
  });

  it.each([
    [403, { message: "The user's storage quota has been exceeded." }, 'permanent'],
    [403, { message: 'User limit reached' }, 'permanent'],
    [403, { error: 'user_limit_exceeded', 'request-id': '8f0a' }, 'permanent'],
    [403, { message: "You have exceeded your plan's limit of 5 seats. Upgrade to add more." }, 'permanent'],
    [403, { message: 'Your team has exceeded its member limit' }, 'permanent'],
    [403, { message: 'Project quota exceeded' }, 'permanent'],
    [403, { message: 'Quota exceeded: your plan has 10 projects' }, 'permanent'],
    [403, { message: 'You have exceeded the limit of 50 rows' }, 'permanent'],
    [500, { message: 'The rate limiter crashed' }, 'retry'],
    [200, { items: [{ id: 1 }], errors: [{ extensions: { code: 'THROTTLED' } }] }, 'flawed'],
    [200, { data: { posts: { nodes: [{ id: 1 }] } }, errors: [{ extensions: { code: 'THROTTLED' } }] }, 'flawed'],
    [200, { items: [], message: 'Rate limit exceeded is the title of nothing here' }, 'limited'],
  ])('or not: %i %j', (status, body, kind) => {
    expect(read(status, body).kind).toBe(kind);
  });
});

it('a refusal by a plan keeps its sentence, and says that the user of the account must act', () => {
  const reason = 'HTTP 403: {"message":"User limit reached"}';
  expect(read(403, { message: 'User limit reached' })).toEqual({ kind: 'permanent', cause: 'auth', reason });
});

it('a write that is told so under a status of success may have been done all the same', () => {
  for (const error of ['missing_scope', 'invalid_auth', 'rate_limited'])
    expect(defaultWriteOutcome(answered(200, { ok: false, error }), { idempotent: false }).kind).toBe('unknown-write');
});
