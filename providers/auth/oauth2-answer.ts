/**
 * What the answer of a token endpoint means. Pure. Next: `activities/credentials/make-refresh-call.ts`.
 * @see RFC 6749 §5.1 (answer), §5.2 (errors)
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { boundedLifeMs } from '../../contracts/secrets/token-life.ts';
import { defaultOutcome } from '../rules/default-rules.ts';
import { defaultRefreshAnswer, type RefreshAnswer } from './refresh.ts';

/** Errors that concern the app and all of its accounts, not one of them. */
const CONFIG_ERRORS = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_request',
  'invalid_scope',
]);
const RETRY_ERRORS = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);

/**
 * @param refusedErrors codes of this third party that mean what `invalid_grant` means.
 * @param what was asked, for reasons.
 */
export function parseTokenAnswer(
  answer: Answer,
  refusedErrors: readonly string[] = [],
  what = 'refresh',
): RefreshAnswer {
  const body = jsonObject(answer.text);
  // Some services answer errors with status 200, so the field is looked at first.
  const error = errorCode(body?.['error']);
  if (error !== undefined && !answer.error) {
    const reason = `the ${what} was answered with HTTP ${answer.status} ${error}`;
    if (error === 'invalid_grant' || refusedErrors.includes(error)) return { kind: 'refused', reason };
    if (CONFIG_ERRORS.has(error)) return { kind: 'config', reason };
    if (RETRY_ERRORS.has(error)) return { kind: 'retry', reason };
    if (answer.status < 500 && defaultOutcome(answer).kind !== 'limited') return { kind: 'refused', reason };
  }
  if (answer.error || answer.status < 200 || answer.status > 299) return defaultRefreshAnswer(answer, what);
  const accessToken = body?.['access_token'];
  const refreshToken = body?.['refresh_token'];
  if (typeof accessToken !== 'string' || accessToken === '')
    return { kind: 'retry', reason: `the ${what} was answered with HTTP ${answer.status} and no access_token` };
  const hasNewPair = typeof refreshToken === 'string' && refreshToken !== '';
  const lifeMs = boundedLifeMs(Number(body?.['expires_in'] ?? Number.NaN) * 1_000);
  return {
    kind: 'refreshed',
    credentials: { accessToken, ...(hasNewPair ? { refreshToken } : {}) },
    ...(lifeMs === undefined ? {} : { lifeMs }),
  };
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not JSON, so not an answer of a token endpoint
  }
}

/** Codes are words; anything else is not repeated, it could hold a token. */
function errorCode(error: unknown): string | undefined {
  return typeof error === 'string' && /^[A-Za-z][A-Za-z_.-]{0,59}$/.test(error) ? error : undefined;
}
