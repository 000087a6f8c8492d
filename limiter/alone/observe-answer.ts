/**
 * What a `Response` of `fetch` says of the limits, by what most third parties mean with it. Pure but for the clock.
 * Used by: `schedule.ts`, `limit-fetch.ts`.
 */
import { parseQuotaHeaders, type QuotaHeadersOptions } from '../quota-headers/parse.ts';
import type { Observation } from '../types.ts';

/** @returns `ok` for whatever is no `Response`. */
export function observeAnswer(answer: unknown, options: QuotaHeadersOptions = {}): Observation {
  if (!(answer instanceof Response)) return { result: 'ok' };
  const { status, headers } = answer;
  const { quotas, retryAfterMs } = parseQuotaHeaders(Object.fromEntries(headers), Date.now(), options);
  const told = { quotas, reason: `HTTP ${status}` };
  const isOver = quotas.some(({ remaining }) => remaining === 0);
  // 503 means either; with a time it is a limit. Some say 403 where the quota is used up.
  const isRefused = status === 429 || (status === 503 && retryAfterMs !== undefined) || (status === 403 && isOver);
  if (isRefused)
    return { ...told, result: 'refused', ...(retryAfterMs === undefined ? {} : { blockForMs: retryAfterMs }) };
  // A plain 500 may lie in this call alone.
  if (status >= 500) return { ...told, result: 'failed', isMaybeItsOwn: status === 500 };
  return { ...told, result: 'ok' };
}
