/**
 * A provider's breaker: while the provider fails, its gate is held, and one call at a time finds out whether it is back.
 * The gate is read with every acquire anyway, so a healthy provider costs nothing here; only who meets a held gate asks
 * its row. The law is pure, in `transitions.ts`. Next stop: `limiter/acquire/acquire.ts` decides through `guard`.
 */
import { isDataError } from '../../db/data-error.ts';
import type { Pool } from '../../db/pool.ts';
import type { PreparedCall } from '../acquire/encode-batch.ts';
import {
  admit,
  afterReport,
  CLOSED,
  waitMs,
  type Admission,
  type BreakerReport,
  type BreakerState,
} from './transitions.ts';
import { bucketId, gateKey } from '../buckets/bucket-row.ts';
import { LimiterUnavailable } from '../errors.ts';
import type { TimedDecision } from '../acquire/batcher.ts';
import { BREAKER_READ, BREAKER_WRITE } from '../statements.ts';
import type { Observation, Permit } from '../types.ts';

type Decide = (lane: string, call: PreparedCall) => Promise<TimedDecision>;

export interface Breaker {
  /** The decision on a call, the gate's own one included. */
  readonly guard: (decide: Decide) => Decide;
  /** Counts how a call ended; of a probe it is told at once. Never fails: what can't be stored is told later. */
  readonly report: (permit: Permit, observation: Observation) => Promise<void>;
  readonly stop: () => void;
}

/** Failures are told soon; answers alone only so often that an old failure is not the last that was heard. */
const TELL_FAILURES_MS = 200;
const TELL_ANSWERS_MS = 5_000;
/** Another worker that writes at the same time wins; who has lost so often in a row comes back. */
const MOST_TRIES = 8;
const LOST_WAIT_MS = 200;
/** So many different calls that fail are an outage long before. */
const MOST_SUSPECTS = 100;

interface Gate {
  readonly id: number;
  ok: number;
  failed: number;
  /** Failures since the last answer: in one process their order is known. */
  failedLast: number;
  /** Calls whose failures since the last answer may have been their own. */
  readonly suspects: Set<string>;
  reason: string | undefined;
  timer: NodeJS.Timeout | undefined;
  tellAt: number;
  /** Callers that ask in one statement. */
  asking: ((turn: Turn) => void)[];
  failAsking: ((error: unknown) => void)[];
  isBusy: boolean;
  /** What it is known to be until `heldUntil`, by `performance.now()`: nobody needs to ask the store before. */
  known:
    { readonly state: BreakerState; readonly atMs: number; readonly at: number; readonly reason: string } | undefined;
  heldUntil: number;
  /** Callers sent away since the last probe. */
  sentAway: number;
}

type Turn =
  | { readonly kind: 'go'; readonly isProbe: boolean }
  /** The breaker is not what holds the gate. */
  | { readonly kind: 'not-failing' }
  | { readonly kind: 'wait'; readonly waitMs: number; readonly detail: string };

interface GateRow {
  readonly state: BreakerState | null;
  readonly version: number;
  readonly is_paused: boolean;
  readonly reason: string | null;
  readonly at_ms: number;
}

export function createBreaker(pool: Pool): Breaker {
  const gates = new Map<number, Gate>();
  let isStopped = false;

  return { guard, report, stop };

  function guard(decide: Decide): Decide {
    return async (lane, call) => {
      const gate = gateOf(call.gateId);
      if (call.renews === undefined && performance.now() < gate.heldUntil && gate.known)
        return denied(waitOf(lane, gate, gate.sentAway++));
      const decision = await decide(lane, call);
      if (decision.granted || decision.cause !== 'gate' || call.renews !== undefined) return decision;
      const turn = await ask(lane, gate);
      if (turn.kind === 'not-failing') return decision;
      if (turn.kind === 'wait') return denied(turn);
      const admitted = await decide(lane, { ...call, skipsGate: true });
      if (!turn.isProbe) return admitted;
      if (admitted.granted) return { ...admitted, isProbe: true };
      // Another limit has no room: somebody else may find out.
      await tell(gate, { ok: 0, failed: 0, probe: 'none' });
      return admitted;
    };
  }

  async function report(permit: Permit, observation: Observation): Promise<void> {
    const key = permit.charges[0]?.key;
    if (key === undefined || isStopped) return;
    const gate = gateOf(bucketId(gateKey(key)));
    const { result } = observation;
    const says =
      result === 'not-sent' || observation.isEndedByUs === true ? 'none' : result === 'failed' ? 'failed' : 'ok';
    if (says === 'failed') gate.reason = observation.reason ?? gate.reason;
    if (permit.isProbe) return tell(gate, { ok: 0, failed: 0, probe: says });
    if (says === 'none') return;
    if (says === 'ok') gate.suspects.clear();
    if (says === 'failed' && observation.isMaybeItsOwn === true) {
      if (gate.suspects.has(permit.callKey)) return;
      if (gate.suspects.size < MOST_SUSPECTS) gate.suspects.add(permit.callKey);
    }
    gate[says]++;
    gate.failedLast = says === 'ok' ? 0 : gate.failedLast + 1;
    tellLater(gate, says === 'failed' ? TELL_FAILURES_MS : TELL_ANSWERS_MS);
  }

  function stop(): void {
    isStopped = true;
    for (const { timer } of gates.values()) clearTimeout(timer);
  }

  function gateOf(id: number): Gate {
    let gate = gates.get(id);
    if (gate === undefined) {
      gate = {
        id,
        ok: 0,
        failed: 0,
        failedLast: 0,
        suspects: new Set(),
        reason: undefined,
        timer: undefined,
        tellAt: Infinity,
        asking: [],
        failAsking: [],
        isBusy: false,
        known: undefined,
        heldUntil: 0,
        sentAway: 0,
      };
      gates.set(id, gate);
    }
    return gate;
  }

  // ── Whose turn it is ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Callers of one process ask together. @throws LimiterUnavailable when the store can't be asked. */
  function ask(lane: string, gate: Gate): Promise<Turn> {
    return new Promise((resolve, reject) => {
      gate.asking.push(resolve);
      gate.failAsking.push(reject);
      if (!gate.isBusy) void answerAll(lane, gate);
    });
  }

  async function answerAll(lane: string, gate: Gate): Promise<void> {
    gate.isBusy = true;
    while (gate.asking.length > 0) {
      const { asking, failAsking } = gate;
      gate.asking = [];
      gate.failAsking = [];
      try {
        const turns = await turnsFor(lane, gate, asking.length);
        for (const [index, resolve] of asking.entries()) resolve(turns(index));
      } catch (error) {
        for (const reject of failAsking) reject(new LimiterUnavailable(error));
      }
    }
    gate.isBusy = false;
  }

  async function turnsFor(lane: string, gate: Gate, calls: number): Promise<(index: number) => Turn> {
    let admission: Admission | undefined;
    const row = await change(gate, (state, atMs, isPaused) => {
      admission = isPaused ? undefined : admit(state, atMs, calls);
      return admission?.state ?? state;
    });
    if (row === 'lost') return () => ({ kind: 'wait', waitMs: LOST_WAIT_MS, detail: `${nameOf(lane)} is failing` });
    if (row === undefined || admission === undefined) return () => ({ kind: 'not-failing' });
    const { admitted, isProbe, state } = admission;
    return (index) => {
      if (index < admitted) return { kind: 'go', isProbe };
      // Back by degrees: each at the time when its turn should come.
      return waitOf(lane, gate, state.phase === 'recovering' ? index - admitted : gate.sentAway++);
    };
  }

  function waitOf(lane: string, gate: Gate, place: number): Extract<Turn, { kind: 'wait' }> {
    const { state, atMs, at, reason } = gate.known!;
    const nowMs = atMs + performance.now() - at;
    const because = reason === '' ? '' : ` (${reason})`;
    const since = new Date(state.sinceMs).toISOString();
    const next =
      state.phase === 'recovering'
        ? 'it answers again, and calls come back by degrees'
        : nowMs < state.probeAtMs
          ? `next probe at ${new Date(state.probeAtMs).toISOString()}`
          : 'a probe is on its way';
    return {
      kind: 'wait',
      waitMs: waitMs(state, nowMs, place),
      detail: `${nameOf(lane)} is failing since ${since}${because}: ${next}`,
    };
  }

  // ── How calls ended ────────────────────────────────────────────────────────────────────────────────────────────────

  function tellLater(gate: Gate, delayMs: number): void {
    const at = performance.now() + delayMs;
    if (at >= gate.tellAt) return;
    clearTimeout(gate.timer);
    gate.tellAt = at;
    gate.timer = setTimeout(() => {
      gate.tellAt = Infinity;
      const { ok, failed, failedLast } = gate;
      gate.ok = 0;
      gate.failed = 0;
      gate.failedLast = 0;
      void tell(gate, { ok, failed, failedLast });
    }, delayMs);
    gate.timer.unref();
  }

  async function tell(gate: Gate, report: BreakerReport): Promise<void> {
    try {
      const row = await change(gate, (state, atMs) => afterReport(state, atMs, report));
      if (row !== 'lost') return;
    } catch (error) {
      if (isDataError(error)) return noteUnstorable(gate, report);
      // The store is down: then no permits are given either. A probe that was not heard of is given up by itself.
    }
    if (gate.ok === 0) gate.failedLast += report.failedLast ?? 0;
    gate.ok += report.ok;
    gate.failed += report.failed;
    if (report.ok + report.failed > 0 && !isStopped) tellLater(gate, 1_000);
  }

  /** The counts can always be stored; the reason comes from outside. */
  async function noteUnstorable(gate: Gate, report: BreakerReport): Promise<void> {
    if (gate.reason === undefined) return;
    gate.reason = undefined;
    await tell(gate, report);
  }

  /** Reads, applies, writes unless somebody else did; `undefined` when there is no such row. */
  async function change(
    gate: Gate,
    step: (state: BreakerState, atMs: number, isPaused: boolean) => BreakerState,
  ): Promise<GateRow | 'lost' | undefined> {
    for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
      const read = await pool.query<GateRow>({ name: 'sluice-breaker-read', text: BREAKER_READ, values: [gate.id] });
      const at = performance.now();
      const row = read.rows[0];
      if (row === undefined) return undefined;
      const before = row.state ?? CLOSED;
      const state = step(before, row.at_ms, row.is_paused);
      if (state === before || (await write(gate, row, before, state))) {
        const reason = (state.phase === before.phase ? row.reason : gate.reason) ?? '';
        learn(gate, { state, atMs: row.at_ms, at, reason });
        return row;
      }
    }
    return 'lost';
  }

  async function write(gate: Gate, row: GateRow, before: BreakerState, state: BreakerState): Promise<boolean> {
    const hasTurned = state.phase !== before.phase;
    const isHeld = state.phase !== 'closed';
    const reason = hasTurned && state.phase === 'open' ? (gate.reason ?? null) : row.reason;
    const event = { phase: state.phase, since: new Date(state.sinceMs || before.sinceMs).toISOString(), probes: state.probes || before.probes, reason }; // prettier-ignore
    const { rows } = await pool.query<{ written: boolean }>({
      name: 'sluice-breaker-write',
      text: BREAKER_WRITE,
      values: [
        gate.id,
        row.version,
        JSON.stringify(state),
        isHeld,
        Math.round(state.probeAtMs * 1_000),
        state.sinceMs,
        reason,
        hasTurned ? JSON.stringify(event) : null,
      ],
    });
    return rows[0]!.written;
  }

  function learn(gate: Gate, known: NonNullable<Gate['known']>): void {
    if (known.state.probeAtMs !== gate.known?.state.probeAtMs) gate.sentAway = 0;
    gate.known = known;
    gate.heldUntil = known.state.phase === 'open' ? known.at + known.state.probeAtMs - known.atMs : 0;
  }
}

function nameOf(lane: string): string {
  return lane.slice(0, Math.max(0, lane.lastIndexOf('/')));
}

function denied(wait: { readonly waitMs: number; readonly detail: string }): TimedDecision {
  return {
    granted: false,
    cause: 'failing',
    bucket: -1,
    waitMs: wait.waitMs,
    ahead: 0,
    untilMs: undefined,
    detail: wait.detail,
    decidedAt: performance.now(),
    lateMs: 0,
  };
}
