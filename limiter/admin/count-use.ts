/**
 * How this process uses its keys, told to the store every some seconds for the graphs of each limit. What is lost with a process that is
 * killed are its last seconds. Next: `db/functions/limiter/admin/note-use.sql`; read by `db/stores/limit/limit-history-store.ts`.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import type { Pool } from '../../db/pool.ts';
import { bucketId } from '../buckets/bucket-row.ts';
import { suspectsOf } from '../report/refused-charge.ts';
import { NOTE_USE } from '../statements.ts';
import type { Observation, Permit } from '../types.ts';

export interface HistoryOptions {
  /** How often it is told, in milliseconds; 0 = never. Default 10,000. */
  readonly everyMs?: number;
}

export interface UseCounter {
  readonly granted: (charges: readonly Charge[]) => void;
  readonly reported: (permit: Permit, observation: Observation) => void;
  /** Tells what is left, and ends. */
  readonly stop: () => Promise<void>;
}

const EVERY_MS = 10_000;
/** Keys of one slot; see the table. */
const MOST_KEYS = 1_000;

interface Use {
  calls: number;
  refused: number;
}

export function countUse(pool: Pool, { everyMs = EVERY_MS }: HistoryOptions = {}): UseCounter {
  const uses = new Map<string, Use>();
  let telling: Promise<void> = Promise.resolve();
  const useOf = ({ key }: Charge): Use => {
    const use = uses.get(key) ?? { calls: 0, refused: 0 };
    uses.set(key, use);
    return use;
  };
  const tell = async (): Promise<void> => {
    if (uses.size === 0) return;
    const entries = [...uses].map(([key, use]) => ({ id: bucketId(key), ...use }));
    uses.clear();
    // A store that is down has a gap in its graphs.
    await pool.query(NOTE_USE, [JSON.stringify(entries), MOST_KEYS]).catch(() => {});
  };
  const timer =
    everyMs === 0
      ? undefined
      : setInterval(() => {
          telling = telling.then(tell);
        }, everyMs);
  timer?.unref();
  return {
    granted: (charges) => {
      if (timer !== undefined) for (const charge of charges) useOf(charge).calls++;
    },
    reported: ({ charges }, observation) => {
      const { result } = observation;
      if (timer === undefined) return;
      if (result === 'not-sent') for (const charge of charges) useOf(charge).calls--;
      const refused = result === 'refused' ? charges[suspectsOf(charges, observation).at(-1)!] : undefined;
      if (refused !== undefined) useOf(refused).refused++;
    },
    stop: async () => {
      clearInterval(timer);
      await telling;
      if (timer !== undefined) await tell();
    },
  };
}
