/**
 * Applies the control law of learned limits: reads what all workers reported, computes, writes unless somebody else did.
 * The law itself is pure, in `adapt.ts`. Next stop: the new rate is what `acquire.ts` paces by.
 */
import type { LearnedLimit } from '../contracts/limit.ts';
import type { Pool } from '../db/pool.ts';
import { initialLaw, stepLaw, type LawOutput, type LawState } from './adapt.ts';
import { DEFAULT_GUARD_MS, ring } from './bucket.ts';
import { LAW_READ, LAW_WRITE } from './statements.ts';

export interface Learner {
  /** Steps the laws of these buckets soon. Steps of one bucket never overlap in one process. */
  readonly step: (ids: readonly number[]) => void;
  /** Resolves when no step is on its way. */
  readonly settled: () => Promise<void>;
}

interface LawRow {
  readonly id: number;
  readonly spec: LearnedLimit;
  readonly law: LawState | null;
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
}

// Another worker that steps the same law at the same time wins; what it did not take in is stepped again.
const MOST_TRIES = 4;

export function createLearner(pool: Pool): Learner {
  const running = new Map<number, Promise<void>>();
  const again = new Set<number>();

  return {
    step(ids) {
      for (const id of ids) {
        if (running.has(id)) again.add(id);
        else running.set(id, run(id));
      }
    },
    async settled() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };

  async function run(id: number): Promise<void> {
    try {
      do {
        again.delete(id);
        for (let attempt = 1; attempt <= MOST_TRIES && !(await stepOnce(id)); attempt++);
      } while (again.has(id));
    } catch {
      // The store is down, so no permits are given either; what was reported waits in the row for the next step.
    } finally {
      running.delete(id);
    }
  }

  /** True when the step was written, or there is nothing to step. */
  async function stepOnce(id: number): Promise<boolean> {
    const read = await pool.query<LawRow>({ name: 'sluice-limit-law-read', text: LAW_READ, values: [[id]] });
    const row = read.rows[0];
    if (row === undefined) return true;
    const output = next(row);
    const window = output.window;
    const shape = window === undefined ? NO_RING : ring(window.perMs * 1_000, DEFAULT_GUARD_MS * 1_000);
    const { rows } = await pool.query<{ written: boolean }>({
      name: 'sluice-limit-law-write',
      text: LAW_WRITE,
      values: [
        row.id,
        row.version,
        JSON.stringify(output.state),
        row.at_ms,
        output.ratePerSecond,
        output.burst,
        output.mode === 'hold',
        output.probeAtMs ?? null,
        output.epoch,
        window?.max ?? null,
        Math.round(shape.winUs),
        shape.guardUs,
        shape.slotUs,
        shape.slots,
        row.ok,
        row.fresh,
        row.refused,
        row.failed,
        row.stale,
        row.waited_us,
        row.granted,
        output.event ?? null,
      ],
    });
    return rows[0]!.written;
  }
}

const NO_RING = { winUs: 0, guardUs: 0, slotUs: 0, slots: 0 };

function next(row: LawRow): LawOutput {
  const learned = row.sibling_rate === null ? undefined : { ratePerSecond: row.sibling_rate };
  const first = row.law === null ? initialLaw(row.spec, row.at_ms, learned) : undefined;
  if (first !== undefined && row.ok + row.refused + row.failed + row.stale === 0) return first;
  return stepLaw(
    row.law ?? first!.state,
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
