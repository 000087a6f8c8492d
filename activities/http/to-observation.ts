/**
 * What the limiter learns from one answer: how the call ended, and what the third party said about its quota.
 * Next: `limiter/report/report.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { waitInBody } from '../../contracts/answers/wait-in-body.ts';
import type { QuotaHint } from '../../contracts/limits/limit.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { parseQuotaHeaders, type Observation } from '../../limiter/index.ts';

/** What an answer says of limits by their names, as the provider reads it. */
export interface Said {
  /** What the call has cost. */
  readonly actualCost: Readonly<Record<string, number>>;
  readonly quotas: readonly QuotaHint[];
}

/** @param said beside what its headers tell by themselves. */
export function toObservation(
  outcome: Outcome,
  answer: Answer,
  { actualCost, quotas: told }: Said = { actualCost: {}, quotas: [] },
): Observation {
  const { retryAfterMs, quotas: inHeaders } = parseQuotaHeaders(answer.headers, Date.now());
  // What is told by name is surely about that limit; where headers speak of it too, they are only a guess.
  const quotas = told.length > 0 ? told : inHeaders;
  const common = {
    latencyMs: answer.elapsedMs,
    ...(quotas.length > 0 ? { quotas } : {}),
    ...(Object.keys(actualCost).length > 0 ? { actualCost } : {}),
  };
  if (outcome.kind === 'limited') {
    // Both are told: a call before either of them is one too early. A rule that takes seconds for milliseconds is overruled, too.
    const told = [outcome.afterMs ?? waitInBody(answer), retryAfterMs].filter(
      (ms) => ms !== undefined && !Number.isNaN(ms),
    ) as number[];
    const blockForMs = told.length === 0 ? undefined : Math.max(...told);
    return {
      ...common,
      result: 'refused',
      reason: outcome.reason,
      ...(outcome.limit === undefined ? {} : { limit: outcome.limit }),
      ...(blockForMs === undefined ? {} : { blockForMs }),
    };
  }
  if (answer.error?.code === 'cancelled') return { ...common, result: 'ok', isEndedByUs: true };
  // The third party has done its part.
  if (answer.error?.code === 'sink') return { ...common, result: 'ok' };
  // A page that says with status 200 that all is down for maintenance is a failure too; a conflict, or an early call, is none.
  const isItsFault = answer.status >= 500 || answer.status < 300 || answer.error !== undefined;
  if ((outcome.kind === 'retry' || outcome.kind === 'unknown-write') && isItsFault) {
    return {
      ...common,
      result: 'failed',
      reason: outcome.reason,
      ...(isMaybeItsOwn(answer) ? { isMaybeItsOwn: true } : {}),
      ...(isUnreachable(answer) ? { isUnreachable: true } : {}),
      ...(retryAfterMs === undefined ? {} : { blockForMs: retryAfterMs }),
    };
  }
  return { ...common, result: 'ok' };
}

/** There was no connection: whatever was asked for, it would have been the same. */
function isUnreachable({ error }: Answer): boolean {
  return error !== undefined && ['connect-timeout', 'connection-refused', 'dns'].includes(error.code);
}

/**
 * Servers that are down say 502, 503 or 504, or nothing. A plain 500 and an odd answer with 200 may come for one page
 * alone.
 */
export function isMaybeItsOwn({ status, error }: Answer): boolean {
  return error === undefined && (status === 500 || status < 300);
}
