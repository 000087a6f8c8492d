/**
 * Applies the laws of limits: reads what all workers reported, computes, writes unless somebody else did. Learned limits have a
 * control law (`step.ts`), known ones a law of refusals (`limiter/refusals/law.ts`); both are pure.
 * Next: the new numbers are what `limiter/acquire/acquire.ts` gives out by.
 */
import type { LearnedLimit } from '../../contracts/limits/limit.ts';
import { isDataError } from '../../db/data-error.ts';
import type { Pool } from '../../db/pool.ts';
import { DEFAULT_GUARD_MS } from '../buckets/bucket-row.ts';
import { ring } from '../buckets/ring.ts';
import { isLimit, stepRefusals, type RefusalOutput, type RefusalState } from '../refusals/law.ts';
import { LAW_READ, LAW_WRITE, REFUSALS_WRITE } from '../statements.ts';
import { foundLimit, toldWindow } from './told-window.ts';
import { initialLaw, stepLaw, type LawOutput, type LawState } from './step.ts';

export interface Learner {
  /** Steps the laws of these buckets soon, one batch after the other. */
  readonly step: (ids: readonly number[]) => void;
  /** Resolves when no step is on its way. */
  readonly settled: () => Promise<void>;
}

interface LawRow {
  readonly id: number;
  readonly kind: string;
  readonly spec: LearnedLimit;
  readonly law: unknown;
  readonly version: number;
  readonly at_ms: number;
  readonly ok: number;
  readonly fresh: number;
  readonly refused: number;
  readonly failed: number;
  readonly stale: number;
  readonly retry_ms: number | null;
  readonly waited_us: number;
  readonly granted: number;
  readonly demand: number;
  readonly sibling_rate: number | null;
  readonly in_use: number;
  readonly units: number;
  readonly length_ms: number;
  readonly closed_ms: number;
  readonly is_counted: boolean;
}

// Laws that are stepped in one statement.
const MOST_AT_ONCE = 200;

export function createLearner(pool: Pool): Learner {
  const due = new Set<number>();
  let running: Promise<void> | undefined;

  return {
    step(ids) {
      for (const id of ids) due.add(id);
      // One connection at most, however many laws are due.
      running ??= run().finally(() => (running = undefined));
    },
    async settled() {
      await running;
    },
  };

  async function run(): Promise<void> {
    while (due.size > 0) {
      const ids = [...due].slice(0, MOST_AT_ONCE);
      for (const id of ids) due.delete(id);
      try {
        // Another worker that steps the same law at the same time wins; what it did not take in is stepped again.
        for (const id of await stepAll(ids)) due.add(id);
      } catch {
        // The store is down, so no permits are given either; what was reported waits in the rows for the next step.
        return;
      }
    }
  }

  /** Returns the ids that have to be stepped again. */
  async function stepAll(ids: readonly number[]): Promise<number[]> {
    const { rows } = await pool.query<LawRow>({ name: 'sluice-limit-law-read', text: LAW_READ, values: [ids] });
    const learned: object[] = [];
    const known: object[] = [];
    for (const row of rows) {
      const refusals = row.kind === 'learned' ? undefined : stepRefusalsOf(row);
      const found = refusals && limitOfNone(row, refusals);
      if (refusals && !found) known.push(toRefusals(row, refusals));
      else learned.push(toStep(row, found ?? next(row)));
    }
    return [
      ...(await write('sluice-limit-law-write', LAW_WRITE, learned)),
      ...(await write('sluice-limit-refusals-write', REFUSALS_WRITE, known)),
    ];
  }

  async function write(name: string, text: string, steps: readonly object[]): Promise<number[]> {
    if (steps.length === 0) return [];
    try {
      const written = await pool.query<{ lost: string[] }>({ name, text, values: [JSON.stringify(steps)] });
      return written.rows[0]!.lost.map(Number);
    } catch (error) {
      if (!isDataError(error)) throw error;
      // One law that can't be stored must not keep the others from being stepped.
      if (steps.length === 1) return [];
      const lost: number[] = [];
      for (const step of steps) lost.push(...(await write(name, text, [step])));
      return lost;
    }
  }
}

/** Calls that no limit applies to, and that are refused although their answers tell one, or again and again: it is learned from here on. */
function limitOfNone(row: LawRow, { state }: RefusalOutput): LawOutput | undefined {
  if (row.kind !== 'none') return undefined;
  const isTold = row.units > 1 && row.refused > 0 && row.is_counted;
  if (isTold) return toldWindow(row.spec, row.at_ms, row.units, row.length_ms);
  return isLimit(state) ? foundLimit(row.spec, row.at_ms) : undefined;
}

function toStep(row: LawRow, output: LawOutput): object {
  const { window } = output;
  return {
    id: row.id,
    version: row.version,
    law: output.state,
    atMs: row.at_ms,
    rate: output.ratePerSecond,
    burst: output.burst,
    hold: output.mode === 'hold',
    probeMs: output.probeAtMs,
    epoch: output.epoch,
    max: window?.max,
    ...(window === undefined ? NO_RING : ring(Math.round(window.perMs * 1_000), DEFAULT_GUARD_MS * 1_000)),
    ok: row.ok,
    fresh: row.fresh,
    refused: row.refused,
    failed: row.failed,
    stale: row.stale,
    waitedUs: row.waited_us,
    granted: row.granted,
    event: output.event,
  };
}

const NO_RING = { winUs: 0, guardUs: 0, slotUs: 0, slots: 0, slotsAhead: 0 };

function next(row: LawRow): LawOutput {
  const learned = row.sibling_rate === null ? undefined : { ratePerSecond: row.sibling_rate };
  const first = row.law === null ? initialLaw(row.spec, row.at_ms, learned) : undefined;
  if (first !== undefined && row.ok + row.refused + row.failed + row.stale === 0) return first;
  return stepLaw(
    first?.state ?? (row.law as LawState),
    {
      atMs: row.at_ms,
      ok: row.ok,
      fresh: row.fresh,
      refused: row.refused,
      stale: row.stale,
      failed: row.failed,
      demand: row.demand,
      sent: row.granted,
      ...(row.retry_ms === null ? {} : { retryAfterMs: row.retry_ms }),
    },
    row.spec,
  );
}

function stepRefusalsOf(row: LawRow): RefusalOutput {
  return stepRefusals((row.law as RefusalState | null) ?? undefined, {
    atMs: row.at_ms,
    refused: row.refused,
    late: row.stale,
    isAnswered: row.fresh > 0,
    isCounted: row.is_counted,
    used: row.in_use,
    sent: row.granted,
    units: row.units,
    lengthMs: row.length_ms,
    closedMs: row.closed_ms,
    ...(row.retry_ms === null ? {} : { toldMs: row.retry_ms }),
  });
}

function toRefusals(row: LawRow, { state, blockMs, dueAtMs, event }: RefusalOutput): object {
  return {
    id: row.id,
    version: row.version,
    law: state,
    blockMs,
    dueMs: dueAtMs,
    fresh: row.fresh,
    refused: row.refused,
    stale: row.stale,
    sent: row.granted,
    event,
  };
}
