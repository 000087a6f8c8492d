/**
 * When a whole provider is taken for failing, who finds out that it is back, and how calls come back then. One law for
 * all limits of a provider, known and learned. Pure: no clock, no chance, no I/O; the state is JSON in the gate's row.
 * Called by `breaker.ts`. A learned limit has the same idea for its own key alone, in `limiter/adaptive/outage.ts`.
 */

/**
 * `closed` calls flow · `open` one call at a time finds out whether the provider is back · `recovering` calls come back,
 * twice as many every two seconds.
 */
export interface BreakerState {
  readonly phase: 'closed' | 'open' | 'recovering';
  /** Answered and failed calls; older ones fade with every newer one, whatever time it took. */
  readonly ok: number;
  readonly failed: number;
  /** Failures since the last answer. */
  readonly inARow: number;
  /** When it opened; epoch milliseconds, as all times here. 0 = it is closed. */
  readonly sinceMs: number;
  /** Probes that failed since then. */
  readonly probes: number;
  readonly probeAtMs: number;
  /** A probe is on its way; it is given up then. 0 = none is. */
  readonly leaseMs: number;
  readonly recoverAtMs: number;
  /** Calls let through since then. */
  readonly passed: number;
}

/** How calls ended since the last report. `probe` is what became of the probe, if it was among them. */
export interface BreakerReport {
  readonly ok: number;
  readonly failed: number;
  /** How many of the failures came after the last answer among them. Default: one answer is taken for the latest. */
  readonly failedLast?: number;
  /** `none`: it was not sent, or its caller ended it. */
  readonly probe?: 'ok' | 'failed' | 'none';
}

export interface Admission {
  readonly state: BreakerState;
  /** How many of the calls may go. */
  readonly admitted: number;
  readonly isProbe: boolean;
}

export const CLOSED: BreakerState = {
  phase: 'closed',
  ok: 0,
  failed: 0,
  inARow: 0,
  sinceMs: 0,
  probes: 0,
  probeAtMs: 0,
  leaseMs: 0,
  recoverAtMs: 0,
  passed: 0,
};

/** Weight of a call against the next one: about the last 20 calls count. At 20 % random failures this never opens. */
const FADE = 0.95;
/** Five calls in a row weigh 4.5 and four 3.7: at least four failures among at least five calls. */
const LEAST_CALLS = 4.5;
const LEAST_FAILED = 3.6;
/** So many in a row are enough, whatever was before: one call in 80,000 at 20 % random failures. */
const IN_A_ROW = 7;
const LONGEST_GAP_MS = 60_000;
/** A probe whose worker died is given up after this long. */
const LEASE_MS = 30_000;
/** A probe is on its way: look again soon. */
const LEASE_WAIT_MS = 1_000;
/** Calls that wait for a probe come back this far from each other, and at most so late. */
const SPREAD_MS = 20;
const MOST_LATE_MS = 10_000;
/** Calls a second when calls come back, doubling every two seconds; after 16 s it is 512 a second and everybody goes. */
const FIRST_RATE = 2;
const DOUBLING_MS = 2_000;
const RECOVERY_MS = 16_000;

/**
 * The wait before probe `n`, counted from 0: half a second, each 1.4 times the one before, at most a minute. So the
 * provider's return is noticed after two fifths of the time it was away, and an hour takes 72 probes.
 */
export function gapMs(n: number): number {
  return Math.min(LONGEST_GAP_MS, Math.round(500 * 1.4 ** n));
}

/** What the calls that ended change. Any order and grouping is safe; a probe's answer counts in whatever phase it comes. */
export function afterReport(before: BreakerState, nowMs: number, report: BreakerReport): BreakerState {
  const state = fit(before, nowMs);
  const probeOk = report.probe === 'ok' ? 1 : 0;
  const probeFailed = report.probe === 'failed' ? 1 : 0;
  if (state.phase === 'open') {
    // Other answers belong to calls that were sent before it opened: they say nothing about now.
    if (probeOk)
      return {
        ...CLOSED,
        phase: 'recovering',
        ok: 1,
        sinceMs: state.sinceMs,
        probes: state.probes,
        recoverAtMs: nowMs,
      };
    if (probeFailed)
      return { ...state, probes: state.probes + 1, probeAtMs: nowMs + gapMs(state.probes + 1), leaseMs: 0 };
    return report.probe === 'none' ? { ...state, leaseMs: 0 } : state;
  }
  const counted = count(state, report.ok + probeOk, report.failed + probeFailed, report.failedLast);
  if (!isFailing(counted)) return counted;
  // Failing again while it recovers: the gaps go on where they were.
  const probes = state.phase === 'recovering' ? state.probes : 0;
  return {
    ...counted,
    phase: 'open',
    sinceMs: state.sinceMs || nowMs,
    probes,
    probeAtMs: nowMs + gapMs(probes),
    leaseMs: 0,
    recoverAtMs: 0,
    passed: 0,
  };
}

/** How many of `calls` that want to go now may go. */
export function admit(before: BreakerState, nowMs: number, calls: number): Admission {
  const state = fit(before, nowMs);
  if (state.phase === 'recovering' && nowMs - state.recoverAtMs >= RECOVERY_MS) {
    const { ok, failed, inARow } = state;
    return { state: { ...CLOSED, ok, failed, inARow }, admitted: calls, isProbe: false };
  }
  if (state.phase === 'closed') return { state, admitted: calls, isProbe: false };
  if (state.phase === 'open') {
    if (calls === 0 || nowMs < state.probeAtMs || nowMs < state.leaseMs) return { state, admitted: 0, isProbe: false };
    return { state: { ...state, leaseMs: nowMs + LEASE_MS }, admitted: 1, isProbe: true };
  }
  const room = Math.floor(allowedAfter(nowMs - state.recoverAtMs)) - state.passed;
  const admitted = Math.min(calls, Math.max(0, room));
  return { state: { ...state, passed: state.passed + admitted }, admitted, isProbe: false };
}

/**
 * When a call that was not admitted should ask again, in milliseconds.
 * @param place calls that wait before it: after an outage nobody comes back in the same instant as everybody else.
 */
export function waitMs(state: BreakerState, nowMs: number, place: number): number {
  if (state.phase === 'closed') return 0;
  if (state.phase === 'recovering')
    return Math.max(50, state.recoverAtMs + allowedAtMs(state.passed + 1 + place) - nowMs);
  const lateMs = Math.min(MOST_LATE_MS, SPREAD_MS * place);
  if (nowMs < state.probeAtMs) return state.probeAtMs - nowMs + lateMs;
  return Math.min(LEASE_WAIT_MS, Math.max(0, state.leaseMs - nowMs)) + lateMs;
}

// The integral of the rate, and its inverse.
const SCALE = (FIRST_RATE * DOUBLING_MS) / 1_000 / Math.LN2;

function allowedAfter(ms: number): number {
  return 1 + SCALE * (2 ** (ms / DOUBLING_MS) - 1);
}

function allowedAtMs(calls: number): number {
  return DOUBLING_MS * Math.log2((calls - 1) / SCALE + 1);
}

function count(state: BreakerState, ok: number, failed: number, failedLast = 0): BreakerState {
  const calls = ok + failed;
  if (calls === 0) return state;
  const keep = FADE ** calls;
  const added = (1 - keep) / (1 - FADE) / calls;
  return {
    ...state,
    ok: state.ok * keep + ok * added,
    failed: state.failed * keep + failed * added,
    inARow: ok > 0 ? failedLast : state.inARow + failed,
  };
}

function isFailing({ ok, failed, inARow }: BreakerState): boolean {
  if (inARow >= IN_A_ROW) return true;
  return failed >= LEAST_FAILED && failed + ok >= LEAST_CALLS && failed >= ok;
}

/** The store's clock may be set back: nothing lies further ahead than it was put there. */
function fit(state: BreakerState, nowMs: number): BreakerState {
  const { probeAtMs, leaseMs, recoverAtMs } = state;
  if (probeAtMs <= nowMs + LONGEST_GAP_MS && leaseMs <= nowMs + LEASE_MS && recoverAtMs <= nowMs) return state;
  return {
    ...state,
    probeAtMs: Math.min(probeAtMs, nowMs + LONGEST_GAP_MS),
    leaseMs: Math.min(leaseMs, nowMs + LEASE_MS),
    recoverAtMs: Math.min(recoverAtMs, nowMs),
  };
}
