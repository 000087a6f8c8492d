/**
 * Other limiters at the same hidden limit in the same run: how much of it they use, how much they send too much, and how
 * many permits a second they give. Printed beside ours; what peers do is no goal of ours. Next: `peer-caller.ts`.
 */
import { printTable } from '../common/measures.ts';
import { machineMs } from './hidden-server.ts';
import { utilisation } from './known.ts';
import type { PeerOptions } from './peer-caller.ts';
import type { BenchPostgres } from './postgres.ts';
import { start, startHiddenServer } from './processes.ts';

const PROCESSES = 2;
const TOOLS = ['sluice', 'rate-limiter-flexible', 'bottleneck'] as const;
const SECOND = { path: '/w1', max: 50, perMs: 1_000 };
// As in `load.ts`: roomy, so that only the taking counts.
const ROOMY = [3_600_000, 60_000, 1_000].map((perMs) => ({ max: 1e7, perMs }));
const START_MS = 3_000;

/** Prints the table; there is nothing to judge. */
export async function measurePeers(postgres: BenchPostgres, isQuick: boolean): Promise<[]> {
  const rows: string[][] = [];
  for (const tool of TOOLS) {
    const { url, pool } = await postgres.createDatabase('bench_peers');
    // What it makes when two processes start at once is a race.
    await pool.query(
      'create table peer_limits (key varchar(255) primary key, points integer not null default 0, expire bigint)',
    );
    const runMs = isQuick ? 6_000 : 20_000;
    const server = await startHiddenServer({ [SECOND.path]: SECOND });
    await together({ tool, url, limits: [SECOND], path: SECOND.path, serverPort: server.port, callers: 64, runMs });
    const { acceptedAt, refused } = (await server.log())[SECOND.path]!;
    await server.stop();
    // Bottleneck asks nobody, so its permits cost nothing that could be compared.
    const perSecond =
      tool === 'bottleneck'
        ? undefined
        : (await together({ tool, url, limits: ROOMY, path: '', callers: 128, runMs: runMs / 2 })) / (runMs / 2_000);
    rows.push([
      tool,
      utilisation(acceptedAt, SECOND).toFixed(3),
      `${((100 * refused) / (acceptedAt.length + refused)).toFixed(2)} %`,
      perSecond === undefined ? '-' : perSecond.toFixed(0),
    ]);
  }
  printTable(['50 calls in any second, 2 processes', 'used (oracle = 1)', 'refused', 'permits/s, 3 buckets'], rows);
  return [];
}

async function together(options: Omit<PeerOptions, 'share' | 'startAt'>): Promise<number> {
  const startAt = machineMs() + START_MS;
  const running = Array.from({ length: PROCESSES }, () =>
    start<{ permits: number }>('peer-caller.ts', { ...options, share: 1 / PROCESSES, startAt }),
  );
  const results = await Promise.all(running.map(({ result }) => result));
  return results.reduce((sum, result) => sum + (result?.permits ?? 0), 0);
}
