/**
 * `npm run bench -- files`: one gigabyte in one answer, as a file of any content, as CSV, as packed NDJSON and as a zip of four files: read to
 * its end in memory that does not grow with it. `--size 0.25` takes a quarter; `--only csv` one kind.
 * Next: `files/read.ts` reads in a process of its own, `files/serve.ts` is the third party.
 */
import { createPool, migrate } from '../db/index.ts';
import { atLeast, atMost, type Measure } from './common/measures.ts';
import { nodeArgs, startChild } from './engine/child.ts';
import { startBenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';

const KINDS = ['binary', 'csv', 'ndjson-gzip', 'csv-zip'];
const GIB = 1024 ** 3;
const MOST_MIB = 150;

interface Read {
  readonly isComplete: boolean;
  readonly seconds: number;
  readonly idleMiB: number;
  readonly growthMiB: number;
}

export async function runFiles(options: BenchOptions): Promise<readonly Measure[]> {
  const size = options.quick ? 1 / 30 : Number(options.size ?? 1);
  const stops: (() => Promise<unknown>)[] = [];
  const measures: Measure[] = [];
  try {
    const servers = await startBenchServers();
    stops.push(servers.stop);
    const databaseUrl = await servers.createDatabase('bench_files');
    const pool = createPool(databaseUrl, { applicationName: 'sluice-bench' });
    await migrate(pool);
    await pool.end();
    let url = '';
    const api = await startChild({
      command: process.execPath,
      args: nodeArgs(new URL('./files/serve.ts', import.meta.url), String(Math.round(GIB * size))),
      readyWhen: /READY http\S+\n/,
      onReady: (matched) => (url = matched.slice('READY '.length)),
    });
    stops.push(api.stop);
    for (const kind of KINDS.filter((each) => (options.only ?? each) === each)) {
      const read = await readOne(kind, url, databaseUrl);
      console.log(kind, read);
      measures.push(
        atLeast(`${kind}: read to its end`, read.isComplete ? 1 : 0, '', 1),
        atMost(`${kind}: growth of memory`, read.growthMiB, 'MiB', MOST_MIB),
      );
    }
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
  return measures;
}

async function readOne(kind: string, url: string, databaseUrl: string): Promise<Read> {
  let found = '{}';
  const child = await startChild({
    command: process.execPath,
    args: nodeArgs(new URL('./files/read.ts', import.meta.url), kind, url, databaseUrl),
    readyWhen: /\{"isComplete".*\}/,
    readyWithinMs: 1_800_000,
    onReady: (matched) => (found = matched),
  });
  await child.stop();
  return JSON.parse(found) as Read;
}
