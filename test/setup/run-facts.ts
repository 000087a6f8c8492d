/** What tests of runs look at: the third party's calls, a run's counters and the rows that are there. */
import { vi } from 'vitest';
import type { SyncHandle } from '../../client/index.ts';
import { countRecords } from '../../db/index.ts';
import type { FakeApi } from '../../testing/index.ts';
import type { TestDatabase } from './servers/database.ts';

/** How many calls come within a moment, by the third party's clock, in which none should. The first one ends it. */
export async function callsWithin(api: FakeApi, ms: number): Promise<number> {
  const before = api.report().calls;
  const since = api.now();
  const came = () => api.report().calls - before;
  await vi.waitUntil(() => came() > 0 || api.now() - since >= ms, { timeout: ms + 20_000, interval: 5 });
  return came();
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
