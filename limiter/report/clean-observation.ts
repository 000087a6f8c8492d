/**
 * What a third party said, within the bounds of what the store can hold and of what is believed. Every report passes here first,
 * so that one odd answer can't keep others from being told. Next: `report.ts`, and `limiter/circuit-breaker/breaker.ts`.
 */
import { bounded } from '../../contracts/values/bounded.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { QuotaHint } from '../../contracts/limits/limit.ts';
import type { Observation } from '../types.ts';

/** Code points of a reason that operators are shown. */
const LONGEST_REASON = 300;
/** No quota is larger, and sums of such numbers stay exact. */
const LARGEST_QUOTA = 1e12;
/** Names that answers give to limits; longer ones are no declared limit's. */
const LONGEST_NAME = 200;

/** @param longestBlockMs no wait that an answer tells is believed beyond this. */
export function cleanObservation(observation: Observation, longestBlockMs: number): Observation {
  const { reason, blockForMs, quotas, actualCost, ...rest } = observation;
  const isTimed = blockForMs !== undefined && !Number.isNaN(blockForMs);
  const isWait = isTimed && rest.result === 'refused';
  return {
    ...rest,
    ...(reason === undefined ? {} : { reason: cleanText(reason, LONGEST_REASON) }),
    ...(isTimed ? { blockForMs: bounded(blockForMs, 0, longestBlockMs) } : {}),
    ...(quotas === undefined
      ? {}
      : { quotas: quotas.map((quota) => cleanQuota(isWait ? untilThen(quota) : quota, longestBlockMs)) }),
    ...(actualCost === undefined ? {} : { actualCost: cleanCosts(actualCost) }),
  };
}

/** Of a refusal that says when to come again: that nothing is left holds until then, and for no whole window, unless it says so. */
function untilThen(quota: QuotaHint): QuotaHint {
  const { remaining = 1, ...rest } = quota;
  return remaining <= 0 && rest.resetAfterMs === undefined ? rest : quota;
}

function cleanQuota(quota: QuotaHint, longestBlockMs: number): QuotaHint {
  const { limit, ...numbers } = quota;
  const most = { max: LARGEST_QUOTA, remaining: LARGEST_QUOTA, resetAfterMs: longestBlockMs, windowMs: LARGEST_QUOTA };
  const kept = Object.entries(numbers).filter(([, value]) => value !== undefined && !Number.isNaN(value));
  return {
    ...(limit === undefined ? {} : { limit: cleanText(limit, LONGEST_NAME) }),
    ...Object.fromEntries(kept.map(([name, value]) => [name, bounded(value, 0, most[name as keyof typeof most])])),
  };
}

function cleanCosts(costs: Readonly<Record<string, number>>): Record<string, number> {
  const kept = Object.entries(costs).filter(([, cost]) => !Number.isNaN(cost));
  return Object.fromEntries(kept.map(([limit, cost]) => [limit, bounded(cost, 0, LARGEST_QUOTA)]));
}
