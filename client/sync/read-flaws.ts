/**
 * Reads the lists of a run that did not end `complete`, page by page. Next: `db/stores/sync/flaw-store.ts`.
 */
import type { FlawedList } from '../../contracts/run.ts';
import { readFlawedLists, type FlawFilter, type Pool } from '../../db/index.ts';

const ROOM = 1_000;

/** @throws TypeError when `after` is no `place` of a list. */
export async function* readFlaws(pool: Pool, runId: string, filter: FlawFilter = {}): AsyncGenerator<FlawedList> {
  let { after } = filter;
  for (;;) {
    const lists = await readFlawedLists(pool, runId, { ...filter, ...(after === undefined ? {} : { after }) }, ROOM);
    yield* lists;
    after = lists.at(-1)?.place;
    if (lists.length < ROOM) return;
  }
}
