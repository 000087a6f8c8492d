/**
 * Group commit: per process and provider at most one batch of acquires is on its way; calls that come meanwhile join the
 * next. So thousands of callers need one connection, and the batch grows by itself when the store is busy.
 * Called by `acquire.ts`. Next: `encode-batch.ts`.
 */
import { isDataError } from '../../db/data-error.ts';
import type { Pool } from '../../db/pool.ts';
import { decodeBatch, encodeBatch, type BatchResult, type PreparedCall, type TimedDecision } from './encode-batch.ts';
import { LimiterUnavailable } from '../errors.ts';
import { ACQUIRE } from '../statements.ts';

export interface GroupCommitOptions {
  readonly pool: Pool;
  /** Makes rows that are not there yet. */
  readonly configure: (ids: readonly number[]) => Promise<void>;
  /** Called with learned buckets whose control law wants to hear that time passed. */
  readonly onLawDue: (ids: readonly number[]) => void;
  /** Calls in one statement at most. Default 512. */
  readonly maxBatch?: number;
}

interface Waiting {
  readonly call: PreparedCall;
  readonly resolve: (decision: TimedDecision) => void;
  readonly reject: (error: unknown) => void;
}

interface Lane {
  waiting: Waiting[];
  busy: boolean;
  /** How old grants are when they arrive here, in milliseconds: jumps up, sinks slowly. */
  ageMs: number;
  /** All of the last batch was granted: then who asks is sent only when the store wants to know. */
  hasRoom: boolean;
}

const defaults = { maxBatch: 512 } satisfies Partial<GroupCommitOptions>;
// Until here the guard has room for both the store's answer and the way to the third party.
const NORMAL_AGE_MS = 15;
// A deadlock needs one call key to be used by two processes at once; the statement that lost did nothing.
const TRY_AGAIN = new Set(['40P01', '40001']);
const MOST_TRIES = 5;

export interface GroupCommit {
  /** Decides one call, together with whatever else is waiting. */
  readonly decide: (lane: string, call: PreparedCall) => Promise<TimedDecision>;
  /** A permit was this old when it came to be used, in milliseconds: too old. The next ones are counted later. */
  readonly wasLate: (lane: string, ageMs: number) => void;
}

export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { pool, configure, onLawDue, maxBatch } = { ...defaults, ...options };
  const lanes = new Map<string, Lane>();

  return { decide: enqueue, wasLate };

  function wasLate(name: string, ageMs: number): void {
    const lane = lanes.get(name);
    if (lane !== undefined) lane.ageMs = Math.max(lane.ageMs, ageMs);
  }

  function enqueue(name: string, call: PreparedCall): Promise<TimedDecision> {
    return new Promise((resolve, reject) => {
      let lane = lanes.get(name);
      if (lane === undefined) lanes.set(name, (lane = { waiting: [], busy: false, ageMs: 0, hasRoom: false }));
      // A permit that is renewed gets older while it waits.
      if (call.renews === undefined) lane.waiting.push({ call, resolve, reject });
      else lane.waiting.unshift({ call, resolve, reject });
      if (lane.busy) return;
      lane.busy = true;
      // After this turn of the event loop, so that everybody who was woken by the same answer joins.
      setImmediate(() => void run(lane));
    });
  }

  async function run(lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      await settle(lane, takeBatch(lane, maxBatch));
      // Whoever was answered just now may ask for the next permit in this turn.
      await new Promise(setImmediate);
    }
    lane.busy = false;
  }

  async function settle(lane: Lane, batch: readonly Waiting[]): Promise<void> {
    try {
      const decisions = await decide(
        lane,
        batch.map((entry) => entry.call),
      );
      for (let i = 0; i < batch.length; i++) batch[i]!.resolve(decisions[i]!);
    } catch (error) {
      const isMistake = isDataError(error);
      // One call that the store can't hold must not keep the others from being decided.
      if (isMistake && batch.length > 1) for (const entry of batch) await settle(lane, [entry]);
      else
        for (const entry of batch)
          entry.reject(isMistake ? notStorable(entry.call, error) : new LimiterUnavailable(error));
    }
  }

  async function decide(lane: Lane, calls: readonly PreparedCall[]): Promise<TimedDecision[]> {
    const sent = encodeBatch(calls);
    const lateMs = lane.ageMs > NORMAL_AGE_MS ? Math.min(1_000, 2 * lane.ageMs) : 0;
    let requests = lane.hasRoom && sent.renewals === null ? null : sent.requests();
    for (let attempt = 1; ; attempt++) {
      const startedAt = performance.now();
      try {
        const { rows } = await pool.query<BatchResult>({
          name: 'sluice-limit-acquire',
          text: ACQUIRE,
          values: [sent.ids, sent.demand, sent.gates, requests, sent.renewals, Math.round(lateMs * 1_000)],
        });
        const result = rows[0]!;
        if (result.missing !== null) {
          if (attempt >= MOST_TRIES)
            throw new Error(`limit rows vanish as soon as they are made: ${result.missing.join(', ')}`);
          await configure(result.missing.map(Number));
          continue;
        }
        if (result.slots === null) {
          requests = sent.requests();
          continue;
        }
        if (result.law_due !== null) onLawDue(result.law_due.map(Number));
        // The wait for locks is not part of a permit's age: the clock was read after it.
        const decidedAt = startedAt + result.lock_wait_us / 1_000;
        lane.ageMs = Math.max(performance.now() - decidedAt, lane.ageMs * 0.95);
        lane.hasRoom = result.denied === null;
        return decodeBatch(calls, sent, result, { decidedAt, lateMs });
      } catch (error) {
        // It may have crashed, and then all that was reserved counts as used.
        lane.hasRoom = false;
        if (attempt < MOST_TRIES && TRY_AGAIN.has((error as { code?: string }).code ?? '')) continue;
        throw error;
      }
    }
  }
}

function notStorable(call: PreparedCall, cause: unknown): TypeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TypeError(`The limiter's store can't hold the call ${JSON.stringify(call.callKey)}: ${why}`, { cause });
}

// One key twice in a batch would be one place for two calls: the second one goes with the next batch.
function takeBatch(lane: Lane, maxBatch: number): Waiting[] {
  const keys = new Set<string>();
  const batch: Waiting[] = [];
  const rest: Waiting[] = [];
  for (const entry of lane.waiting) {
    if (batch.length < maxBatch && !keys.has(entry.call.callKey)) {
      keys.add(entry.call.callKey);
      batch.push(entry);
    } else rest.push(entry);
  }
  lane.waiting = rest;
  return batch;
}
