/**
 * Our limiter in virtual time: the real control law, and a model of how the core paces: rate and burst, one probe at a
 * time while held, a recognised window kept as an exact ring, counts reported every 250 ms by each process and refusals
 * at once. Next: `limiter/adaptive/step.ts`.
 */
import type { LearnedLimit } from '../../contracts/limits/limit.ts';
import { initialLaw, stepLaw } from '../../limiter/adaptive/step.ts';
import type { LawOutput } from '../../limiter/adaptive/step.ts';
import type { Client } from './world.ts';

const reportMs = 250;
const tickMs = 1000;
const probeLeaseMs = 60_000;

/** What one process has not reported yet; successes of the latest epoch are counted apart. */
function newCounts(): { ok: number; epoch: number; ofEpoch: number; failed: number; dueMs: number } {
  return { ok: 0, epoch: 0, ofEpoch: 0, failed: 0, dueMs: Number.POSITIVE_INFINITY };
}

export interface OurClient extends Client {
  readonly events: { readonly atMs: number; readonly text: string }[];
  law(): LawOutput;
  decreases(): number;
}

/**
 * @param processes how many processes report on their own.
 * @param first the law when it begins, and when that is.
 */
export function ourClient(spec: LearnedLimit, processes = 4, first = initialLaw(spec, 0), firstMs = 0): OurClient {
  let law = first;
  let tokens = law.burst;
  let tokensAtMs = firstMs;
  let probeUntilMs = 0;
  let steppedMs = firstMs;
  let steps = 0;
  let isWaiting = false;
  let waitingSinceMs = 0;
  let waitedMs = 0;
  let sent = 0;
  const pending = Array.from({ length: processes }, newCounts);
  const events: { atMs: number; text: string }[] = [];
  let ring: number[] = [];
  let ringFirst = 0;

  const refill = (nowMs: number): void => {
    tokens = Math.min(law.burst, tokens + ((nowMs - tokensAtMs) * law.ratePerSecond) / 1000);
    tokensAtMs = nowMs;
  };
  const step = (
    nowMs: number,
    counts: { ok?: number; fresh?: number; refused?: number; stale?: number; failed?: number; retryAfterMs?: number },
  ): void => {
    const lengthMs = nowMs - steppedMs;
    if (isWaiting) waitedMs += nowMs - waitingSinceMs;
    waitingSinceMs = nowMs;
    const demand = lengthMs > 0 ? Math.min(1, waitedMs / lengthMs) : isWaiting ? 1 : 0;
    refill(nowMs);
    const had = law.window;
    steps += 1;
    law = stepLaw(
      // As stored; now and then is enough to notice what JSON would lose.
      steps % 32 === 0 ? JSON.parse(JSON.stringify(law.state)) : law.state,
      { atMs: nowMs, ok: 0, fresh: 0, refused: 0, stale: 0, failed: 0, demand, sent, ...counts },
      spec,
    );
    if (law.window && !had) {
      ring = [];
      ringFirst = 0;
    }
    if (law.event) events.push({ atMs: nowMs, text: law.event });
    steppedMs = nowMs;
    waitedMs = 0;
    sent = 0;
  };
  const flush = (nowMs: number, index: number): void => {
    const counts = pending[index]!;
    if (counts.dueMs === Number.POSITIVE_INFINITY) return;
    step(nowMs, { ok: counts.ok, fresh: counts.epoch === law.epoch ? counts.ofEpoch : 0, failed: counts.failed });
    pending[index] = newCounts();
  };
  return {
    events,
    law: () => law,
    decreases: () => law.epoch,
    ratePerSecond: () => (law.mode === 'hold' ? 0 : law.ratePerSecond),
    nextMs(nowMs) {
      if (law.mode === 'hold') return Math.max(law.probeAtMs ?? nowMs, probeUntilMs);
      refill(nowMs);
      let atMs = tokens >= 1 - 1e-9 ? nowMs : nowMs + ((1 - tokens) * 1000) / law.ratePerSecond;
      if (law.window) {
        while (ringFirst < ring.length && (ring[ringFirst] ?? 0) <= nowMs - law.window.perMs + 1e-6) ringFirst += 1;
        const used = ring.length - ringFirst;
        if (used >= law.window.max) {
          atMs = Math.max(atMs, (ring[ringFirst + used - law.window.max] ?? nowMs) + law.window.perMs);
        }
      }
      return atMs;
    },
    take(nowMs) {
      const isProbe = law.mode === 'hold';
      if (isProbe) probeUntilMs = nowMs + probeLeaseMs;
      // A probe is paid like any other call.
      refill(nowMs);
      tokens -= 1;
      sent += 1;
      if (law.window) ring.push(nowMs);
      return 2 * law.epoch + (isProbe ? 1 : 0);
    },
    answered(nowMs, worker, permit, answer) {
      const epoch = Math.floor(permit / 2);
      const isFresh = epoch === law.epoch;
      const index = worker % processes;
      // While held there is one call in flight: its answer is reported at once, whatever it is.
      const isProbe = permit % 2 === 1;
      if (isProbe) probeUntilMs = 0;
      if (answer.kind === 'refused') {
        flush(nowMs, index);
        const hint = answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs };
        step(nowMs, isFresh ? { refused: 1, ...hint } : { stale: 1 });
        return 0;
      }
      const counts = pending[index]!;
      if (answer.kind === 'ok') {
        counts.ok += 1;
        if (epoch !== counts.epoch) Object.assign(counts, { epoch, ofEpoch: 0 });
        counts.ofEpoch += 1;
      } else counts.failed += 1;
      counts.dueMs = Math.min(counts.dueMs, nowMs + (isProbe || answer.kind === 'failed' ? 0 : reportMs));
      if (counts.dueMs <= nowMs) flush(nowMs, index);
      return 0;
    },
    timerMs: () =>
      Math.min(...pending.map((counts) => counts.dueMs), isWaiting ? steppedMs + tickMs : Number.POSITIVE_INFINITY),
    timer(nowMs) {
      for (let index = 0; index < processes; index += 1) if ((pending[index]?.dueMs ?? 0) <= nowMs) flush(nowMs, index);
      if (nowMs - steppedMs >= tickMs - 1) step(nowMs, {});
    },
    waiting(nowMs, now) {
      if (isWaiting && !now) waitedMs += nowMs - waitingSinceMs;
      isWaiting = now;
      waitingSinceMs = nowMs;
    },
  };
}
