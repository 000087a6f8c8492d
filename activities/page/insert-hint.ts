/**
 * Whether the next page of a resource probably brings only new rows, as this process has seen it. Such pages are stored
 * faster, and one that was wrongly taken for one costs more. Next: `store-page.ts` tells `commitPage`.
 */
import { keepLatest } from '../../contracts/values/keep-latest.ts';

export interface NewRows {
  /** At first it is expected; after each disappointment not for the next pages, twice as many each time. */
  expected(account: string, resource: string): boolean;
  /** What became of a page from which it was expected. */
  told(account: string, resource: string, areAllNew: boolean): void;
}

/** Pages that go the usual way after the first disappointment, and after the last of many. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 1_000;
/** Resources of accounts at most; the oldest disappointments are forgotten first. */
const MOST_REMEMBERED = 1_000;

export function createNewRows(): NewRows {
  const disappointed = new Map<string, { pause: number; left: number }>();
  const keyOf = (account: string, resource: string) => `${account}/${resource}`;
  return {
    expected(account, resource) {
      const known = disappointed.get(keyOf(account, resource));
      return known === undefined || known.left-- <= 0;
    },
    told(account, resource, areAllNew) {
      const key = keyOf(account, resource);
      const before = disappointed.get(key);
      disappointed.delete(key);
      if (areAllNew) return;
      const pause = before === undefined ? FIRST_PAUSE : Math.min(LONGEST_PAUSE, before.pause * 2);
      keepLatest(disappointed, key, { pause, left: pause }, MOST_REMEMBERED);
    },
  };
}
