/**
 * Which limit of a call a refusal is about, where that can be told from the answer. Pure. Used by: `limiter/create-limiter.ts`,
 * `limiter/report/report.ts`, which asks the store where several may have refused.
 */
import type { Charge, QuotaHint } from '../../contracts/limits/limit.ts';
import { isCounted, lengthMsOf, matchQuota } from '../quota-headers/match-limit.ts';
import type { Observation } from '../types.ts';

/** Many a third party asks for some seconds, or a minute, whichever limit it was: only a far longer wait can't be that of a short one. */
const TIMES_ITS_LENGTH = 10;
const LEAST_LENGTH_MS = 10_000;

/** A refusal that names no limit names the one of which its quotas surely say that nothing is left. */
export function nameEmpty(charges: readonly Charge[], observation: Observation): Observation {
  const { result, limit, quotas = [], blockForMs } = observation;
  if (result !== 'refused' || limit !== undefined) return observation;
  const empty = quotas.filter(({ remaining = 1 }) => remaining <= 0).flatMap((quota) => sureMatch(charges, quota));
  const isNearer = (a: Empty, b: Empty): boolean =>
    blockForMs === undefined
      ? a.resetMs > b.resetMs
      : Math.abs(a.resetMs - blockForMs) < Math.abs(b.resetMs - blockForMs);
  const [first, ...others] = empty;
  if (first === undefined) return observation;
  return { ...observation, limit: others.reduce((best, each) => (isNearer(each, best) ? each : best), first).limit };
}

interface Empty {
  readonly limit: string;
  readonly resetMs: number;
}

function sureMatch(charges: readonly Charge[], quota: QuotaHint): Empty[] {
  const match = matchQuota(charges, { ...quota, remaining: 0 });
  if (match?.remaining === undefined) return [];
  return [{ limit: match.charge.limit.name, resetMs: quota.resetAfterMs ?? 0 }];
}

/**
 * Places of the charges that a refusal may be about, the likeliest last: the named limit; else those that may ask for so long a wait. A
 * learned limit that was stated last is there to be refused.
 */
export function suspectsOf(
  charges: readonly Charge[],
  { limit, blockForMs = 0 }: Observation,
): readonly [...number[], number] {
  const named = limit === undefined ? -1 : charges.findIndex((charge) => charge.limit.name === limit);
  if (named >= 0) return [named];
  const last = lastOf(charges, blockForMs);
  if (!isCounted(charges[last])) return [last];
  const counted = charges.flatMap((charge, index) => (isCounted(charge) ? [{ charge, index }] : []));
  const longEnough = counted.filter(
    ({ charge }) => TIMES_ITS_LENGTH * Math.max(LEAST_LENGTH_MS, lengthMsOf(charge)) >= blockForMs,
  );
  const fitting = (longEnough.length > 0 ? longEnough : counted).map(({ index }) => index);
  return [...fitting.slice(0, -1), fitting.at(-1) ?? last];
}

/** The most specific limit of a call: the one stated last. Calls at once are counted by one only where nothing else is declared. */
function lastOf(charges: readonly Charge[], blockForMs: number): number {
  const declared = charges.findLastIndex(({ limit }) => limit.kind !== 'inflight' && limit.kind !== 'none');
  if (declared >= 0) return declared;
  // Calls end within seconds: who asks for a longer wait counts otherwise.
  const atOnce = blockForMs > LEAST_LENGTH_MS ? -1 : charges.findLastIndex(({ limit }) => limit.kind === 'inflight');
  return atOnce >= 0 ? atOnce : charges.length - 1;
}
