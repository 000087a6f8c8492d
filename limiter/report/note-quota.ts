/**
 * What an answer's quota headers tell, noted for the limit that they speak of.
 * Used by: `report.ts`. Next: `limiter/quota-headers/match-limit.ts` says which limit that is.
 */
import type { Charge, QuotaHint } from '../../contracts/limits/limit.ts';
import { matchQuota } from '../quota-headers/match-limit.ts';
import type { Observation, Permit } from '../types.ts';
import type { Notebook } from './note-outcome.ts';

/** When this share of a quota is left, it is told soon. */
const NEARLY_EMPTY = 0.1;

/** @returns how soon it must be told, in milliseconds; Infinity = there is nothing to tell. */
export function noteQuota({ tallyOf, collectMs, releaseMs }: Notebook, permit: Permit, quota: QuotaHint): number {
  const match = matchQuota(permit.charges, quota);
  if (match === undefined) return Infinity;
  const tally = tallyOf(match.charge);
  if (match.blockMs !== undefined) {
    tally.blockMs = Math.max(tally.blockMs ?? 0, match.blockMs);
    tally.reason ??= 'the third party says that nothing is left';
  }
  // Answers arrive out of order: the lowest count is the latest one, within a flush.
  if (match.remaining !== undefined && match.remaining <= (tally.remaining ?? Infinity)) {
    tally.remaining = match.remaining;
    tally.resetAt = match.resetMs === undefined ? undefined : performance.now() + match.resetMs;
    tally.askedAt = permit.grantedAt;
  }
  if (match.max !== undefined) tally.max = Math.min(tally.max ?? Infinity, match.max);
  if (match.blockMs !== undefined) return 0;
  return match.remaining !== undefined && match.remaining <= (quota.max ?? 0) * NEARLY_EMPTY ? releaseMs : collectMs;
}

/** When the quota of a refusal that says no time is whole again, as its headers have it, and of which limit they speak. */
export function toldReset(
  charges: readonly Charge[],
  { limit, blockForMs, quotas = [] }: Observation,
): { readonly charge: Charge; readonly blockMs: number } | undefined {
  if (blockForMs !== undefined) return undefined;
  const matches = quotas.flatMap((quota) => {
    const isEmpty = (quota.remaining ?? 0) <= 0 && (quota.resetAfterMs ?? 0) > 0;
    const match = isEmpty ? matchQuota(charges, { ...quota, remaining: 0 }) : undefined;
    return match?.resetMs === undefined ? [] : [{ ...match, blockMs: match.resetMs }];
  });
  return limit === undefined ? matches[0] : matches.find(({ charge }) => charge.limit.name === limit);
}
