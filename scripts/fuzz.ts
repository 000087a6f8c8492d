/**
 * `npm run fuzz -- --seed 7 --minutes 10`: random answers of a third party against the whole path, on real servers, until
 * the time is over or something of ours is wrong. A seed that fails is printed; `--seed <it> --rounds 1` plays the same
 * answers again. Next: `test/setup/fuzz-run.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { connect } from '../client/index.ts';
import { createPool } from '../db/index.ts';
import { defineFuzzSync, fuzzRound, type FuzzSync } from '../test/setup/fuzz-run.ts';
import { createWorker, startDevServers } from '../workers/index.ts';

const AT_ONCE = 4;

const program = new Command('fuzz')
  .option('--seed <n>', 'the first seed; the next ones count up', String(Date.now() % 1_000_000))
  .option('--minutes <n>', 'stop after so long', '2')
  .option('--rounds <n>', 'stop after so many', 'Infinity')
  .parse();
const options = program.opts<{ seed: string; minutes: string; rounds: string }>();
const firstSeed = Number(options.seed);
const rounds = Number(options.rounds);
const until = performance.now() + Number(options.minutes) * 60_000;

const dataDir = await mkdtemp(join(tmpdir(), 'sluice-fuzz-'));
const servers = await startDevServers({ dataDir, env: { PATH: process.env['PATH'], HOME: process.env['HOME'] } });
const { databaseUrl } = servers;
const temporal = { address: servers.temporalAddress };
const pool = createPool(databaseUrl);

function fuzzSync(seed: number): FuzzSync {
  let at = 'http://127.0.0.1:1';
  return { sync: defineFuzzSync(`fuzz-${seed}`, () => at), setUrl: (url) => void (at = url) };
}

let done = 0;
let failed = 0;
try {
  while (performance.now() < until && done < rounds && failed === 0) {
    const seeds = Array.from({ length: Math.min(AT_ONCE, rounds - done) }, (_, index) => firstSeed + done + index);
    const syncs = seeds.map(fuzzSync);
    const taskQueue = `fuzz-${seeds[0]}`;
    const settings = { taskQueue, concurrency: 50, dbConnections: 10, egress: 'fuzz', drainSeconds: 1, logLevel: 'silent' }; // prettier-ignore
    const worker = await createWorker({ syncs: syncs.map(({ sync }) => sync), databaseUrl, temporal, settings });
    const running = worker.run();
    const sluice = await connect({ databaseUrl, temporal, taskQueue });
    const results = await Promise.all(syncs.map((sync, index) => fuzzRound({ sluice, pool }, sync, seeds[index]!)));
    worker.shutdown();
    await running;
    await sluice.close();
    done += seeds.length;
    for (const { seed, state, rows, calls, mistakes } of results) {
      console.log(`seed ${seed}: ${state}, ${rows} rows with ${calls} calls`);
      for (const mistake of mistakes) console.error(`seed ${seed}: ${mistake}`);
      if (mistakes.length > 0) failed++;
    }
  }
} finally {
  await pool.end();
  await servers.stop();
  await rm(dataDir, { recursive: true, force: true });
}
console.log(`${done} rounds, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
