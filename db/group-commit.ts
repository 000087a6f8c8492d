/**
 * Group commit: what comes while the database is busy goes together in the next transaction. A commit costs the
 * database as much as what most of them commit. Used by: `activities/page/page-batcher.ts`,
 * `activities/run/end-batcher.ts`. The limiter has its own, whose answers grow old.
 */
export interface Grouping<Item, Result> {
  /** Whether it may go in the same transaction as those that came before it. Where it may not, those behind it still may. */
  readonly mayJoin: (batch: readonly Item[], item: Item) => boolean;
  /** Results in the order of the items. */
  readonly together: (items: readonly Item[]) => Promise<readonly (Result | Promise<Result>)[]>;
  /** What becomes of each when they can't be done together, with its own error. */
  readonly alone: (item: Item) => Promise<Result>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result | Promise<Result>) => void;
}

const BATCHES_AT_ONCE = 2;

/** @returns what does one, together with whatever else waits. */
export function groupCommit<Item, Result>({
  mayJoin,
  together,
  alone,
}: Grouping<Item, Result>): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let running = 0;

  return (item) =>
    new Promise((resolve) => {
      waiting.push({ item, resolve });
      if (running >= BATCHES_AT_ONCE) return;
      running++;
      // After this turn of the event loop, so that all that came with it join.
      setImmediate(() => void run());
    });

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = take();
      try {
        const results = await together(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
      } catch {
        for (const { item, resolve } of batch) resolve(alone(item));
      }
    }
    running--;
  }

  function take(): Waiting<Item, Result>[] {
    const items: Item[] = [];
    const batch: Waiting<Item, Result>[] = [];
    const rest: Waiting<Item, Result>[] = [];
    for (const each of waiting) {
      const joins = batch.length === 0 || mayJoin(items, each.item);
      if (joins) items.push(each.item);
      (joins ? batch : rest).push(each);
    }
    waiting = rest;
    return batch;
  }
}
