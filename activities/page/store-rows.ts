/**
 * The rows of a page and all that goes with them, in one statement, or in one transaction with what the sync's own `store` writes.
 * A row that Postgres refuses is set aside, where the endpoint allows it, and the others are stored.
 * Used by: `store-page.ts`. Next: `page-batcher.ts` for plain pages, `db/stores/sync/page-store.ts` for all others.
 */
import { cleanText } from '../../contracts/values/clean-text.ts';
import { commitPage, type CommittedPage, type PageToCommit } from '../../db/stores/sync/page-store.ts';
import { isPlainPage } from '../../db/stores/sync/insert-only-pages.ts';
import { isRefusedData, refusedRows } from '../../db/stores/sync/refused-rows.ts';
import { inTransaction, queriesOf } from '../../db/pool.ts';
import type { Attempt } from '../sync/attempt.ts';
import { writeDown } from '../sync/write-down.ts';
import { allFlaws, asideFlaws, type PageRows } from './page-rows.ts';
import { NotUnderstood, type ReadPage } from './read-page.ts';

export interface StoredRows {
  /** The page as it was stored. */
  readonly page: PageToCommit;
  readonly committed: CommittedPage;
}

/** @throws NotUnderstood when the page holds what can't be stored, and may not be set aside. */
export async function storeRows(
  attempt: Attempt,
  page: PageToCommit,
  rows: PageRows,
  setAside: ReadPage['setAside'],
): Promise<StoredRows> {
  try {
    return stored(attempt, page, await writeDown(attempt, () => store(attempt, page, rows.data)));
  } catch (error) {
    if (!isRefusedData(error)) throw error;
    const refused = await refusedRows(attempt.deps.pool, rows.data);
    const aside = refused.flatMap(({ index, reason }) => {
      const row = setAside(rows.places[index] as number, { path: '', reason: cleanText(reason, 500) });
      return row ? [row] : [];
    });
    if (aside.length < refused.length || refused.length === 0) {
      const [first] = refused;
      const what = first ? `the row "${cleanText(rows.keys[first.index] ?? '', 60)}"` : 'the page';
      throw new NotUnderstood(`${what} can't be stored: ${cleanText(error.message, 300)}`, { cause: error });
    }
    const isGone = new Set(refused.map(({ index }) => index));
    const gone = new Set(refused.map(({ index }) => rows.keys[index]));
    const rest: PageToCommit = {
      ...page,
      records: page.records.filter((_, index) => !isGone.has(index)),
      children: page.children.filter(([, , record]) => !gone.has(record)),
      aside: [...page.aside, ...aside],
      flaws: allFlaws(page.flaws, asideFlaws(aside)),
    };
    const data = rows.data.filter((_, index) => !isGone.has(index));
    return stored(attempt, rest, await writeDown(attempt, () => store(attempt, rest, data)));
  }
}

function stored({ deps }: Attempt, page: PageToCommit, committed: CommittedPage): StoredRows {
  deps.meter?.stored(page.records.length);
  return { page, committed };
}

async function store(
  { deps, node, request, sync }: Attempt,
  page: PageToCommit,
  rows: readonly unknown[],
): Promise<CommittedPage> {
  const hook = node.options.store;
  if (!hook) {
    const isPlain = isPlainPage(page, sync.childrenOf(node.name).length > 0);
    return isPlain ? deps.pageBatches.store(page) : commitPage(deps.pool, page);
  }
  return inTransaction(deps.pool, async (tx) => {
    const done = await commitPage(tx, page);
    if (!done.stale)
      await hook(queriesOf(tx), rows, {
        account: request.context.account,
      });
    return done;
  });
}
