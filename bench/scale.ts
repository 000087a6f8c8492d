/**
 * `npm run bench -- scale`: a million rows in 10,000 pages of one account, then 100,000 lists of one page each, on one
 * worker. Watched from outside: memory must stay flat, the end must be as fast as the beginning, histories bounded, and
 * `progress()` cheap throughout. `--only list` and `--only units` run one of them; `--quick` a thirtieth.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { connect } from '../client/index.ts';
import { sluice as sluiceTool } from './engine/contestants.ts';
import { startThirdParty } from './engine/one-run.ts';
import { endAgainstStart, memoryDrift, watch } from './engine/samples.ts';
import { startBenchServers, type BenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, median, printTable, type Measure } from './common/measures.ts';

interface Part {
  readonly name: string;
  readonly sync: 'items' | 'tree';
  /** Pages of the account's list; a tree adds a list for each of their 100 items. */
  readonly pages: number;
  readonly calls: number;
}

export async function runScale(options: BenchOptions): Promise<readonly Measure[]> {
  const size = options.quick ? 1 / 30 : Number(options.size ?? 1);
  const listPages = Math.round(10_000 * size);
  const parentPages = Math.round(1_000 * size);
  const parts: Part[] = [
    { name: 'list', sync: 'items', pages: listPages, calls: listPages },
    { name: 'units', sync: 'tree', pages: parentPages, calls: parentPages * 101 },
  ];
  const measures: Measure[] = [];
  for (const part of parts.filter(({ name }) => (options.only ?? name) === name)) {
    const servers = await startBenchServers();
    try {
      measures.push(...(await runPart(servers, part, Number(options.cap ?? 1_800))));
    } finally {
      await servers.stop();
    }
  }
  return measures;
}

async function runPart(servers: BenchServers, part: Part, capSeconds: number): Promise<Measure[]> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const databaseUrl = await servers.createDatabase(`bench_scale_${part.name}`);
    const thirdParty = await startThirdParty([String(part.pages), '0', '0'], stops);
    const temporal = await servers.startTemporal();
    stops.push(() => temporal.stop());
    const environment = {
      API: thirdParty.href,
      DATABASE_URL: databaseUrl,
      ACCOUNTS: '1',
      LIMIT: 'window',
      SYNC: part.sync,
      TEMPORAL_ADDRESS: temporal.address,
    } as const;
    const worker = await sluiceTool.start(environment, '');
    stops.push(worker.stop);
    const app = await connect({ databaseUrl, temporal: { address: temporal.address } });
    stops.push(() => app.close());
    const run = app.run({ sync: part.sync, account: 'u0' });
    await run.progress();
    await delay(1_500);

    worker.go();
    const calls = async () => (await thirdParty.stats()).ok;
    const watched = { calls, workerPid: worker.workerPid, progress: () => run.progress() };
    const samples = await watch(watched, part.calls, capSeconds);
    const last = samples.at(-1)!;
    const result = last.calls >= part.calls ? await run.result() : undefined;
    const { events, MiB, runs } = await largestHistory(temporal.address);
    const asks = samples.map(({ progressMs }) => progressMs);
    const memory = samples.map(({ workerMiB }) => workerMiB);
    const begun = samples.find((sample) => sample.calls > 0) ?? last;
    console.log(`\n${part.name}: ${last.calls} of ${part.calls} calls, ${result?.rows} rows, ${result?.state}`);
    printTable(
      [
        'calls/s',
        'MiB, lowest',
        'highest',
        'progress ms, median',
        'p99',
        'most',
        'after s',
        'histories',
        'most events',
        'MiB',
      ],
      [
        [
          ((last.calls / (last.atMs - begun.atMs)) * 1_000).toFixed(0),
          Math.min(...memory).toFixed(0),
          Math.max(...memory).toFixed(0),
          median(asks).toFixed(1),
          asks.toSorted((a, b) => a - b)[Math.floor(asks.length * 0.99)]!.toFixed(1),
          Math.max(...asks).toFixed(1),
          (samples.reduce((a, b) => (b.progressMs > a.progressMs ? b : a)).atMs / 1_000).toFixed(0),
          runs,
          events,
          MiB.toFixed(2),
        ],
      ],
    );
    return [
      atLeast(
        `${part.name}: calls that brought their rows`,
        result?.complete ? last.calls : Number.NaN,
        '',
        part.calls,
      ),
      atMost(`${part.name}: memory of the worker, from its middle`, memoryDrift(samples, part.calls), '%', 20),
      atLeast(`${part.name}: calls/s, last tenth against first`, endAgainstStart(samples, part.calls), '×', 0.9),
      atMost(`${part.name}: largest history`, events, 'events', 10_000),
      atMost(`${part.name}: largest history`, MiB, 'MiB', 10),
      atMost(`${part.name}: progress(), slowest`, Math.max(...asks), 'ms', 50),
    ];
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function largestHistory(address: string): Promise<{ events: number; MiB: number; runs: number }> {
  const connection = await Connection.connect({ address });
  try {
    let events = 0;
    let bytes = 0;
    let runs = 0;
    for await (const run of new Client({ connection }).workflow.list()) {
      events = Math.max(events, run.historyLength);
      bytes = Math.max(bytes, run.historySize ?? 0);
      runs++;
    }
    return { events, MiB: bytes / 1024 / 1024, runs };
  } finally {
    await connection.close();
  }
}
