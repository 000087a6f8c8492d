/**
 * `npm run bench -- limiter`: known limits, fairness, throughput, waiting and pausing, with real processes, a real
 * Postgres of its own and a third party that counts for itself. Unknown limits are in `learned.ts`.
 */
import { measureFairness } from './limiter/fairness.ts';
import { measureFaults, measureUtilisation } from './limiter/known.ts';
import { measurePeers } from './limiter/peers.ts';
import { startBenchPostgres } from './limiter/postgres.ts';
import { stopAll } from './limiter/processes.ts';
import { measureBloat, measureLongTransaction, measureThroughput } from './limiter/throughput.ts';
import { measureBurst, measureCrowd, measurePause } from './limiter/waiting.ts';
import type { BenchOptions } from './main.ts';
import type { Measure } from './common/measures.ts';

export async function runLimiter(options: BenchOptions): Promise<readonly Measure[]> {
  const isQuick = options.quick === true;
  const postgres = await startBenchPostgres();
  const parts: Record<string, () => Promise<Measure[]>> = {
    throughput: () => measureThroughput(postgres, isQuick),
    pause: () => measurePause(postgres),
    burst: () => measureBurst(postgres),
    crowd: () => measureCrowd(postgres, isQuick),
    fairness: () => measureFairness(postgres, isQuick),
    faults: () => measureFaults(postgres, isQuick ? 20_000 : 60_000),
    'long-transaction': () => measureLongTransaction(postgres, isQuick),
    bloat: () => measureBloat(postgres, isQuick),
    utilisation: () => measureUtilisation(postgres, isQuick),
    peers: () => measurePeers(postgres, isQuick),
  };
  const measures: Measure[] = [];
  try {
    for (const [name, measure] of Object.entries(parts)) {
      if (options.only === undefined || options.only.split(',').includes(name)) measures.push(...(await measure()));
    }
  } finally {
    stopAll();
    await postgres.stop();
  }
  return measures;
}

/** The name under which other scripts know it. */
export const runLimiterBench = runLimiter;
