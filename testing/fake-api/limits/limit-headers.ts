/**
 * What third parties say about their limits in headers, in the dialects seen in the wild.
 * Next: `limits.ts` adds them to every answer, or only to refusals.
 */

/** How a limit speaks of itself. The `retry-after` ones speak only when they refuse. */
export type LimitHeaders =
  /** Says nothing. */
  | 'none'
  /** `RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers, version 8 on). */
  | 'ietf'
  /** `RateLimit-Limit`, `-Remaining`, `-Reset` with seconds left (versions before 8). */
  | 'ietf-old'
  /** `X-RateLimit-*`, reset as epoch seconds. */
  | 'x-ratelimit'
  /** `X-RateLimit-*`, reset as epoch milliseconds. */
  | 'x-ratelimit-ms'
  /** `X-RateLimit-*`, reset as seconds left. */
  | 'x-ratelimit-delta'
  | 'retry-after-seconds'
  | 'retry-after-date'
  /** `Retry-After-Ms`. */
  | 'retry-after-ms';

export interface LimitState {
  readonly name: string;
  readonly max: number;
  readonly perMs: number;
  readonly remaining: number;
  readonly wholeInMs: number;
  /** Only when the call was refused. */
  readonly freeInMs: number | undefined;
}

/** Adds the headers of one dialect to `headers`. `wallClockMs` is the third party's own idea of the time of day. */
export function addLimitHeaders(
  headers: Record<string, string>,
  dialect: LimitHeaders,
  state: LimitState,
  wallClockMs: number,
): void {
  const remaining = String(Math.max(0, Math.floor(state.remaining)));
  const resetSeconds = Math.ceil(state.wholeInMs / 1_000);
  switch (dialect) {
    case 'none':
      return;
    case 'ietf':
      headers['ratelimit-policy'] = `"${state.name}";q=${state.max};w=${Math.ceil(state.perMs / 1_000)}`;
      headers['ratelimit'] = `"${state.name}";r=${remaining};t=${resetSeconds}`;
      return;
    case 'ietf-old':
      headers['ratelimit-limit'] = String(state.max);
      headers['ratelimit-remaining'] = remaining;
      headers['ratelimit-reset'] = String(resetSeconds);
      return;
    case 'x-ratelimit':
    case 'x-ratelimit-ms':
    case 'x-ratelimit-delta':
      headers['x-ratelimit-limit'] = String(state.max);
      headers['x-ratelimit-remaining'] = remaining;
      headers['x-ratelimit-reset'] = xReset(dialect, wallClockMs + state.wholeInMs, resetSeconds);
      return;
    case 'retry-after-seconds':
    case 'retry-after-date':
    case 'retry-after-ms':
      if (state.freeInMs !== undefined) addRetryAfter(headers, dialect, state.freeInMs, wallClockMs);
  }
}

function xReset(dialect: LimitHeaders, resetAtMs: number, resetSeconds: number): string {
  if (dialect === 'x-ratelimit-delta') return String(resetSeconds);
  return String(dialect === 'x-ratelimit-ms' ? Math.ceil(resetAtMs) : Math.ceil(resetAtMs / 1_000));
}

/** A call that can never fit (its cost is above the limit) is told to come back in an hour. */
function addRetryAfter(headers: Record<string, string>, dialect: LimitHeaders, freeInMs: number, wallClockMs: number) {
  const waitMs = Number.isFinite(freeInMs) ? freeInMs : 3_600_000;
  if (dialect === 'retry-after-ms') headers['retry-after-ms'] = String(Math.ceil(waitMs));
  else if (dialect === 'retry-after-seconds') headers['retry-after'] = String(Math.ceil(waitMs / 1_000));
  // An HTTP date has whole seconds: rounded up, so that a client that obeys is never early.
  else headers['retry-after'] = new Date(Math.ceil((wallClockMs + waitMs) / 1_000) * 1_000).toUTCString();
}
