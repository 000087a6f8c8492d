/**
 * One run of one tool: fresh processes, an empty database, a third party of its own. What it cost is read from /proc, how
 * fast it was from the third party's counters, from the first call to the last.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ThirdPartyStats } from '../common/third-party-process.ts';
import { nodeArgs, startChild } from './child.ts';
import { PEER_TABLE, sluice, type Contestant, type RunEnvironment } from './contestants.ts';
import { cpuSeconds, residentMiB } from './cpu.ts';
import { runSql, type BenchServers } from './servers.ts';

export interface Work {
  readonly accounts: number;
  /** Of 100 rows each. */
  readonly pages: number;
  /** Hidden limit of the third party: a token bucket; 0 is none. */
  readonly ratePerSecond?: number;
  readonly burst?: number;
  readonly limit?: 'window' | 'learned';
  /** Milliseconds that an answer of the third party takes. Default 0. */
  readonly latencyMs?: number;
  /** Share of the calls that are left out of the figures: processes start, code is compiled, connections are made. Default 0. */
  readonly warmUp?: number;
  /** Given up after this. Default 120. */
  readonly capSeconds?: number;
  /** A database that an earlier run has left. */
  readonly databaseUrl?: string;
}

export interface RunFigures {
  readonly tool: string;
  readonly databaseUrl: string;
  readonly callsPerSecond: number;
  /** From the word to begin until the last row is stored; with a warm-up, from its end to the last call. */
  readonly seconds: number;
  readonly calls: number;
  readonly refused: number;
  /** Pages that did not arrive before the cap. */
  readonly missingPages: number;
  readonly missingRows: number;
  /** Milliseconds of CPU for each good call, without the warm-up. */
  readonly cpuMs: { readonly worker: number; readonly server: number; readonly postgres: number; readonly api: number };
  readonly workerMiB: number;
}

const thirdParty = new URL('../common/third-party-process.ts', import.meta.url);

export async function measureRun(servers: BenchServers, tool: Contestant, packages: string, work: Work) {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    return await measure(servers, tool, packages, work, stops);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function measure(
  servers: BenchServers,
  tool: Contestant,
  packages: string,
  work: Work,
  stops: (() => Promise<unknown>)[],
): Promise<RunFigures> {
  const { accounts, pages, ratePerSecond = 0, burst = 0, limit = 'window', capSeconds = 120 } = work;
  const { latencyMs = 0, warmUp = 0 } = work;
  const databaseUrl = work.databaseUrl ?? (await servers.createDatabase(`bench_${tool.name.replaceAll(/\W+/g, '_')}`));
  if (!tool.name.startsWith(sluice.name) && work.databaseUrl === undefined) await runSql(databaseUrl, PEER_TABLE);
  const url = await startThirdParty([pages, ratePerSecond, burst, latencyMs].map(String), stops);
  const redis = tool.needs.includes('redis') ? await servers.startRedis() : undefined;
  if (redis) stops.push(redis.stop);
  const temporal = tool.needs.includes('temporal') ? await servers.startTemporal() : undefined;
  if (temporal) stops.push(temporal.stop);
  const environment: RunEnvironment = {
    API: url.href,
    DATABASE_URL: databaseUrl,
    ACCOUNTS: String(accounts),
    LIMIT: limit,
    ...(redis ? { REDIS_URL: redis.url } : {}),
    ...(temporal ? { TEMPORAL_ADDRESS: temporal.address } : {}),
  };
  const started = await tool.start(environment, packages);
  stops.push(started.stop);
  // What a process does after it said that it is ready (pollers, prefork children) is over by then.
  await delay(1_500);

  const pids = {
    worker: started.workerPid,
    server: (temporal ?? redis)?.pid,
    postgres: servers.postgresPid,
    api: url.pid,
  };
  const cpu = () => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, pid ? cpuSeconds(pid) : 0]));
  let before = cpu();
  const startedAt = performance.now();
  started.go();
  const wanted = accounts * pages;
  let stats = await url.stats();
  let warm: { readonly ok: number; readonly at: number } | undefined;
  while (stats.ok < wanted && performance.now() - startedAt < capSeconds * 1_000) {
    await delay(50);
    stats = await url.stats();
    if (warm !== undefined || warmUp === 0 || stats.ok < wanted * warmUp) continue;
    warm = { ok: stats.ok, at: stats.last };
    before = cpu();
  }
  const rows = await countRows(databaseUrl, tool, stats.ok >= wanted ? wanted * 100 : 0);
  const storedAt = performance.now();
  const after = cpu();
  const seconds = (warm ? stats.last - warm.at : storedAt - startedAt) / 1_000;
  const calls = stats.ok - (warm?.ok ?? 0);
  const cpuMs = (name: keyof typeof pids) => ((after[name]! - before[name]!) * 1_000) / calls;
  return {
    tool: tool.name,
    databaseUrl,
    seconds,
    callsPerSecond: calls / seconds,
    calls: stats.calls,
    refused: stats.refused,
    missingPages: wanted - stats.ok,
    missingRows: wanted * 100 - rows,
    cpuMs: { worker: cpuMs('worker'), server: cpuMs('server'), postgres: cpuMs('postgres'), api: cpuMs('api') },
    workerMiB: residentMiB(started.workerPid),
  };
}

/** @returns the third party in a process of its own, with what it counts; `stops` ends it. */
export async function startThirdParty(args: string[], stops: (() => Promise<unknown>)[]) {
  let href = '';
  const child = await startChild({
    command: process.execPath,
    args: nodeArgs(thirdParty, ...args),
    readyWhen: /(?<=READY )\S+\n/,
    onReady: (address) => (href = address),
  });
  stops.push(child.stop);
  const stats = async () => (await (await fetch(`${href}/stats`)).json()) as ThirdPartyStats;
  return { href, pid: child.pid, stats };
}

/** The last page may be on its way from the tool to the table: it is waited for a little. */
async function countRows(url: string, tool: Contestant, wanted: number): Promise<number> {
  for (let tries = 0; ; tries++) {
    const [row] = await runSql<{ n: number }>(url, tool.countRows);
    const count = row?.n ?? 0;
    if (count >= wanted || tries >= 200) return count;
    await delay(25);
  }
}
