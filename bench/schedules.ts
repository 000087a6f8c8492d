/**
 * `npm run bench -- schedules`: 10,000 accounts of one sync get their times by two schedules, each minute of an hour and of a day has its even share, and what is due in
 * one minute is started; beside as many Temporal Schedules as are made in a while.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { connect } from '../client/index.ts';
import { defineProvider, defineSync, get, noAuth } from '../providers/index.ts';
import { createWorker } from '../workers/index.ts';
import { runSql, startBenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, type Measure } from './common/measures.ts';

const ACCOUNTS = 10_000;
const TEMPORAL_SCHEDULES = 500;
const AT_ONCE = 32;

export async function runSchedules(options: BenchOptions): Promise<readonly Measure[]> {
  const share = options.quick ? 0.1 : 1;
  const servers = await startBenchServers();
  const stops: (() => Promise<unknown>)[] = [servers.stop];
  try {
    const databaseUrl = await servers.createDatabase('bench_schedules');
    const api = createServer((_, response) => response.end('{"items":[{"id":"1"}],"next":null}')).listen(
      0,
      '127.0.0.1',
    );
    await once(api, 'listening');
    stops.push(() => Promise.resolve(api.close()));
    const temporal = await servers.startTemporal();
    stops.push(() => temporal.stop());
    const hourly = syncOf(`http://127.0.0.1:${(api.address() as AddressInfo).port}`);
    const address = { address: temporal.address };
    const worker = await createWorker({ syncs: [hourly], databaseUrl, temporal: address, alerts: false });
    const serving = worker.run();
    const sluice = await connect({ databaseUrl, temporal: address });
    stops.push(async () => {
      await sluice.close();
      worker.shutdown();
      await serving;
    });
    await runSql(
      databaseUrl,
      `insert into sluice.account (provider, account) select 'bench', 'acct_' || n from generate_series(1, ${ACCOUNTS}) n`,
    );
    const from = performance.now();
    await sluice.schedules.apply([hourly]);
    const applyMs = performance.now() - from;
    const [hour] = await runSql<{ worst: number }>(
      databaseUrl,
      `select max(count)::int as worst from (
         select count(*) from sluice.due where schedule = 'hourly/hourly' group by date_trunc('minute', due_at)) m`,
    );

    const [day] = await runSql<{ worst: number }>(
      databaseUrl,
      `select max(count)::int as worst from (
         select count(*) from sluice.due where schedule = 'hourly/daily' group by date_trunc('minute', due_at)) m`,
    );

    await runSql(databaseUrl, `delete from sluice.due where schedule = 'hourly/daily'`);
    await runSql(databaseUrl, `update sluice.declaration set paused_at = clock_timestamp() where id = 'hourly/daily'`);
    const due = Math.round(1_000 * share);
    await runSql(
      databaseUrl,
      `update sluice.due set due_at = clock_timestamp() + interval '1 hour'`,
      `update sluice.due set due_at = clock_timestamp() where account in (select account from sluice.due limit ${due})`,
    );
    const dueAt = performance.now();
    const started = async (): Promise<number> =>
      (
        await runSql<{ n: number }>(
          databaseUrl,
          `select count(*)::int n from sluice.due where last_outcome = 'started'`,
        )
      )[0]?.n ?? 0;
    while ((await started()) < due && performance.now() - dueAt < 300_000) await delay(100);
    const startSeconds = (performance.now() - dueAt) / 1_000;

    return [
      atMost(`${ACCOUNTS} accounts reconciled`, applyMs / 1_000, 's', 120),
      atMost('every hour: the fullest minute, of its even share', (hour?.worst ?? NaN) / (ACCOUNTS / 60), '', 1.5),
      atMost('every day: the fullest minute, of its even share', (day?.worst ?? NaN) / (ACCOUNTS / 1_440), '', 1.5),
      atLeast('due at one moment and started, runs going on beside', due / startSeconds, '/s', 3),
      atLeast(
        'Temporal Schedules made, in memory, nothing started (for comparison)',
        await schedulesPerSecond(temporal.address, Math.round(TEMPORAL_SCHEDULES * share)),
        '/s',
        0,
      ),
    ];
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

function syncOf(baseUrl: string) {
  const provider = defineProvider({ id: 'bench', baseUrl, auth: noAuth(), limits: [] });
  const one = provider.endpoint('one', {
    input: z.object({ id: z.string() }),
    response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.null() }),
    request: ({ id }) => get(`/one/${id}`),
    paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next },
  });
  return defineSync(
    'hourly',
    {
      provider,
      input: z.object({ id: z.string() }),
      schedule: {
        hourly: { every: '1h', input: ({ account }) => ({ id: account }) },
        daily: { every: '1d', input: ({ account }) => ({ id: account }) },
      },
    },
    (s) => ({ rows: s.one(one, { input: (asked) => asked, key: ({ id }) => id }) }),
  );
}

async function schedulesPerSecond(address: string, count: number): Promise<number> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    let next = 0;
    const make = async (): Promise<void> => {
      while (next < count) {
        const n = next++;
        await client.schedule.create({
          scheduleId: `hourly/${n}`,
          spec: { intervals: [{ every: '1 hour', offset: `${n % 3_600} seconds` }] },
          action: { type: 'startWorkflow', workflowType: 'sync', taskQueue: 'nobody', args: [] },
        });
      }
    };
    const from = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, make));
    return count / ((performance.now() - from) / 1_000);
  } finally {
    await connection.close();
  }
}
