/**
 * `npm run bench -- starts`: 1,000 runs of one page each, started at once, with two workers that share the machine with all else. No
 * workflow task may time out or fail, and no call be made twice, however long the runs wait for their turn. `--size 10` starts 10,000.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { nodeArgs, startChild } from './engine/child.ts';
import { startThirdParty } from './engine/one-run.ts';
import { runSql, startBenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, printTable, type Measure } from './common/measures.ts';

const WORKERS = 2;
/** Of the native part of the SDK: a workflow task took long. */
const SLOW_TASK = /TMPRL1104/g;
/** Histories that are read at once. */
const READERS = 8;

export async function runStarts(options: BenchOptions): Promise<readonly Measure[]> {
  const runs = Math.round(1_000 * (options.quick ? 0.1 : Number(options.size ?? 1)));
  const capMs = Number(options.cap ?? 600) * 1_000;
  const servers = await startBenchServers();
  const stops: (() => Promise<unknown>)[] = [servers.stop];
  try {
    const databaseUrl = await servers.createDatabase('bench_starts');
    const thirdParty = await startThirdParty(['1', '0', '0'], stops);
    const temporal = await servers.startTemporal();
    stops.push(() => temporal.stop());
    let slowTasks = 0;
    let startedAfterMs = Number.NaN;
    let goneAt = 0;
    const hear = (text: string): void => {
      slowTasks += text.match(SLOW_TASK)?.length ?? 0;
      if (text.includes('STARTED')) startedAfterMs = performance.now() - goneAt;
    };
    const startWorker = (accounts: number) =>
      startChild({
        command: process.execPath,
        args: nodeArgs(new URL('engine/sluice-worker.ts', import.meta.url)),
        env: {
          API: thirdParty.href,
          DATABASE_URL: databaseUrl,
          TEMPORAL_ADDRESS: temporal.address,
          ACCOUNTS: String(accounts),
          SLUICE_LOG_LEVEL: 'warn',
        },
        hear,
      });
    const workers = [await startWorker(runs)];
    while (workers.length < WORKERS) workers.push(await startWorker(0));
    for (const worker of workers) stops.push(worker.stop);
    await delay(1_500);
    goneAt = performance.now();
    workers[0]?.go();
    const ended = async (): Promise<number> => {
      const [row] = await runSql<{ n: number }>(
        databaseUrl,
        `select count(*)::int as n from sluice.run where state = 'done'`,
      );
      return row?.n ?? 0;
    };
    while ((await ended()) < runs && performance.now() - goneAt < capMs) await delay(500);
    const seconds = (performance.now() - goneAt) / 1_000;
    const done = await ended();
    const { calls } = await thirdParty.stats();
    const tasks = await countTasks(temporal.address);
    printTable(
      ['runs', 'done', 'accepted after s', 'all done after s', 'calls', 'tasks', 'timed out', 'failed', 'TMPRL1104'],
      [
        [
          runs,
          done,
          (startedAfterMs / 1_000).toFixed(1),
          seconds.toFixed(1),
          calls,
          tasks.all,
          tasks.timedOut,
          tasks.failed,
          slowTasks,
        ],
      ],
    );
    return [
      atLeast('runs that are done', done, '', runs),
      atMost('calls made twice', calls - runs, '', 0),
      atMost('workflow tasks that timed out', tasks.timedOut, '', 0),
      atMost('workflow tasks that failed', tasks.failed, '', 0),
      atMost('warnings of long workflow tasks (TMPRL1104)', slowTasks, '', 0),
    ];
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

interface Tasks {
  readonly all: number;
  readonly timedOut: number;
  readonly failed: number;
}

/** In the histories of all runs. A sticky queue that a worker has left is no task that was begun. */
async function countTasks(address: string): Promise<Tasks> {
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection });
    const ids: { readonly workflowId: string; readonly runId: string }[] = [];
    for await (const { workflowId, runId } of workflow.list()) ids.push({ workflowId, runId });
    const count = { all: 0, timedOut: 0, failed: 0 };
    const reader = async (): Promise<void> => {
      for (let next = ids.pop(); next; next = ids.pop()) {
        const { events } = await workflow.getHandle(next.workflowId, next.runId).fetchHistory();
        for (const event of events ?? []) {
          if (event.workflowTaskCompletedEventAttributes) count.all++;
          if (event.workflowTaskTimedOutEventAttributes) count.timedOut++;
          if (event.workflowTaskFailedEventAttributes) count.failed++;
        }
      }
    };
    await Promise.all(Array.from({ length: READERS }, reader));
    return count;
  } finally {
    await connection.close();
  }
}
