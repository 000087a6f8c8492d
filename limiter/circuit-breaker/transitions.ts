/**
 * When an endpoint or a whole provider is taken for failing, who finds out that it is back, and how calls come back then. One law
 * for both, and for all limits, known and learned. Pure: no clock, no chance, no I/O; the state is JSON in the gate's row.
 * Called by `breaker.ts`. A learned limit has the same idea for its own key alone, in `limiter/adaptive/outage.ts`.
 */

/**
 * `closed` calls flow · `open` one call at a time finds out whether it is back · `recovering` calls come back, twice as many every
 * two seconds.
 */
export interface BreakerState {
  readonly phase: 'closed' | 'open' | 'recovering';
  /** Answered and failed calls; older ones fade with every newer one, whatever time it took. */
  readonly ok: number;
  readonly failed: number;
  /** Failures since the last answer. */
  readonly inARow: number;
  /** Of these: calls that found no connection. */
  readonly unreachable: number;
  /** How many of them each endpoint had. Only a provider's gate hears of endpoints. */
  readonly endpoints: Readonly<Record<string, number>>;
  /** When it opened; epoch milliseconds, as all times here. 0 = it is closed. */
  readonly sinceMs: number;
  /** Why it opened, for people; '' = nobody said. */
  readonly reason: string;
  /** Probes that failed since then. */
  readonly probes: number;
  readonly probeAtMs: number;
  /** A probe is on its way; it is given up then. 0 = none is. */
  readonly leaseMs: number;
  /** Whose call the last probe was. */
  readonly probedBy?: Caller;
  /** When it began to recover, and when everybody may go again. */
  readonly recoverAtMs: number;
  readonly recoveredAtMs: number;
  /** Calls let through since then. */
  readonly passed: number;
}

/** Whose call it is: probes take turns between them. */
export interface Caller {
  readonly endpoint: string;
  readonly account: string;
}

/** How calls ended since the last report. `probe` is what became of the probe, if it was among them. */
export interface BreakerReport {
  readonly ok: number;
  readonly failed: number;
  /** How many of the failures came after the last answer among them. Default: one answer is taken for the latest. */
  readonly failedLast?: number;
  /** How many of those found no connection. */
  readonly unreachableLast?: number;
  /** How many of those each endpoint had. Given for a provider as a whole: one endpoint that fails is not its concern. */
  readonly endpoints?: Readonly<Record<string, number>>;
  /** Why the latest of them failed, for people. */
  readonly reason?: string;
  /** `none`: it was not sent, or its caller ended it. */
  readonly probe?: 'ok' | 'failed' | 'none';
}

export interface Admission {
  readonly state: BreakerState;
  /** How many of the callers may go, the first ones. */
  readonly admitted: number;
  /** Index of the one caller who may go instead, to find out whether it is back. */
  readonly probe?: number;
}

export const CLOSED: BreakerState = {
  phase: 'closed',
  ok: 0,
  failed: 0,
  inARow: 0,
  unreachable: 0,
  endpoints: {},
  sinceMs: 0,
  reason: '',
  probes: 0,
  probeAtMs: 0,
  leaseMs: 0,
  recoverAtMs: 0,
  recoveredAtMs: 0,
  passed: 0,
};

/** Weight of a call against the next one: about the last 20 calls count. At 20 % random failures this never opens. */
const FADE = 0.95;
/** Five calls in a row weigh 4.5 and four 3.7: at least four failures among at least five calls. */
const LEAST_CALLS = 4.5;
const LEAST_FAILED = 3.6;
/** So many in a row are enough, whatever was before: one call in 80,000 at 20 % random failures. */
const IN_A_ROW = 7;
/** A provider as a whole fails when so many of those are of other endpoints than the one that fails most, */
const LEAST_OF_OTHERS = 3;
/** or when so many in a row find no connection: that is the same for all endpoints. */
const UNREACHABLE_IN_A_ROW = 5;
const LONGEST_GAP_MS = 60_000;
/** A probe whose worker died is given up after this long. */
const LEASE_MS = 30_000;
/** A probe is on its way: look again soon. */
const LEASE_WAIT_MS = 1_000;
/** Whose call was the last probe leaves the next one to others for so long, if there are any; at most half of the gap. */
const YIELD_MS = 1_000;
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
        reason: state.reason,
        probes: state.probes,
        recoverAtMs: nowMs,
        recoveredAtMs: nowMs + RECOVERY_MS,
      };
    if (probeFailed)
      return { ...state, probes: state.probes + 1, probeAtMs: nowMs + gapMs(state.probes + 1), leaseMs: 0 };
    if (report.probe !== 'none') return state;
    // It was nobody's turn then.
    const { probedBy: _, ...rest } = state;
    return { ...rest, leaseMs: 0 };
  }
  const counted = count(state, { ...report, ok: report.ok + probeOk, failed: report.failed + probeFailed });
  if (!isFailing(counted)) return counted;
  // Failing again while it recovers: the gaps go on where they were.
  const probes = state.phase === 'recovering' ? state.probes : 0;
  return {
    ...counted,
    phase: 'open',
    sinceMs: state.sinceMs || nowMs,
    reason: report.reason ?? state.reason,
    probes,
    probeAtMs: nowMs + gapMs(probes),
    leaseMs: 0,
    recoverAtMs: 0,
    recoveredAtMs: 0,
    passed: 0,
  };
}

/** Who of those who want to go now may go. */
export function admit(before: BreakerState, nowMs: number, callers: readonly Caller[]): Admission {
  const state = fit(before, nowMs);
  if (state.phase === 'recovering' && nowMs >= state.recoveredAtMs) {
    const { ok, failed, inARow, unreachable, endpoints } = state;
    return { state: { ...CLOSED, ok, failed, inARow, unreachable, endpoints }, admitted: callers.length };
  }
  if (state.phase === 'closed') return { state, admitted: callers.length };
  if (state.phase === 'open') {
    const probe = nowMs < state.leaseMs ? undefined : nextProber(state, nowMs, callers);
    if (probe === undefined) return { state, admitted: 0 };
    return { state: { ...state, leaseMs: nowMs + LEASE_MS, probedBy: callers[probe]! }, admitted: 0, probe };
  }
  const room = Math.floor(allowedAfter(nowMs - state.recoverAtMs)) - state.passed;
  const admitted = Math.min(callers.length, Math.max(0, room));
  return { state: { ...state, passed: state.passed + admitted }, admitted };
}

/**
 * Probes take turns: what always fails for one endpoint or account must not be all that is ever asked. So those of another endpoint
 * may go first, then those of another account, and a moment later whoever is there.
 */
function nextProber(state: BreakerState, nowMs: number, callers: readonly Caller[]): number | undefined {
  const best = callers.reduce<number | undefined>(
    (first, caller, index) =>
      first === undefined || yieldMs(state, caller) < yieldMs(state, callers[first]!) ? index : first,
    undefined,
  );
  return best !== undefined && nowMs >= state.probeAtMs + yieldMs(state, callers[best]!) ? best : undefined;
}

function yieldMs({ probedBy, probes }: BreakerState, { endpoint, account }: Caller): number {
  if (probedBy === undefined || probedBy.endpoint !== endpoint) return 0;
  return Math.min(YIELD_MS, gapMs(probes) / 2) * (probedBy.account === account ? 1 : 0.5);
}

/**
 * When a call that was not admitted should ask again, in milliseconds.
 * @param place calls that wait before it: after an outage nobody comes back in the same instant as everybody else.
 */
export function waitMs(state: BreakerState, nowMs: number, place: number, caller: Caller): number {
  if (state.phase === 'closed') return 0;
  if (state.phase === 'recovering')
    return Math.max(50, state.recoverAtMs + allowedAtMs(state.passed + 1 + place) - nowMs);
  const lateMs = Math.min(MOST_LATE_MS, SPREAD_MS * place);
  const turnAtMs = state.probeAtMs + yieldMs(state, caller);
  if (nowMs < turnAtMs) return turnAtMs - nowMs + lateMs;
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

function count(state: BreakerState, report: BreakerReport): BreakerState {
  const { ok, failed, failedLast = 0, unreachableLast = 0, endpoints = {} } = report;
  const calls = ok + failed;
  if (calls === 0) return state;
  // What failed before an answer says nothing about now.
  const before = ok > 0 ? CLOSED : state;
  const keep = FADE ** calls;
  const added = (1 - keep) / (1 - FADE) / calls;
  return {
    ...state,
    ok: state.ok * keep + ok * added,
    // The share that fails is looked at endpoint by endpoint.
    failed: state.failed * keep + (report.endpoints === undefined ? failed * added : 0),
    inARow: ok > 0 ? failedLast : state.inARow + failed,
    unreachable: before.unreachable + unreachableLast,
    endpoints: sumOf(before.endpoints, endpoints),
  };
}

function isFailing({ ok, failed, inARow, unreachable, endpoints }: BreakerState): boolean {
  // A provider as a whole: its endpoints have gates of their own, for what concerns one of them.
  const byEndpoint = Object.values(endpoints);
  if (byEndpoint.length > 0) {
    const ofOthers = byEndpoint.reduce((sum, count) => sum + count, 0) - Math.max(...byEndpoint);
    return unreachable >= UNREACHABLE_IN_A_ROW || (inARow >= IN_A_ROW && ofOthers >= LEAST_OF_OTHERS);
  }
  if (inARow >= IN_A_ROW) return true;
  return failed >= LEAST_FAILED && failed + ok >= LEAST_CALLS && failed >= ok;
}

function sumOf(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** The store's clock may be set back: nothing lies further ahead than it was put there. */
function fit(state: BreakerState, nowMs: number): BreakerState {
  const { probeAtMs, leaseMs, recoverAtMs, recoveredAtMs } = state;
  if (probeAtMs <= nowMs + LONGEST_GAP_MS && leaseMs <= nowMs + LEASE_MS && recoverAtMs <= nowMs) return state;
  return {
    ...state,
    probeAtMs: Math.min(probeAtMs, nowMs + LONGEST_GAP_MS),
    leaseMs: Math.min(leaseMs, nowMs + LEASE_MS),
    recoverAtMs: Math.min(recoverAtMs, nowMs),
    recoveredAtMs: Math.min(recoveredAtMs, nowMs + RECOVERY_MS),
  };
}
