/**
 * `npm run bench -- operate`: how long a one-page run of a person takes beside forty lists of 400 pages on one worker process, and on
 * two, against the same run on an idle one, and against one that shares the queue of the lists. All are measured in turn. Before that, how
 * long the answers take that operators wait for. `--only runs` or `answers` leaves the other one out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Priority, type Sluice } from '../client/index.ts';
import { nodeArgs, startChild } from './engine/child.ts';
import { startThirdParty } from './engine/one-run.ts';
import { startBenchServers, type BenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, printTable, rounded, type Measure } from './common/measures.ts';
import { measureAnswers } from './operate/answers.ts';
import { long, short } from './operate/syncs.ts';

const LISTS = 40;
const PAGES = 400;
const IDLE_RUNS = 30;
const PAUSE_MS = 50;
/** Of a run beside the lists, on a machine where nothing else is at work. */
const GOAL_MS = 200;
const GOAL_RATIO = 4;

/** Roles of each worker process. */
const SETTINGS: readonly (readonly string[])[] = [['interactive,bulk,background'], ['interactive', 'bulk,background']];

export async function runOperate({ quick = false, only = '' }: BenchOptions): Promise<readonly Measure[]> {
  const servers = await startBenchServers();
  const measures: Measure[] = [];
  try {
    if (only !== 'runs') measures.push(...(await measureAnswers(servers, quick)));
    if (only !== 'answers') for (const roles of SETTINGS) measures.push(...(await measureRuns(servers, roles, quick)));
  } finally {
    await servers.stop();
  }
  return measures;
}

async function measureRuns(servers: BenchServers, roles: readonly string[], quick: boolean): Promise<Measure[]> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const databaseUrl = await servers.createDatabase(`bench_operate_${roles.length}`);
    const temporal = await servers.startTemporal();
    stops.push(() => temporal.stop());
    const { href } = await startThirdParty([quick ? '40' : String(PAGES), '0', '0'], stops);
    for (const SLUICE_ROLES of roles) {
      const env = { API: href, DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporal.address, SLUICE_ROLES };
      const args = nodeArgs(new URL('operate/worker.ts', import.meta.url));
      const worker = await startChild({
        command: process.execPath,
        args,
        env: { ...env, SLUICE_LOG_LEVEL: 'warn' },
      });
      stops.push(worker.stop);
    }
    const sluice = await connect({ databaseUrl, temporal: { address: temporal.address } });
    stops.push(() => sluice.close());
    await delay(1_500);

    const idle: number[] = [];
    for (let run = 0; run < IDLE_RUNS; run++) idle.push(await oneRun(sluice, `idle-${run}`, 'interactive'));
    const lists = Array.from({ length: LISTS }, (_, index) => `u${index}`);
    const begun = await Promise.all(lists.map((user) => sluice.start(long, { account: user, input: { user } })));
    const reading = new AbortController();
    const startedAt = performance.now();
    const over = Promise.all(begun.map((run) => run.result())).then((results) => {
      reading.abort();
      return results;
    });
    await delay(1_000);
    const beside: Record<'interactive' | 'bulk', number[]> = { interactive: [], bulk: [] };
    // The last of each may have outlived the lists.
    for (let run = 0; !reading.signal.aborted; run++)
      for (const priority of ['interactive', 'bulk'] as const) {
        const tookMs = await oneRun(sluice, `${priority}-${run}`, priority);
        if (!reading.signal.aborted) beside[priority].push(tookMs);
        await delay(PAUSE_MS);
      }
    const results = await over;
    const seconds = (performance.now() - startedAt) / 1_000;
    const name = roles.length === 1 ? 'one worker process' : 'two worker processes';
    console.log(`\n${name}: ${LISTS} lists read in ${seconds.toFixed(1)} s`);
    printTable(
      ['run of one page', 'runs', 'p50 ms', 'p95 ms'],
      [row('interactive, idle worker', idle), row('interactive, beside the lists', beside.interactive), row('in the queue of the lists', beside.bulk)], // prettier-ignore
    );
    const [p95, ofIdle] = [percentile(beside.interactive, 0.95), percentile(idle, 0.95)];
    return [
      atMost(`${name}: interactive run beside lists, p95`, p95, 'ms', GOAL_MS),
      atMost(`${name}: the same, against an idle worker`, p95 / ofIdle, '×', GOAL_RATIO),
      atLeast(`${name}: lists that ended complete`, results.filter(({ complete }) => complete).length, '', LISTS),
    ];
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function oneRun(sluice: Sluice, account: string, priority: Priority): Promise<number> {
  const startedAt = performance.now();
  await (await sluice.start(short, { account, input: { id: account }, priority })).result();
  return performance.now() - startedAt;
}

function row(name: string, values: readonly number[]): (string | number)[] {
  return [name, values.length, rounded(percentile(values, 0.5)), rounded(percentile(values, 0.95))];
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}
