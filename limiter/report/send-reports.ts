/**
 * What was noted about buckets, collected until it is sent: one statement on its way at a time, for all buckets.
 * What the store refuses of one bucket keeps none of the others from being told.
 * Used by: `report.ts`. Next: `db/functions/limiter/report/report.sql`, then `limiter/adaptive/controller.ts`.
 */
import { isDataError } from '../../db/data-error.ts';
import type { Pool } from '../../db/pool.ts';
import { LimiterUnavailable } from '../errors.ts';
import { REPORT } from '../statements.ts';
import { emptyTally, mergeTally, ownCountsOf, tallyJson, type Tally } from './pending-report.ts';

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

const TRY_AGAIN_MS = 1_000;

export function createReportSender(options: ReportSenderOptions): ReportSender {
  let collected = new Map<number, Tally>();
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
      // The store is down: what was collected is kept and goes with the next report.
      flush().catch(() => sendWithin(TRY_AGAIN_MS));
    }, delayMs);
  }

  /** One statement on its way at a time; what comes meanwhile goes with the next. */
  function flush(): Promise<void> {
    sending = sending.then(sendCollected, sendCollected);
    return sending;
  }

  async function sendCollected(): Promise<void> {
    if (collected.size === 0) return;
    clearTimeout(timer);
    dueAt = Infinity;
    const batch = collected;
    collected = new Map();
    const unsent = new Set(batch.values());
    try {
      await send(options, [...unsent], (tally) => unsent.delete(tally));
    } catch (error) {
      for (const tally of unsent) putBack(tally);
      sendWithin(TRY_AGAIN_MS);
      throw new LimiterUnavailable(error);
    }
  }

  function putBack(tally: Tally): void {
    const newer = collected.get(tally.id);
    collected.set(tally.id, newer === undefined ? tally : mergeTally(tally, newer));
  }
}

/** What the store can't hold must not keep the rest from being told: then each bucket's report goes by itself. */
async function send(
  options: ReportSenderOptions,
  tallies: readonly Tally[],
  settle: (tally: Tally) => void,
): Promise<void> {
  try {
    await store(options, tallies);
    for (const tally of tallies) settle(tally);
  } catch (error) {
    if (!isDataError(error)) throw error;
    const [only, another] = tallies;
    if (only && !another) {
      await sendOwnCounts(options, only);
      settle(only);
    } else for (const tally of tallies) await send(options, [tally], settle);
  }
}

/** The bucket's own counts, without what the third party said. What is refused even so is given up. */
async function sendOwnCounts(options: ReportSenderOptions, tally: Tally): Promise<void> {
  options.onDropped();
  try {
    await store(options, [ownCountsOf(tally)]);
  } catch (error) {
    if (!isDataError(error)) throw error;
  }
}

async function store({ pool, onRelease, onLawDue }: ReportSenderOptions, tallies: readonly Tally[]): Promise<void> {
  const { rows } = await pool.query<{ law_due: string[] }>({
    name: 'sluice-limit-report',
    text: REPORT,
    values: [JSON.stringify(tallies.map(tallyJson))],
  });
  const due = rows[0]!.law_due;
  for (const { id, releases } of tallies) if (releases > 0) onRelease(id, releases);
  if (due.length > 0) onLawDue(due.map(Number));
}
