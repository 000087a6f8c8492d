/**
 * Accounts that compete for one limit: equal shares though one asks ten times as much, and shares by weight.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import { atLeast, atMost, type Measure } from '../common/measures.ts';
import type { CallerLoop, CallerResult } from './caller.ts';
import type { BenchPostgres } from './postgres.ts';
import { start } from './processes.ts';

const charges: Charge[] = [
  { limit: { kind: 'window', name: 'shared', max: 200, perMs: 1_000 }, key: 'fair/shared/all', cost: 1 },
];
const PROCESSES = 2;
const WARM_UP_MS = 5_000;

export async function measureFairness(postgres: BenchPostgres, isQuick: boolean): Promise<Measure[]> {
  const runMs = WARM_UP_MS + (isQuick ? 10_000 : 30_000);
  const equal = await compete(
    postgres,
    'bench_fair',
    runMs,
    Array.from({ length: 20 }, (_, i) => ({ account: `a${i}`, callers: i === 0 ? 200 : 20, weight: 1 })),
  );
  const shares = Object.values(equal);
  const jain = shares.reduce((a, b) => a + b, 0) ** 2 / (shares.length * shares.reduce((a, b) => a + b * b, 0));
  const weights = [1, 2, 4, 8];
  const weighted = await compete(
    postgres,
    'bench_weights',
    runMs,
    weights.map((weight) => ({ account: `w${weight}`, callers: 150, weight })),
  );
  const total = Object.values(weighted).reduce((a, b) => a + b, 0);
  const errors = weights.map((weight) => Math.abs((weighted[`w${weight}`] ?? 0) / total / (weight / 15) - 1));
  console.log(
    `  fairness: ${shares.join(' ')}; weights 1 2 4 8: ${weights.map((weight) => weighted[`w${weight}`]).join(' ')}`,
  );
  return [
    atLeast('fairness, 20 accounts, one asking 10x (Jain)', shares.length === 20 ? jain : 0, '', 0.99),
    atMost('weights 1:2:4:8, largest error of a share', 100 * Math.max(...errors), '%', 5),
  ];
}

async function compete(
  postgres: BenchPostgres,
  name: string,
  runMs: number,
  demands: { account: string; callers: number; weight: number }[],
) {
  const { url } = await postgres.createDatabase(name);
  const loops: CallerLoop[] = demands.map((demand) => ({
    ...demand,
    callers: demand.callers / PROCESSES,
    path: '/',
    charges,
  }));
  const running = Array.from({ length: PROCESSES }, (_, index) =>
    start<CallerResult>('caller.ts', { url, name: `${name}-${index}`, loops, runMs, countAfterMs: WARM_UP_MS }),
  );
  const counts: Record<string, number> = {};
  for (const { result } of running) {
    for (const [account, count] of Object.entries((await result)?.byAccount ?? {}))
      counts[account] = (counts[account] ?? 0) + count;
  }
  return counts;
}
