/**
 * What was noted about buckets, collected until it is sent: one statement on its way at a time, for all buckets. It has a number, and
 * goes again as it is until the store has answered: what was stored already is not added once more.
 * What the store refuses of one bucket keeps none of the others from being told.
 * Used by: `report.ts`. Next: `db/functions/limiter/report/report.sql`, then `limiter/adaptive/controller.ts`.
 */
import { isDataError } from '../../db/data-error.ts';
import type { Pool } from '../../db/pool.ts';
import { createTellOnce, type Telling } from '../../db/told-once.ts';
import { LimiterUnavailable } from '../errors.ts';
import { REPORT } from '../statements.ts';
import { emptyTally, ownCountsOf, tallyJson, type Tally } from './pending-report.ts';

export interface ReportSender {
  /** What is collected about a bucket, to be added to. */
  readonly tallyOf: (id: number) => Tally;
  /** Sends what is collected in so many milliseconds at the latest. */
  readonly sendWithin: (delayMs: number) => void;
  /** Sends what is collected. @throws LimiterUnavailable when the store can't be asked: it is kept, and sent later. */
  readonly flush: () => Promise<void>;
}

export interface ReportSenderOptions {
  readonly pool: Pool;
  /** Called with learned buckets whose control law should be stepped. */
  readonly onLawDue: (ids: readonly number[]) => void;
  /** Called with a bucket and how many calls in flight ended. */
  readonly onRelease: (id: number, calls: number) => void;
  /** Called for a bucket of whose report the store refused a part: that part is lost. */
  readonly onDropped: () => void;
}

/** What goes in one statement. */
interface Parcel {
  readonly tallies: readonly Tally[];
  /** Without what the third party said. */
  readonly isOwnCounts: boolean;
}

const TRY_AGAIN_MS = 1_000;

export function createReportSender(options: ReportSenderOptions): ReportSender {
  let collected = new Map<number, Tally>();
  /** Of what the store did not take as a whole. */
  const parts: Parcel[] = [];
  /** What is collected goes once with each flush: what comes meanwhile waits for the next. */
  let isDue = false;
  const tellOnce = createTellOnce(take);
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Infinity;
  let sending = Promise.resolve();

  return { tallyOf, sendWithin, flush };

  function tallyOf(id: number): Tally {
    let tally = collected.get(id);
    if (tally === undefined) collected.set(id, (tally = emptyTally(id)));
    return tally;
  }

  function sendWithin(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => {
      // The store is down: what was collected is kept and goes after what was not answered.
      flush().catch(() => sendWithin(TRY_AGAIN_MS));
    }, delayMs);
  }

  /** One statement on its way at a time; what comes meanwhile goes with the next. */
  function flush(): Promise<void> {
    sending = sending.then(sendCollected, sendCollected);
    return sending;
  }

  async function sendCollected(): Promise<void> {
    clearTimeout(timer);
    dueAt = Infinity;
    isDue = true;
    try {
      await tellOnce(send);
    } catch (error) {
      sendWithin(TRY_AGAIN_MS);
      throw new LimiterUnavailable(error);
    }
  }

  function take(): Parcel | undefined {
    const part = parts.shift();
    if (part !== undefined || !isDue || collected.size === 0) return part;
    isDue = false;
    const tallies = [...collected.values()];
    collected = new Map();
    return { tallies, isOwnCounts: false };
  }

  async function send(parcel: Parcel, telling: Telling): Promise<void> {
    try {
      await store(options, parcel.tallies, telling);
    } catch (error) {
      if (!isDataError(error)) throw error;
      // Nothing of it was stored.
      parts.unshift(...smallerThan(parcel));
      if (parcel.tallies.length === 1 && !parcel.isOwnCounts) options.onDropped();
    }
  }
}

/**
 * What the store can't hold must not keep the rest from being told: then each bucket's report goes by itself, and of one alone its own
 * counts, without what the third party said. What is refused even so is given up.
 */
function smallerThan({ tallies, isOwnCounts }: Parcel): Parcel[] {
  if (isOwnCounts) return [];
  if (tallies.length > 1) return tallies.map((tally) => ({ tallies: [tally], isOwnCounts: false }));
  return [{ tallies: tallies.map(ownCountsOf), isOwnCounts: true }];
}

async function store(
  { pool, onRelease, onLawDue }: ReportSenderOptions,
  tallies: readonly Tally[],
  { teller, serial }: Telling,
): Promise<void> {
  const { rows } = await pool.query<{ law_due: string[] }>({
    name: 'sluice-limit-report',
    text: REPORT,
    values: [JSON.stringify(tallies.map(tallyJson)), teller, serial],
  });
  const due = rows[0]!.law_due;
  for (const { id, releases } of tallies) if (releases > 0) onRelease(id, releases);
  if (due.length > 0) onLawDue(due.map(Number));
}
