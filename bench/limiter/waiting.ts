/**
 * Ten thousand calls that wait for one key; how fast a pause takes hold; and one decrease for a burst of refusals over
 * many processes.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import type { Pool } from '../../db/pool.ts';
import { createLimiter } from '../../limiter/index.ts';
import { atMost, type Measure } from '../common/measures.ts';
import type { BurstOptions } from './burst.ts';
import type { CallerResult } from './caller.ts';
import { machineMs } from './hidden-server.ts';
import type { BenchPostgres } from './postgres.ts';
import { sleep, start, startHiddenServer } from './processes.ts';
import { at } from './throughput.ts';

const window = (name: string, max: number, perMs: number): Charge[] => [
  { limit: { kind: 'window', name, max, perMs }, key: `waiting/${name}/all`, cost: 1 },
];

/** 10,000 waiting calls: none holds its slot, and another key does not notice. */
export async function measureCrowd(postgres: BenchPostgres, isQuick: boolean): Promise<Measure[]> {
  const { pool } = await postgres.createDatabase('bench_crowd');
  const seconds = isQuick ? 4 : 10;
  const limiter = createLimiter({ pool });
  const alone = await probe(pool, 2 * seconds);
  // One a second: they would need hours. A worker with 500 slots takes them up one after the other; each is sent away.
  const held: number[] = [];
  let next = 0;
  const slot = async (): Promise<void> => {
    while (next < 10_000) {
      const index = next++;
      const askedAt = performance.now();
      await limiter.acquire({
        callKey: `crowd-${index}`,
        account: `a${index % 50}`,
        charges: window('crowd', 5, 5_000),
      });
      held.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: 500 }, slot));
  const { rows } = await pool.query<{ n: number }>('select count(*)::int n from sluice.limit_ticket');
  const crowded = await probe(pool, 2 * seconds);
  await limiter.stop();
  console.log(
    `  crowd: ${rows[0]!.n} tickets, longest hold ${Math.max(...held).toFixed(0)} ms; another key's p95 ${alone.toFixed(2)} ms alone, ${crowded.toFixed(2)} ms beside them`,
  );
  return [
    atMost('10,000 calls waiting on one key: slots held over 1 s', held.filter((ms) => ms > 1_000).length, 'slots', 0),
    atMost("10,000 calls waiting on one key: another key's p95, change", 100 * (crowded / alone - 1), '%', 20),
  ];
}

/** p95 in milliseconds of a steady 200 acquires a second on another key of the same provider. */
async function probe(pool: Pool, seconds: number): Promise<number> {
  const limiter = createLimiter({ pool });
  const latencies: number[] = [];
  for (let i = 0; i < 200 * seconds; i++) {
    const askedAt = performance.now();
    await limiter.acquire({ callKey: `probe-${i}`, account: 'p', charges: window('probe', 1e6, 1_000) });
    latencies.push(performance.now() - askedAt);
    await sleep(Math.max(0, 5 - (performance.now() - askedAt)));
  }
  await limiter.stop();
  return at(
    latencies.sort((a, b) => a - b),
    0.95,
  );
}

/** From an operator's pause to the last call that arrives at the third party. */
export async function measurePause(postgres: BenchPostgres): Promise<Measure[]> {
  const { url, pool } = await postgres.createDatabase('bench_pause');
  const server = await startHiddenServer({ '/paused': { max: 1e6, perMs: 1_000 } });
  const charges = window('paused', 300, 1_000);
  const callers = Array.from({ length: 4 }, (_, index) =>
    start<CallerResult>('caller.ts', {
      url,
      name: `pause-${index}`,
      serverPort: server.port,
      runMs: 8_000,
      loops: [{ path: '/paused', charges, account: 'a', callers: 50 }],
    }),
  );
  await sleep(5_000);
  const limiter = createLimiter({ pool });
  const pausedAt = machineMs();
  await limiter.pause('waiting/*', 'benchmark');
  await Promise.all(callers.map((caller) => caller.result));
  const { acceptedAt } = (await server.log())['/paused']!;
  await server.stop();
  await limiter.stop();
  const lastMs = Math.max(0, (acceptedAt.at(-1) ?? Number.NaN) - pausedAt);
  const before = acceptedAt.filter((time) => time < pausedAt).length;
  console.log(`  pause: ${before} calls before it, the last one ${lastMs.toFixed(0)} ms after it`);
  return [atMost('pause to last call sent', before > 100 ? lastMs / 1_000 : Number.NaN, 's', 0.5)];
}

/** 1,000 calls in flight over 16 processes, all refused at once. */
export async function measureBurst(postgres: BenchPostgres): Promise<Measure[]> {
  const { url, pool } = await postgres.createDatabase('bench_burst');
  const key = 'waiting/learned/all';
  const charges: Charge[] = [{ limit: { kind: 'learned', name: 'learned', startPerSecond: 1_000 }, key, cost: 1 }];
  const limiter = createLimiter({ pool });
  await limiter.acquire({ callKey: 'first', account: 'a', charges });
  await sleep(500);
  await pool.query(
    `update sluice.limit_bucket set burst = 5000, tokens = 5000, rate = 1000, law_due_us = null where key = $1`,
    [key],
  );
  const options: BurstOptions = { url, charges, permits: 63 };
  const bursts = Array.from({ length: 16 }, () => start<{ permits: number }>('burst.ts', options));
  await Promise.all(bursts.map((burst) => Promise.race([burst.ready, burst.result])));
  for (const burst of bursts) burst.process.stdin?.write('go\n');
  const results = await Promise.all(bursts.map((burst) => burst.result));
  await sleep(1_500);
  const permits = results.reduce((sum, result) => sum + (result?.permits ?? 0), 0);
  const { rows } = await pool.query<{ epoch: number }>('select epoch from sluice.limit_bucket where key = $1', [key]);
  await limiter.stop();
  console.log(`  burst: ${permits} refusals of calls that were in flight together, ${rows[0]!.epoch} decreases`);
  return [
    atMost(
      'decreases per burst of 1,000 in-flight 429s over 16 processes',
      permits >= 1_000 && rows[0]!.epoch > 0 ? rows[0]!.epoch : Number.NaN,
      '',
      1,
    ),
  ];
}
