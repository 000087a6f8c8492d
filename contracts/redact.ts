/**
 * Takes secrets out of text for people: errors, reports, logs. Known secrets wherever they stand, and whatever has the
 * shape of one. Next stop: `activities/call/make-call.ts` uses it on outcomes, `db/stores/report/report-store.ts` on everything it writes.
 */
import type { Credentials } from './credentials.ts';

/** Shorter values would hit innocent text. */
const SHORTEST_SECRET = 6;
const REMOVED = '[removed]';

const shapes: readonly (readonly [RegExp, string])[] = [
  // JSON web tokens.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, REMOVED],
  // Authorization headers (RFC 9110 §11.4).
  [/\b(Bearer|DPoP|Basic|Token) +[\w.~+/=-]{8,}/gi, `$1 ${REMOVED}`],
  // User information of a URL (RFC 3986 §3.2.1).
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]+:[^\s/@]+@/gi, `$1${REMOVED}@`],
  // Named values in queries, forms and JSON.
  [
    /((?:access|refresh|id|auth|session|api)[-_]?(?:token|key)|client[-_]?secret|secret|password|passwd|authorization|token)(["']?\s*[=:]\s*["']?)(?!\[removed\])[^\s"'&,;}]{6,}/gi,
    `$1$2${REMOVED}`,
  ],
];

/**
 * @param secrets values that must not stay, e.g. from `secretsOf(credentials)`.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue;
    clean = clean.replaceAll(secret, REMOVED);
    const encoded = encodeURIComponent(secret);
    if (encoded !== secret) clean = clean.replaceAll(encoded, REMOVED);
  }
  for (const [shape, instead] of shapes) clean = clean.replaceAll(shape, instead);
  return clean;
}

/** Every secret value of an account's credentials. */
export function secretsOf(credentials: Credentials | undefined): string[] {
  if (!credentials) return [];
  const { accessToken, refreshToken, username, password, extra } = credentials;
  const basic = password === undefined ? [] : [Buffer.from(`${username ?? ''}:${password}`, 'utf8').toString('base64')];
  return [accessToken, refreshToken, password, ...Object.values(extra ?? {}), ...basic].filter(
    (value): value is string => typeof value === 'string' && value !== '',
  );
}
