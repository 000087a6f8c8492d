/**
 * Permits a second with three buckets per call, the load generators on the same cores; how long one permit takes at half
 * of that load; and how the table grows under it.
 */
import { atLeast, atMost, type Measure } from '../measures.ts';
import type { LoadOptions, LoadResult } from './load.ts';
import type { BenchPostgres } from './postgres.ts';
import { start } from './processes.ts';

const GOAL_PER_SECOND = 20_000;
const PROCESSES = 2;

export async function measureThroughput(postgres: BenchPostgres, isQuick: boolean): Promise<Measure[]> {
  const { url, pool } = await postgres.createDatabase('bench_throughput');
  const runMs = isQuick ? 4_000 : 20_000;
  const full = await runLoads({ url, name: 'full', callers: 256, runMs, warmUpMs: 3_000 });
  const size = async () =>
    (await pool.query<{ bytes: number }>(`select pg_table_size('sluice.limit_bucket') bytes`)).rows[0]!.bytes / 1e6;
  const hot = await pool.query<{ share: number; updates: number }>(
    `select n_tup_hot_upd::float8 / greatest(n_tup_upd, 1) share, n_tup_upd updates from pg_stat_user_tables where relname = 'limit_bucket'`,
  );
  const sizeAfterMb = await size();
  console.log(
    `  throughput: ${full.perSecond.toFixed(0)} permits/s, p50 ${at(full.latencies, 0.5).toFixed(1)} ms, p99 ${at(full.latencies, 0.99).toFixed(1)} ms, ` +
      `load generators ${full.cpu.toFixed(2)} cores, ${hot.rows[0]!.updates} row updates, ${(100 * hot.rows[0]!.share).toFixed(0)} % HOT, table ${sizeAfterMb.toFixed(1)} MB`,
  );
  // Half of the load that is promised, not half of what this machine reached.
  const half = await runLoads({
    url,
    name: 'half',
    callers: 0,
    runMs,
    warmUpMs: 2_000,
    perSecond: GOAL_PER_SECOND / 2 / PROCESSES,
  });
  console.log(
    `  half load: ${half.perSecond.toFixed(0)} permits/s, p50 ${at(half.latencies, 0.5).toFixed(1)} ms, p99 ${at(half.latencies, 0.99).toFixed(1)} ms`,
  );
  return [
    atLeast(
      'acquire throughput, 3 buckets per call, load generators included',
      full.perSecond,
      'permits/s',
      GOAL_PER_SECOND,
    ),
    atMost('acquire p99 at half load', at(half.latencies, 0.99), 'ms', 15),
    atMost('size of the bucket table after that (23 rows)', sizeAfterMb, 'MB', 50),
  ];
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
