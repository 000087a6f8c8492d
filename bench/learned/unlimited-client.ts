/**
 * `limits: []` in virtual time: calls to which no limit applies, until refusals show that there is one; from there on it is learned, in the
 * middle of whatever was used before. Next: `known-client.ts`, then `our-client.ts`.
 */
import { foundLimit } from '../../limiter/adaptive/told-window.ts';
import { isLimit } from '../../limiter/refusals/law.ts';
import { knownClient } from './known-client.ts';
import { ourClient, type OurClient } from './our-client.ts';
import type { Client } from './world.ts';

const spec = { kind: 'learned', name: 'unlimited', by: ['account'] } as const;
/** Permits from before it was learned are below this. */
const LATER = 1e9;

export interface UnlimitedClient extends Client {
  /** Undefined: there is no limit as yet. */
  learned(): OurClient | undefined;
}

export function unlimitedClient(): UnlimitedClient {
  const known = knownClient(undefined);
  let learned: OurClient | undefined;
  const now = (): Client => learned ?? known;
  return {
    learned: () => learned,
    nextMs: (nowMs) => now().nextMs(nowMs),
    take: (nowMs) => (learned ? LATER + learned.take(nowMs) : known.take(nowMs)),
    answered(nowMs, worker, permit, answer) {
      if (learned) return permit < LATER ? 0 : learned.answered(nowMs, worker, permit - LATER, answer);
      const sleepMs = known.answered(nowMs, worker, permit, answer);
      const state = known.state();
      if (state && isLimit(state)) learned = ourClient(spec, 4, foundLimit(spec, nowMs), nowMs);
      return sleepMs;
    },
    timerMs: () => now().timerMs?.() ?? Number.POSITIVE_INFINITY,
    timer: (nowMs) => now().timer?.(nowMs),
    waiting: (nowMs, isWaiting) => now().waiting?.(nowMs, isWaiting),
    ratePerSecond: () => now().ratePerSecond?.() ?? 0,
  };
}
