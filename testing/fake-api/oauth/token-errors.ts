/**
 * The many ways in which third parties say that a token is no good. They all mean one thing; the spread of statuses is
 * the point. They are 400, 401, 403, 200 around an error, and 200 around an empty list, which looks like success. Plain
 * data. Next: `oauth.ts` answers with them.
 */
import type { FakeAnswer } from '../answer.ts';

/** What is wrong with the token of a call. */
export type TokenProblem = 'missing' | 'unknown' | 'expired' | 'revoked';

const html =
  '<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form action="/login"></form></body></html>\n';

/** Named answers, all of them for a token that is missing, unknown, expired or revoked. */
export const tokenErrors = {
  /** RFC 6750, section 3.1. */
  'bearer-401': {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="api", error="invalid_token", error_description="token expired"' },
    body: { error: 'invalid_token', error_description: 'The access token expired' },
  },
  'bare-401': { status: 401, body: '' },
  'html-401': { status: 401, headers: { 'content-type': 'text/html' }, body: html },
  'status-field-401': {
    status: 401,
    body: { error: { code: 401, status: 'UNAUTHENTICATED', message: 'Invalid credentials' } },
  },
  'numbered-401': { status: 401, body: { errors: [{ code: 89, message: 'Invalid or expired token' }] } },
  /** Graph style: the number 190 tells it, the subcode says why. */
  'graph-400-expired': {
    status: 400,
    body: { error: { message: 'Session has expired', type: 'OAuthException', code: 190, error_subcode: 463 } },
  },
  'graph-400-logged-out': {
    status: 400,
    body: { error: { message: 'The session was invalidated', type: 'OAuthException', code: 190, error_subcode: 467 } },
  },
  'graph-400-not-authorized': {
    status: 400,
    body: {
      error: {
        message: 'The user has not authorized the application',
        type: 'OAuthException',
        code: 190,
        error_subcode: 458,
      },
    },
  },
  /** XRPC: the name in `error` tells it. */
  'xrpc-400-expired': { status: 400, body: { error: 'ExpiredToken', message: 'Token has expired' } },
  'xrpc-400-invalid': { status: 400, body: { error: 'InvalidToken', message: 'Token could not be verified' } },
  'text-400': { status: 400, headers: { 'content-type': 'text/plain' }, body: 'Bad request: access_token is invalid' },
  'code-403': { status: 403, body: { code: 'SESSION_INACTIVE', message: 'Your session is no longer active' } },
  'text-403': { status: 403, headers: { 'content-type': 'text/plain' }, body: 'Forbidden: token revoked by user' },
  'status-498': { status: 498, body: { error: { code: 498, message: 'Invalid token', details: [] } } },
  'ok-false-200': { status: 200, body: { ok: false, error: 'token_expired' } },
  'graphql-200': {
    status: 200,
    body: { data: null, errors: [{ message: 'Not authenticated', extensions: { code: 'UNAUTHENTICATED' } }] },
  },
  'login-page-200': { status: 200, headers: { 'content-type': 'text/html' }, body: html },
  /** Nothing in the answer says so: only a rule for this provider, or a probe, can know. */
  'empty-list-200': { status: 200, body: { items: [], next: null } },
  'login-redirect-302': { status: 302, headers: { location: '/login' }, body: '' },
} as const satisfies Readonly<Record<string, FakeAnswer>>;

export type TokenErrorName = keyof typeof tokenErrors;

/** Which answers a server gives: one, several in turn, or by problem. */
export type TokenErrorChoice =
  | TokenErrorName
  | readonly TokenErrorName[]
  | Partial<Readonly<Record<TokenProblem, TokenErrorName | readonly TokenErrorName[]>>>;

/** Draws the answers of a choice in turn. Default `bearer-401`. */
export function tokenErrorTurns(choice: TokenErrorChoice = 'bearer-401'): (problem: TokenProblem) => FakeAnswer {
  const turns = new Map<string, number>();
  return (problem) => {
    const forProblem = isByProblem(choice) ? (choice[problem] ?? 'bearer-401') : choice;
    const names = [forProblem].flat();
    const turn = turns.get(problem) ?? 0;
    turns.set(problem, turn + 1);
    return tokenErrors[names[turn % names.length] ?? 'bearer-401'];
  };
}

function isByProblem(
  choice: TokenErrorChoice,
): choice is Partial<Readonly<Record<TokenProblem, TokenErrorName | readonly TokenErrorName[]>>> {
  return typeof choice === 'object' && !Array.isArray(choice);
}
