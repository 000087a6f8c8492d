/** What tests of runs look at: the third party's calls, a run's counters and the rows that are there. */
import type { SyncHandle } from '../../client/index.ts';
import { countRecords } from '../../db/index.ts';
import type { FakeApi } from '../../testing/index.ts';
import type { TestDatabase } from './database.ts';

/** How many calls come within a moment in which none should. */
export async function callsWithin(api: FakeApi, ms: number): Promise<number> {
  const before = api.report().calls;
  await new Promise((resolve) => setTimeout(resolve, ms));
  return api.report().calls - before;
}

/** Of all nodes of the run together. */
export async function progressOf(run: SyncHandle) {
  const progress = await run.progress();
  if (!('nodes' in progress)) throw new Error(`the run is ${progress.state}`);
  const sum = (of: 'pages' | 'rows' | 'calls') => progress.nodes.reduce((total, node) => total + node[of], 0);
  return { state: progress.state, pages: sum('pages'), rows: sum('rows'), calls: sum('calls') };
}

/** Rows of the account, of every resource. */
export async function rowsStored({ pool }: TestDatabase, account: string): Promise<number> {
  const { rows } = await pool.query<{ resource: string }>('select distinct resource from sluice.record');
  const counts = await Promise.all(rows.map(({ resource }) => countRecords(pool, account, resource)));
  return counts.reduce((total, count) => total + count, 0);
}
