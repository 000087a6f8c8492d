/** Lists of runs for operators: the command line and the page. Next: `db/stores/run/run-list-store.ts`. */
import type { RunState } from '../contracts/run.ts';
import type { ListedRun, RunFilter, RunNames, RunSelection } from '../contracts/operate/run-list.ts';
import { countRuns, lastEnded, listRuns, readRunNames, type EndedRuns, type Pool } from '../db/index.ts';

export interface Runs {
  /**
   * Runs, newest first; `after` continues behind the last one seen.
   * @throws TypeError when `after` or `limit` is not what it should be.
   */
  list(filter?: RunFilter): Promise<readonly ListedRun[]>;
  /** How many there are of each state; counted up to 10,000, what is more is 10,001. */
  count(selection?: RunSelection): Promise<Readonly<Record<RunState, number>>>;
  /** The syncs and providers that runs have, at most 100 of each. */
  names(): Promise<RunNames>;
  /** How the last runs of each of these syncs ended and how long they took, of all accounts, oldest first; `limit` of each, default 20. */
  lastEnded(syncs: readonly string[], limit?: number): Promise<readonly EndedRuns[]>;
}

export function createRuns(pool: Pool): Runs {
  return {
    list: (filter) => listRuns(pool, filter),
    count: (selection) => countRuns(pool, selection),
    names: () => readRunNames(pool),
    lastEnded: (syncs, limit = 20) => lastEnded(pool, syncs, limit),
  };
}
