/**
 * An outage of an hour in virtual time: the very law that runs in production, with callers that come back when they are
 * told to. Pure: no clock, no chance.
 */
import { admit, afterReport, CLOSED, waitMs } from '../../limiter/circuit-breaker/transitions.ts';

export interface VirtualOutage {
  readonly callers: number;
  readonly outageMs: number;
  /** What a call takes, in milliseconds. */
  readonly callMs: number;
}

export interface OutageResult {
  /** Calls made while it lasted, those before it was noticed left out. */
  readonly probes: number;
  /** Calls that failed before it was noticed. */
  readonly unnoticed: number;
  /** Seconds from the provider's return until all calls flow again. */
  readonly resumedAfterS: number;
  /** Calls in the busiest second of the first ten after its return. */
  readonly busiestSecond: number;
}

export function playOutage({ callers, outageMs, callMs }: VirtualOutage): OutageResult {
  const fromMs = 30_000;
  const backMs = fromMs + outageMs;
  let state = CLOSED;
  let probes = 0;
  let unnoticed = 0;
  let resumedAtMs = Number.POSITIVE_INFINITY;
  const bySecond = new Map<number, number>();
  const wakeAt = Array.from({ length: callers }, (_, caller) => caller);
  for (;;) {
    const caller = wakeAt.indexOf(Math.min(...wakeAt));
    const nowMs = wakeAt[caller]!;
    if (nowMs > backMs + 180_000 || resumedAtMs < nowMs - 20_000) break;
    const who = { endpoint: 'items', account: `account-${caller}` };
    const turn = admit(state, nowMs, [who]);
    state = turn.state;
    if (nowMs > backMs && state.phase === 'closed') resumedAtMs = Math.min(resumedAtMs, nowMs);
    const isProbe = turn.probe !== undefined;
    if (turn.admitted === 0 && !isProbe) {
      wakeAt[caller] = nowMs + Math.max(1, waitMs(state, nowMs, caller, who));
      continue;
    }
    const isDown = nowMs >= fromMs && nowMs < backMs;
    if (isDown && state.phase === 'open') probes++;
    else if (isDown) unnoticed++;
    const second = Math.floor((nowMs - backMs) / 1_000);
    if (second >= 0) bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
    const ended = isDown ? 'failed' : 'ok';
    state = afterReport(
      state,
      nowMs + callMs,
      isProbe ? { ok: 0, failed: 0, probe: ended } : { ok: isDown ? 0 : 1, failed: isDown ? 1 : 0 },
    );
    wakeAt[caller] = nowMs + callMs;
  }
  const firstTen = [...bySecond].filter(([second]) => second * 1_000 < resumedAtMs - backMs && second < 70);
  return {
    probes,
    unnoticed,
    resumedAfterS: (resumedAtMs - backMs) / 1_000,
    busiestSecond: Math.max(0, ...firstTen.slice(0, 10).map(([, calls]) => calls)),
  };
}
