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
const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;
const DURATION =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;
const NUMBER = /^\d+(\.\d+)?$/;

/**
 * When a quota is whole again. Whole seconds are taken as rounded down, which some servers do: 8 of 12 waits that were
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
 * `Retry-After`: delta seconds or an HTTP date. Fractions are tolerated, epoch seconds too.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function retryAfterMs(text: string, serverNowMs: number): number | undefined {
  const value = text.trim();
  if (!NUMBER.test(value)) return dateAfterMs(value, serverNowMs);
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
  const at = httpDateMs(value) ?? (ISO_DATE.test(value) ? Date.parse(value) : Number.NaN);
  return Number.isNaN(at) ? undefined : Math.max(0, at - serverNowMs);
}

/** `6m0s`, `1.5s`, `20ms`. */
function durationMs(value: string): number | undefined {
  const match = value === '' ? null : DURATION.exec(value);
  if (match === null) return undefined;
  const [days, hours, minutes, seconds, millis] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1_000 + millis!;
}
