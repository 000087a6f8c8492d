/**
 * A known limit in virtual time: its ring as an exact log, and the real law of its refusals. Next: `limiter/refusals/law.ts`.
 */
import { stepRefusals } from '../../limiter/refusals/law.ts';
import type { RefusalEvent, RefusalState } from '../../limiter/refusals/law.ts';
import type { Client } from './world.ts';

export interface KnownClient extends Client {
  readonly events: { readonly atMs: number; readonly text: string }[];
  state(): RefusalState | undefined;
}

/** @param limit undefined: no limit is declared. */
export function knownClient(limit: { readonly max: number; readonly perMs: number } | undefined): KnownClient {
  const lengthMs = limit?.perMs ?? 60_000;
  const guardMs = 100;
  let state: RefusalState | undefined;
  let ring: number[] = [];
  let sent = 0;
  let epoch = 0;
  let heardEpoch = -1;
  let late = 0;
  let blockedUntilMs = 0;
  let dueAtMs = Number.POSITIVE_INFINITY;
  let isWaiting = false;
  const events: { atMs: number; text: string }[] = [];
  const inForce = (): number =>
    limit === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(limit.max * (state?.share ?? 1) + 1e-9));
  let tokens = 1;
  let tokensAtMs = 0;
  const evenly = (): number => (state?.pace === undefined ? inForce() / lengthMs : state.pace.perSecond / 1_000);
  const rate = (): number => (state?.isPaced ? evenly() : Number.POSITIVE_INFINITY);
  const refill = (nowMs: number): void => {
    const passedMs = nowMs - tokensAtMs;
    tokens = rate() === Number.POSITIVE_INFINITY ? 1e9 : Math.min(Math.max(1, 50 * rate()), tokens + passedMs * rate());
    tokensAtMs = nowMs;
  };
  const live = (nowMs: number): number[] => (ring = ring.filter((at) => at > nowMs - lengthMs - guardMs));
  const step = (nowMs: number, heard: Partial<RefusalEvent>): void => {
    const used = limit === undefined ? 0 : Math.min(1, live(nowMs).length / inForce());
    const units = limit?.max ?? 1;
    const base = { atMs: nowMs, refused: 0, late, isAnswered: false, isCounted: false, used, sent, units, lengthMs };
    late = 0;
    sent = 0;
    const output = stepRefusals(state, { ...base, ...heard });
    state = JSON.parse(JSON.stringify(output.state)) as RefusalState;
    if (output.blockMs !== undefined) blockedUntilMs = Math.max(blockedUntilMs, nowMs + output.blockMs);
    dueAtMs = output.dueAtMs ?? Number.POSITIVE_INFINITY;
    if (output.event) events.push({ atMs: nowMs, text: output.event });
  };
  return {
    events,
    state: () => state,
    nextMs(nowMs) {
      const used = limit === undefined ? [] : live(nowMs);
      const free = used.length < inForce() ? nowMs : used[used.length - inForce()]! + lengthMs + guardMs + 0.001;
      refill(nowMs);
      const paced = tokens >= 1 - 1e-9 ? nowMs : nowMs + (1 - tokens) / rate();
      return Math.max(free, blockedUntilMs, paced);
    },
    take(nowMs) {
      sent += 1;
      refill(nowMs);
      tokens -= 1;
      if (limit !== undefined) ring.push(nowMs);
      return epoch;
    },
    answered(nowMs, _worker, permit, answer) {
      if (answer.kind === 'refused') {
        if (permit !== epoch) {
          late += 1;
          return 0;
        }
        epoch += 1;
        step(nowMs, {
          refused: 1,
          ...(answer.retryAfterMs === undefined ? {} : { toldMs: answer.retryAfterMs }),
        });
      } else if (answer.kind === 'ok' && state !== undefined && permit === epoch && heardEpoch !== epoch) {
        heardEpoch = epoch;
        step(nowMs, { isAnswered: true });
      }
      return 0;
    },
    timerMs: () => (isWaiting ? dueAtMs : Number.POSITIVE_INFINITY),
    timer(nowMs) {
      if (nowMs >= dueAtMs) step(nowMs, {});
    },
    waiting(_nowMs, now) {
      isWaiting = now;
    },
    ratePerSecond: () => (limit ? (inForce() * 1_000) / lengthMs : 0),
  };
}
