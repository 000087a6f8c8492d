/**
 * Group commit of plain pages: at most two batches of a process are being stored, and pages that come meanwhile join the
 * next. So a worker that is busy with many lists needs fewer, larger transactions. Next: `db/stores/sync/insert-only-pages.ts`.
 */
import type { Pool } from '../../db/pool.ts';
import { storePlainPages } from '../../db/stores/sync/insert-only-pages.ts';
import { commitPage, type CommittedPage, type PageToCommit } from '../../db/stores/sync/page-store.ts';

export interface PageBatches {
  /** Stores a plain page; in its own transaction when it can't be stored together with others. */
  store(page: PageToCommit): Promise<CommittedPage>;
}

interface Waiting {
  readonly page: PageToCommit;
  readonly resolve: (committed: CommittedPage | Promise<CommittedPage>) => void;
}

const BATCHES_AT_ONCE = 2;
/** Rows of a batch at most, or a single page: its locks are held for some 10 µs a row. */
const MOST_ROWS = 1_000;
/** Pages of a batch at most: as many go alone, at once, when it fails. */
const MOST_PAGES = 50;

export function createPageBatches(pool: Pool): PageBatches {
  let waiting: Waiting[] = [];
  let running = 0;

  return {
    store: (page) =>
      new Promise((resolve) => {
        waiting.push({ page, resolve });
        if (running < BATCHES_AT_ONCE) {
          running++;
          // After this turn of the event loop, so that all pages that came with it join.
          setImmediate(() => void run());
        }
      }),
  };

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch();
      try {
        const stored = await storePlainPages(
          pool,
          batch.map(({ page }) => page),
        );
        const byUnit = new Map(stored.map((page) => [page.unit, page]));
        for (const { page, resolve } of batch) {
          const found = byUnit.get(page.unit);
          // A page that came late stores nothing, but its call is counted.
          resolve(found ? committedAs(page, found.isRunning) : commitPage(pool, page));
        }
      } catch {
        // One of them has a row that is known, or can't be stored at all: each goes its own way, with its own error.
        for (const { page, resolve } of batch) resolve(commitPage(pool, page));
      }
    }
    running--;
  }

  // One unit twice is the same page by two attempts: the second one comes in the next batch, and is stale then.
  function takeBatch(): Waiting[] {
    const units = new Set<number>();
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    let rows = 0;
    for (const each of waiting) {
      const { unit, records } = each.page;
      const isFull = batch.length === MOST_PAGES || (batch.length > 0 && rows + records.length > MOST_ROWS);
      if (isFull || units.has(unit)) {
        rest.push(each);
        continue;
      }
      units.add(unit);
      batch.push(each);
      rows += records.length;
    }
    waiting = rest;
    return batch;
  }
}

function committedAs({ records }: PageToCommit, isRunning: boolean): CommittedPage {
  const rows = records.length;
  return {
    rows,
    fresh: rows,
    changed: rows,
    ended: null,
    reason: null,
    lanes: 0,
    isRunning,
    children: {},
    isAllNew: true,
  };
}
