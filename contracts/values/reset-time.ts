/**
 * The many ways in which third parties say "then": delta seconds, epoch seconds, milliseconds or microseconds, dates and
 * durations. Pure. All results are milliseconds from the moment of the answer, ≥ 0.
 */

// A month is 2.6 million seconds, and the year 2001 began at 978 million.
const LARGEST_DELTA_S = 1e8;
const SMALLEST_EPOCH_S = 9e8;
const SMALLEST_EPOCH_MS = 1e11;
const SMALLEST_EPOCH_US = 1e14;
const HTTP_DATE = /^[A-Z][a-z]{2,8}, \d{1,2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/;
const ISO_DATE = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/;
const DURATION =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;
const NUMBER = /^\d+(\.\d+)?$/;
const IN_SECONDS = /^(\d+(?:\.\d+)?) ?(?:s|secs?|seconds?)$/i;
/** `Retry-After` and what others call it: `X-Retry-After`, `X-RateLimit-Retry-After`, `X-Rate-Limit-Retry-After-Seconds`, `X-Ms-Retry-After-Ms`. */
const WAIT_NAME = /^(?:[a-z0-9]+-)*?retry-after(?:-(ms|millis|milliseconds|s|secs?|seconds))?$/;

/**
 * When a quota is whole again. Whole seconds are taken as rounded down, which some servers do. 8 of 12 waits that were
 * timed exactly to such a reset were too early.
 * @param serverNowMs the server's clock when it answered (its `Date` header), for epoch times
 */
export function resetAfterMs(text: string, serverNowMs: number): number | undefined {
  const value = text.trim();
  if (!NUMBER.test(value)) return dateAfterMs(value, serverNowMs) ?? durationMs(value);
  const number = Number(value);
  const roundedMs = value.includes('.') ? 0 : 1_000;
  if (number < LARGEST_DELTA_S) return number * 1_000 + roundedMs;
  if (number < SMALLEST_EPOCH_S) return undefined;
  if (number < SMALLEST_EPOCH_MS) return Math.max(0, number * 1_000 + roundedMs - serverNowMs);
  return Math.max(0, (number < SMALLEST_EPOCH_US ? number : number / 1_000) - serverNowMs);
}

/**
 * How long an answer says to wait, by headers whose names say so. Exact milliseconds are believed first, then the name of the standard.
 * @param headers names in lower case, with their values
 */
export function toldWaitMs(headers: Iterable<readonly [string, string]>, serverNowMs: number): number | undefined {
  let told: { readonly ms: number; readonly rank: number } | undefined;
  for (const [name, value] of headers) {
    const match = WAIT_NAME.exec(name);
    if (match === null) continue;
    const isMillis = match[1]?.startsWith('m') === true;
    const ms = isMillis ? numberOf(value) : retryAfterMs(value, serverNowMs);
    const rank = isMillis ? 0 : name === 'retry-after' ? 1 : 2;
    if (ms !== undefined && rank < (told?.rank ?? Infinity)) told = { ms, rank };
  }
  return told?.ms;
}

function numberOf(text: string): number | undefined {
  return NUMBER.test(text.trim()) ? Number(text) : undefined;
}

/**
 * `Retry-After`: delta seconds or an HTTP date. Fractions, a unit and a header that came twice are tolerated, epoch seconds too.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function retryAfterMs(text: string, serverNowMs: number): number | undefined {
  const [value = '', ...others] = text.split(',').map((part) => part.trim());
  if (others.length > 0 && [value, ...others].every((part) => NUMBER.test(part)))
    return Math.max(...[value, ...others].map((part) => retryAfterMs(part, serverNowMs) ?? 0));
  const inSeconds = IN_SECONDS.exec(text.trim())?.[1];
  if (inSeconds !== undefined) return retryAfterMs(inSeconds, serverNowMs);
  if (!NUMBER.test(value)) return dateAfterMs(text.trim(), serverNowMs);
  const number = Number(value);
  if (number < LARGEST_DELTA_S) return number * 1_000;
  return number < SMALLEST_EPOCH_S ? undefined : resetAfterMs(value, serverNowMs);
}

/** An HTTP date as epoch milliseconds. Its seconds are rounded down. */
export function httpDateMs(text: string | undefined): number | undefined {
  if (text === undefined || !HTTP_DATE.test(text.trim())) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

function dateAfterMs(value: string, serverNowMs: number): number | undefined {
  const at = httpDateMs(value) ?? isoDateMs(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - serverNowMs);
}

/** Without a zone it is UTC. NaN when it is none. */
function isoDateMs(value: string): number {
  const [, day, time, zone = 'Z'] = ISO_DATE.exec(value) ?? [];
  return Date.parse(`${day}T${time}${/^[A-Z]/.test(zone) ? 'Z' : zone}`);
}

/** `6m0s`, `1.5s`, `20ms`. */
function durationMs(value: string): number | undefined {
  const match = value === '' ? null : DURATION.exec(value);
  if (match === null) return undefined;
  const [days, hours, minutes, seconds, millis] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1_000 + millis!;
}
