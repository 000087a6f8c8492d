/**
 * Permits a second with three buckets per call, the load generators on the same cores; how long one permit takes at half
 * of that load; how the table grows under it, and what a transaction that stays open does to it.
 */
import type { Pool } from '../../db/pool.ts';
import { atLeast, atMost, type Measure } from '../common/measures.ts';
import type { LoadOptions, LoadResult } from './load.ts';
import type { BenchPostgres } from './postgres.ts';
import { start } from './processes.ts';

const GOAL_PER_SECOND = 20_000;
const PROCESSES = 2;

export async function measureThroughput(postgres: BenchPostgres, isQuick: boolean): Promise<Measure[]> {
  const { url, pool } = await postgres.createDatabase('bench_throughput');
  const runMs = isQuick ? 4_000 : 20_000;
  const full = await runLoads({ url, name: 'full', callers: 256, runMs, warmUpMs: 3_000 });
  console.log(
    `  throughput: ${full.perSecond.toFixed(0)} permits/s, ${inWords(full.latencies)}, load generators ${full.cpu.toFixed(2)} cores, ` +
      (await describeTable(pool)),
  );
  // Half of the load that is promised, not half of what this machine reached. Over a minute: a checkpoint of Postgres, one
  // to a minute at this load, stops everything for some 100 ms, which is more than a hundredth of a shorter run.
  const perSecond = GOAL_PER_SECOND / 2 / PROCESSES;
  const half = await runLoads({ url, name: 'half', callers: 0, runMs: 3 * runMs, warmUpMs: 2_000, perSecond });
  console.log(`  half load: ${half.perSecond.toFixed(0)} permits/s, ${inWords(half.latencies)}`);
  return [
    atLeast(
      'acquire throughput, 3 buckets per call, load generators included',
      full.perSecond,
      'permits/s',
      GOAL_PER_SECOND,
    ),
    atMost('acquire p99 at half load', at(half.latencies, 0.99), 'ms', 15),
  ];
}

/** Ten million permits, and what the table of 22 hot rows looks like afterwards. */
export async function measureBloat(postgres: BenchPostgres, isQuick: boolean): Promise<Measure[]> {
  const { url, pool } = await postgres.createDatabase('bench_bloat');
  const wanted = isQuick ? 500_000 : 10_000_000;
  let permits = 0;
  let first = Number.NaN;
  let last = Number.NaN;
  while (permits < wanted) {
    const { perSecond } = await runLoads({ url, name: 'bloat', callers: 1_024, runMs: 10_000, warmUpMs: 1_000 });
    if (Number.isNaN(first)) first = perSecond;
    last = perSecond;
    permits += perSecond * 11;
  }
  const sizeMb = await tableMb(pool);
  console.log(
    `  bloat: ${permits.toFixed(0)} permits, ${first.toFixed(0)}/s at first, ${last.toFixed(0)}/s at last, ${await describeTable(pool)}`,
  );
  return [atMost('size of the bucket table (22 hot rows) after 10,000,000 permits', sizeMb, 'MB', 100)];
}

/** Beside a transaction that stays open, old versions of the hot rows can't be removed: how much slower it gets. */
export async function measureLongTransaction(postgres: BenchPostgres, isQuick: boolean): Promise<Measure[]> {
  const { url, pool } = await postgres.createDatabase('bench_long');
  const runMs = isQuick ? 5_000 : 15_000;
  const before = await runLoads({ url, name: 'before', callers: 256, runMs, warmUpMs: 2_000 });
  const client = await pool.connect();
  await client.query('begin isolation level repeatable read');
  await client.query('select count(*) from sluice.limit_bucket');
  const beside = await runLoads({ url, name: 'beside', callers: 256, runMs, warmUpMs: 500 });
  const sizeMb = await tableMb(pool);
  await client.query('commit');
  client.release();
  const after = await runLoads({ url, name: 'after', callers: 256, runMs, warmUpMs: 2_000 });
  console.log(
    `  long transaction: ${before.perSecond.toFixed(0)} permits/s before, ${beside.perSecond.toFixed(0)} beside one that is open ` +
      `for ${runMs / 1_000} s (table ${sizeMb.toFixed(0)} MB), ${after.perSecond.toFixed(0)} after it`,
  );
  return [atLeast('acquire throughput beside a transaction that stays open', beside.perSecond, 'permits/s', 2_000)];
}

async function tableMb(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: number }>(`select pg_table_size('sluice.limit_bucket') bytes`);
  return rows[0]!.bytes / 1e6;
}

async function describeTable(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ share: number; updates: number }>(
    `select n_tup_hot_upd::float8 / greatest(n_tup_upd, 1) share, n_tup_upd updates from pg_stat_user_tables where relname = 'limit_bucket'`,
  );
  return `${rows[0]!.updates} row updates, ${(100 * rows[0]!.share).toFixed(0)} % HOT, table ${(await tableMb(pool)).toFixed(1)} MB`;
}

function inWords(latencies: readonly number[]): string {
  return `p50 ${at(latencies, 0.5).toFixed(1)} ms, p99 ${at(latencies, 0.99).toFixed(1)} ms`;
}

async function runLoads(options: LoadOptions) {
  const loads = Array.from({ length: PROCESSES }, (_, index) =>
    start<LoadResult>('load.ts', { ...options, name: `${options.name}-${index}` }),
  );
  const results = (await Promise.all(loads.map((load) => load.result))).filter((result) => result !== undefined);
  return {
    perSecond: results.reduce((sum, { permits, seconds }) => sum + permits / seconds, 0),
    latencies: results.flatMap((result) => result.latencies).sort((a, b) => a - b),
    cpu: results.reduce((sum, { cpuSeconds, seconds }) => sum + cpuSeconds / seconds, 0),
  };
}

export function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
