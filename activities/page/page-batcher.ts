/**
 * Plain pages that come together are stored in one transaction: a worker that is busy with many lists needs fewer, larger ones.
 * Next: `db/group-commit.ts`, then `db/stores/sync/insert-only-pages.ts`.
 */
import { groupCommit } from '../../db/group-commit.ts';
import type { Pool } from '../../db/pool.ts';
import { storePlainPages } from '../../db/stores/sync/insert-only-pages.ts';
import { commitPage, type CommittedPage, type PageToCommit } from '../../db/stores/sync/page-store.ts';

export interface PageBatches {
  /** Stores a plain page; in its own transaction when it can't be stored together with others. */
  store(page: PageToCommit): Promise<CommittedPage>;
}

/** Rows of a batch at most, or a single page: its locks are held for some 10 µs a row. */
const MOST_ROWS = 1_000;
/** Pages of a batch at most: as many go alone, at once, when it fails. */
const MOST_PAGES = 50;

export function createPageBatches(pool: Pool): PageBatches {
  return {
    store: groupCommit<PageToCommit, CommittedPage>({
      // One unit twice is the same page by two attempts: the second one comes in the next batch, and is stale then.
      mayJoin: (batch, { unit, records }) =>
        batch.length < MOST_PAGES &&
        batch.reduce((rows, page) => rows + page.records.length, records.length) <= MOST_ROWS &&
        !batch.some((page) => page.unit === unit),
      together: async (pages) => {
        const stored = await storePlainPages(pool, pages);
        const byUnit = new Map(stored.map((page) => [page.unit, page]));
        return pages.map((page) => {
          const found = byUnit.get(page.unit);
          // A page that came late stores nothing, but its call is counted.
          return found ? committedAs(page, found.isRunning) : commitPage(pool, page);
        });
      },
      // One of them has a row that is known, or can't be stored at all.
      alone: (page) => commitPage(pool, page),
    }),
  };
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
