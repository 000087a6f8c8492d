/**
 * How long the answers take that an operator waits for, with 10,000 accounts, 50,000 keys and a million lists in Postgres: the functions
 * behind `accounts show`, `explain`, `limits list` and a few more. Used by `bench/operate.ts`.
 */
import { Client as TemporalClient, Connection } from '@temporalio/client';
import { connect, type Sluice } from '../../client/index.ts';
import { createWorker } from '../../workers/index.ts';
import { atMost, median, printTable, rounded, type Measure } from '../common/measures.ts';
import { startThirdParty } from '../engine/one-run.ts';
import { runSql, type BenchServers } from '../engine/servers.ts';
import { long } from './syncs.ts';

const ACCOUNTS = 10_000;
const RUNS_OF_ACCOUNT = 5;
const KEYS = 50_000;
const LISTS = 1_000_000;
const IN_HAND = 40;
const ROUNDS = 30;
const GOAL_MS = 50;
/** Whose run is going on, and waits. */
const BUSY = 'acct_7';

export async function measureAnswers(servers: BenchServers, quick: boolean): Promise<Measure[]> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const databaseUrl = await servers.createDatabase('bench_answers');
    const temporal = await servers.startTemporal();
    stops.push(() => temporal.stop());
    const address = { address: temporal.address };
    const { href } = await startThirdParty(['2', '0', '0'], stops);
    process.env['API'] = href;
    const worker = await createWorker({ syncs: [long], databaseUrl, temporal: address, alerts: false });
    const serving = worker.run();
    const sluice = await connect({ databaseUrl, temporal: address });
    stops.push(() => sluice.close());
    // A real run, whose plan, node and limit the rest is made from.
    await (await sluice.start(long, { account: 'acct_0', input: { user: 'u' } })).result();
    worker.shutdown();
    await serving;
    const share = quick ? 0.02 : 1;
    await fill(databaseUrl, share);
    await startBusy(temporal.address);
    const rows = await measureAll(sluice);
    console.log(`\n${ACCOUNTS * share} accounts, ${KEYS * share} keys, ${LISTS * share} lists`);
    printTable(
      ['answer', 'median ms', 'slowest ms'],
      rows.map(({ name, times }) => [name, rounded(median(times)), rounded(Math.max(...times))]),
    );
    return rows.map(({ name, times }) => atMost(`${name}, median`, median(times), 'ms', GOAL_MS));
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function measureAll(sluice: Sluice): Promise<{ readonly name: string; readonly times: readonly number[] }[]> {
  const busy = sluice.run({ sync: long, account: BUSY });
  const answers: Readonly<Record<string, () => Promise<unknown>>> = {
    'accounts show, its run waiting': () => sluice.accounts.show({ account: BUSY }),
    'accounts show, another one': () => sluice.accounts.show({ account: 'acct_4711' }),
    explain: () => busy.explain(),
    'limits list': () => sluice.limits.list(),
    'limits list, waited for': () => sluice.limits.list({ state: 'waiting' }),
    'limits list, blocked': () => sluice.limits.list({ state: 'blocked' }),
    'runs list': () => sluice.runs.list(),
    'runs list, of an account': () => sluice.runs.list({ account: BUSY }),
    'status of a run': () => busy.progress(),
  };
  const found = [];
  for (const [name, ask] of Object.entries(answers)) {
    for (let warm = 0; warm < 3; warm++) await ask();
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const from = performance.now();
      await ask();
      times.push(performance.now() - from);
    }
    found.push({ name, times });
  }
  return found;
}

/** Copies of the one real run, account by account; one of them is going on, with half of all lists. */
async function fill(databaseUrl: string, share: number): Promise<void> {
  const [accounts, keys, lists] = [ACCOUNTS * share, KEYS * share, LISTS * share];
  const listsOfRun = Math.round(lists / 2 / accounts / RUNS_OF_ACCOUNT);
  await runSql(
    databaseUrl,
    `insert into sluice.account (provider, account, tenant) select 'bench', 'acct_' || n, 'tenant_' || n % 100 from generate_series(1, ${accounts}) n`,
    `insert into sluice.run select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'account', 'acct_' || n,
       'workflow_id', 'sync/long/acct_' || n, 'started_at', now() - k * interval '1 hour', 'ended_at', now() - k * interval '1 hour' + interval '1 minute'))).*
     from sluice.run r, generate_series(1, ${accounts}) n, generate_series(1, ${RUNS_OF_ACCOUNT}) k where r.account = 'acct_0'`,
    `insert into sluice.run select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'account', '${BUSY}',
       'workflow_id', 'sync/long/${BUSY}', 'started_at', now(), 'ended_at', null, 'state', 'running'))).* from sluice.run r where r.account = 'acct_0'`,
    `insert into sluice.node select (jsonb_populate_record(n, jsonb_build_object('run_id', r.id, 'done', ${listsOfRun}))).*
     from sluice.node n join sluice.run o on o.id = n.run_id and o.account = 'acct_0', sluice.run r where r.account <> 'acct_0'`,
    `update sluice.node n set state = 'running', waiting = ${lists / 4}, done = ${lists / 4} from sluice.run r where r.id = n.run_id and r.state = 'running'`,
    `insert into sluice.unit (run_id, node, parent_key, state, end_kind, pages, calls, rows)
     select r.id, 'items', n::text, 'done', 'complete', 1, 1, 10 from sluice.run r, generate_series(1, ${listsOfRun}) n
     where r.account <> 'acct_0' and r.state <> 'running'`,
    `insert into sluice.unit (run_id, node, parent_key, state, end_kind, pages, calls, rows)
     select r.id, 'items', n::text, case when n % 2 = 0 then 'done' when n < ${IN_HAND * 2} then 'running' else 'waiting' end,
       case when n % 2 = 0 then 'complete' end, n % 2, n % 2, 10 from sluice.run r, generate_series(1, ${lists / 2}) n where r.state = 'running'`,
    `insert into sluice.limit_bucket select (jsonb_populate_record(b, jsonb_build_object('id', n, 'key', 'bench/token/acct_' || n % ${accounts} || '/e' || n,
       'blocked_us', case when n % 50 = 0 then sluice.limit_clock_us() + 3600000000 else 0 end, 'blocked_at', now()))).*
     from sluice.limit_bucket b, generate_series(1, ${keys}) n where b.key = 'bench/app/app'`,
    `insert into sluice.limit_ticket (bucket_id, call_key, account, class, tag, cost, created_us, eta_us, lapse_us)
     select b.id, 'unit/' || u.id, '${BUSY}', 1, u.id, 1, sluice.limit_clock_us(), sluice.limit_clock_us() + 60000000, sluice.limit_clock_us() + 36000000000
     from sluice.limit_bucket b, sluice.unit u where b.key = 'bench/app/app' and u.state = 'running'`,
    `update sluice.limit_bucket set queue_len = ${IN_HAND}, queue_cost = ${IN_HAND}, queue_until_us = sluice.limit_clock_us() + 36000000000 where key = 'bench/app/app'`,
    'vacuum analyze',
  );
}

/** Temporal knows of the run that is going on; nobody serves its queue. */
async function startBusy(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await new TemporalClient({ connection }).workflow.start('sync', {
      workflowId: `sync/long/${BUSY}`,
      taskQueue: 'nobody',
      args: [],
    });
  } finally {
    await connection.close();
  }
}
