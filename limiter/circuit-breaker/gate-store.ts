/**
 * A gate's state in its row, changed by compare and set, so that all workers share it. Next: `transitions.ts` says what it
 * becomes.
 */
import { isDataError } from '../../db/data-error.ts';
import type { Pool } from '../../db/pool.ts';
import { BREAKER_READ, BREAKER_WRITE } from '../statements.ts';
import type { Gate, KnownGate } from './gate.ts';
import { putBack, takeCounts } from './gate.ts';
import { afterReport, CLOSED, type BreakerReport, type BreakerState } from './transitions.ts';

export interface GateStore {
  /**
   * Reads, applies, writes unless somebody else did.
   * @returns `undefined` when there is no such row, `lost` when others were faster too often.
   */
  readonly change: (
    gate: Gate,
    step: (state: BreakerState, atMs: number, isPaused: boolean) => BreakerState,
  ) => Promise<'changed' | 'lost' | undefined>;
  /** Tells how calls ended. Never fails: what can't be stored is told later, and what may have been stored is not told again. */
  readonly tell: (gate: Gate, report: BreakerReport) => Promise<void>;
  /** Tells what was counted, at the latest so many milliseconds from now. */
  readonly tellLater: (gate: Gate, delayMs: number) => void;
  readonly stop: () => void;
}

interface GateRow {
  readonly state: BreakerState | null;
  readonly version: number;
  readonly is_paused: boolean;
  readonly at_ms: number;
}

/** Another worker that writes at the same time wins; who has lost so often in a row comes back. */
const MOST_TRIES = 8;
const TELL_AGAIN_MS = 1_000;

export function createGateStore(pool: Pool): GateStore {
  const timers = new Set<NodeJS.Timeout>();
  let isStopped = false;

  return { change, tell, tellLater, stop };

  async function change(
    gate: Gate,
    step: (state: BreakerState, atMs: number, isPaused: boolean) => BreakerState,
  ): Promise<'changed' | 'lost' | undefined> {
    for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
      const read = await pool.query<GateRow>({ name: 'sluice-breaker-read', text: BREAKER_READ, values: [gate.id] });
      const at = performance.now();
      const row = read.rows[0];
      if (row === undefined) return undefined;
      const before = row.state ?? CLOSED;
      const state = step(before, row.at_ms, row.is_paused);
      if (state === before || (await write(gate, row.version, before, state))) {
        learn(gate, { state, atMs: row.at_ms, at });
        return 'changed';
      }
    }
    return 'lost';
  }

  async function write(gate: Gate, version: number, before: BreakerState, state: BreakerState): Promise<boolean> {
    const hasTurned = state.phase !== before.phase;
    const event = {
      phase: state.phase,
      since: new Date(state.sinceMs || before.sinceMs).toISOString(),
      probes: state.probes || before.probes,
      reason: state.reason || before.reason,
    };
    const { rows } = await pool.query<{ written: boolean }>({
      name: 'sluice-breaker-write',
      text: BREAKER_WRITE,
      values: [
        gate.id,
        version,
        JSON.stringify(state),
        state.phase !== 'closed',
        Math.round(state.probeAtMs * 1_000),
        hasTurned ? JSON.stringify(event) : null,
      ],
    });
    return rows[0]!.written;
  }

  async function tell(gate: Gate, report: BreakerReport): Promise<void> {
    let isWriting = false;
    const step = (state: BreakerState, atMs: number): BreakerState => {
      isWriting = true;
      return afterReport(state, atMs, report);
    };
    try {
      if ((await change(gate, step)) !== 'lost') return;
    } catch (error) {
      if (isDataError(error)) return tellCounts(gate, report);
      // The store is down: then no permits are given either. A probe that was not heard of is given up by itself. Counts that may have
      // been written are not worth a second time: an outage goes on failing, and would be taken for twice as many failures.
      if (isWriting) return;
    }
    putBack(gate, report);
    if (report.ok + report.failed > 0) tellLater(gate, TELL_AGAIN_MS);
  }

  /** Numbers can always be stored; the reason comes from outside. */
  async function tellCounts(gate: Gate, { reason, ...counts }: BreakerReport): Promise<void> {
    if (reason !== undefined) await tell(gate, counts);
  }

  function tellLater(gate: Gate, delayMs: number): void {
    const at = performance.now() + delayMs;
    if (at >= gate.tellAt || isStopped) return;
    cancel(gate);
    gate.tellAt = at;
    gate.timer = setTimeout(() => {
      cancel(gate);
      void tell(gate, takeCounts(gate));
    }, delayMs);
    gate.timer.unref();
    timers.add(gate.timer);
  }

  function cancel(gate: Gate): void {
    clearTimeout(gate.timer);
    if (gate.timer) timers.delete(gate.timer);
    gate.tellAt = Infinity;
  }

  function stop(): void {
    isStopped = true;
    for (const timer of timers) clearTimeout(timer);
  }
}

function learn(gate: Gate, known: KnownGate): void {
  if (known.state.probeAtMs !== gate.known?.state.probeAtMs) gate.sentAway = 0;
  gate.known = known;
  gate.heldUntil = known.state.phase === 'open' ? known.at + known.state.probeAtMs - known.atMs : 0;
}
