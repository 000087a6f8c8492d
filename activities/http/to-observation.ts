/**
 * What the limiter learns from one answer: how the call ended, and what the third party said about its quota.
 * Next stop: `limiter/report.ts`.
 */
import type { Answer } from '../../contracts/answer.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import { parseQuotaHeaders, type Observation } from '../../limiter/index.ts';

export function toObservation(outcome: Outcome, answer: Answer): Observation {
  const { retryAfterMs, quotas } = parseQuotaHeaders(answer.headers, Date.now());
  const common = { latencyMs: answer.elapsedMs, ...(quotas.length > 0 ? { quotas } : {}) };
  if (outcome.kind === 'limited') {
    // What the rule read out of the body is more exact than the header.
    const closeForMs = outcome.afterMs ?? retryAfterMs;
    return {
      ...common,
      result: 'refused',
      reason: outcome.reason,
      ...(outcome.limit === undefined ? {} : { limit: outcome.limit }),
      ...(closeForMs === undefined ? {} : { closeForMs }),
    };
  }
  const isServerFailure = answer.status >= 500 || answer.error !== undefined;
  if (outcome.kind === 'retry' && isServerFailure) {
    return {
      ...common,
      result: 'failed',
      reason: outcome.reason,
      ...(retryAfterMs === undefined ? {} : { closeForMs: retryAfterMs }),
    };
  }
  return { ...common, result: 'ok' };
}
