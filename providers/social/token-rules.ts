/**
 * The many ways in which one network says that a token is no good, all with one meaning. Its services were written by
 * different teams in different years, so status and wording differ from endpoint to endpoint. The statuses 400 and 403
 * also mean other things there, which stay what they are.
 * Next: `provider.ts`. `test/quick/providers/token-rules.test.ts` has a recorded answer for each line.
 */
import {
  anyOf,
  body,
  bodyField,
  emptyList,
  header,
  limited,
  permanent,
  refreshAuth,
  status,
  suspectAuth,
  when,
  type Rule,
} from '../rules/rules.ts';

const TOKEN_WORDS =
  /(access[_ ]?token|\btoken|\bsession)\b[^.<>]{0,60}\b(invalid|expired|revoked|not (valid|active|verified)|no longer)/i;

export const tokenRules: readonly Rule[] = [
  // RFC 6750 §3.1, with or without a body, and the number that some proxies use instead.
  when(status(401, 498), refreshAuth()),
  // Limits share the status and the envelope of token errors; only the number tells them apart.
  when(status(400, 403), bodyField('error.code', 4, 17, 32, 613), limited()),
  // 190 is the token, whatever the subcode (458 not authorized, 463 expired, 467 logged out) and the words say.
  when(status(400), bodyField('error.code', 190), refreshAuth()),
  when(status(400), bodyField('error', 'ExpiredToken', 'InvalidToken', 'invalid_token'), refreshAuth()),
  // Sessions that were ended from another device.
  when(status(403), bodyField('code', 'SESSION_INACTIVE', 'SESSION_ENDED'), refreshAuth()),
  when(status(400, 403), body(TOKEN_WORDS), refreshAuth()),
  // Refused for good: another token has no more rights than this one.
  when(status(403), permanent('auth')),
  // Success by its status, an error by its body.
  when(
    status(200),
    bodyField('ok', false),
    bodyField('error', 'token_expired', 'token_revoked', 'invalid_auth', 'not_authed'),
    refreshAuth(),
  ),
  when(status(200), bodyField('errors.0.extensions.code', 'UNAUTHENTICATED'), refreshAuth()),
  // The web front end answers instead of the API: its login page, or the way to it.
  when(status(200), header('content-type', /^text\/html/i), body(/<form[^<>]{1,500}\blog-?in\b/i), refreshAuth()),
  when(status(302, 303, 307), header('location', /\/log-?in\b/i), refreshAuth()),
  // The oldest service shows a stranger an empty list. So does a user who has nothing.
  when(status(200), anyOf(emptyList('items'), emptyList('data')), suspectAuth('an empty list, as without a token')),
];
