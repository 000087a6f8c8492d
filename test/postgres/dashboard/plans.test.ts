/**
 * What the page asks of a large database: every query of every view that reads lists, by its plan. 10,000 runs, 50,000 keys, 20,000
 * reports, 30,000 accounts, 100,000 units, 100,000 acts. Not time is measured, which a busy machine spoils, but what a query touches.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAlerts } from '../../../client/alerts/alerts.ts';
import { createRuns } from '../../../client/runs.ts';
import type { Sluice } from '../../../client/index.ts';
import { MOST_COUNTED } from '../../../contracts/operate/run-list.ts';
import { bucketId } from '../../../limiter/buckets/bucket-row.ts';
import { createDefinitions } from '../../../dashboard/definitions.ts';
import { linksBelow } from '../../../dashboard/link.ts';
import { routeOf } from '../../../dashboard/routes.ts';
import {
  countAccounts,
  listAlerts,
  listAccounts,
  listAudit,
  listReports,
  openOperations,
  readAccountSyncs,
  readConnections,
  readPace,
  readProgress,
  type Pool,
} from '../../../db/index.ts';
import { createSchedules } from '../../../client/schedules/schedules.ts';
import { createLimits } from '../../../client/limits.ts';
import { readFlaws } from '../../../client/sync/read-flaws.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const SEED = `
  insert into sluice.account (provider, account, tenant, status, since)
    select 'p' || i % 3, 'acct_' || i, 't' || i % 50, case when i % 20 = 0 then 'needs_reconnect' else 'connected' end, now() - i * interval '1 minute'
    from generate_series(1, 30000) i;
  insert into sluice.credential (provider, account, secret, key_id, generation)
    select provider, account, '', 'k', 1 from sluice.account;
  insert into sluice.quarantine (sync, node, account, resource, parent_key, name, path, reason, run_id, unit_id, first_seen_at, last_seen_at)
    select 's1', 'n', 'acct_' || i % 2000, 's1.n', '', '#' || i, '', 'x', gen_random_uuid(), 1, now(), now() from generate_series(1, 10000) i;
  insert into sluice.action_step (workflow_id, root_workflow_id, provider, action, account, tenant, idempotency_key, input)
    select 'w' || i, 'w' || i, 'p0', 'a', 'acct_' || i % 2000, 't', gen_random_uuid(), '{}' from generate_series(1, 10000) i;
  insert into sluice.run (id, workflow_id, provider, sync, account, input, plan, state, started_at, ended_at)
    select gen_random_uuid(), 'sync/s' || i % 12 || '/acct_' || i % 2000, 'p' || i % 3, 's' || i % 12, 'acct_' || i % 2000, '{}', '{"nodes":[]}',
      (array['done','done','done','done','failed','incomplete','cancelled','running','done','paused'])[i % 10 + 1],
      now() - i * interval '1 minute', case when i % 10 in (7, 9) then null else now() - i * interval '1 minute' + interval '30 seconds' end
    from generate_series(1, 10000) i;
  insert into sluice.node (run_id, name, ordinal, parent, resource, calls, rows)
    select r.id, 'n' || n, n, case when n > 0 then 'n' || n - 1 end, 'x', 10, 100 from sluice.run r, generate_series(0, 2) n;
  insert into sluice.report (id, kind, name, account, tenant, started_by, workflow_id, root_workflow_id, what, status, started_at)
    select gen_random_uuid(), (array['sync','sync','sync','action','saga'])[i % 5 + 1], 'n', 'acct_' || i % 2000, 't', 'system', 'w' || i, 'w' || i, 'x',
      case when i % 400 = 0 then 'failed' when i % 50 = 0 then 'pending' else 'ok' end, now() - i * interval '1 minute'
    from generate_series(1, 20000) i;
  insert into sluice.limit_bucket (id, key, kind, spec, rate, blocked_us, paused_at)
    select i, 'p' || i % 3 || '/token/' || i, 'learned', '{}', 5,
      case when i % 250 = 0 then sluice.limit_clock_us() + 3600000000 when i % 99 = 0 then 1 else 0 end, case when i % 500 = 0 then now() end
    from generate_series(1, 50000) i;
  update sluice.limit_bucket set queue_len = 2 where id <= 3000;
  insert into sluice.limit_ticket (bucket_id, call_key, account, class, tag, cost, created_us, eta_us, lapse_us)
    select b, case c when 1 then 'unit/' || b else 'action/w' || b end, 'acct_' || c, 1, c, 1, 0, 0, sluice.limit_clock_us() + 600000000 from generate_series(1, 3000) b, generate_series(1, 2) c;
  insert into sluice.limit_event (bucket_id, type) select i % 1000, 'paused' from generate_series(1, 20000) i;
  insert into sluice.alert (kind, subject, text, fired_at, cleared_at)
    select 'stale', 's1/acct_' || i, 'x', now() - i * interval '1 minute', case when i > 20 then now() end from generate_series(1, 20000) i;
  insert into sluice.audit (by, via, act, subject_kind, subject, at)
    select 'user:' || i % 50, 'page', case when i % 2 = 0 then 'limits.pause' else 'run.cancel' end, 'limit', 'p1/token/' || i % 3000, now() - i * interval '1 minute'
    from generate_series(1, 100000) i;
  insert into sluice.declaration (kind, id, sync, provider, task_queue, spec)
    select 'schedule', 's' || i, 's' || i, 'p' || i % 3, 'q', '{"times":{"kind":"every","everyMs":3600000}}' from generate_series(0, 11) i;
  insert into sluice.due (schedule, account, due_at, version, last_outcome)
    select 's' || i % 3, 'acct_' || i, now() + i * interval '1 minute', 1, case when i % 100 = 0 then 'failed' else 'started' end from generate_series(1, 30000) i;
  insert into sluice.canary (task_queue) values ('q');
  insert into sluice.freshness_seen (at, syncs) values (now(), '[{"sync":"s1","provider":"p1","freshForMs":60000,"accounts":10000,"stale":2,"oldestMs":70000}]');
  insert into sluice.pace (grain_s, at, calls, refused, rows)
    select 60, date_trunc('minute', now()) - i * interval '1 minute', 1, 0, 1 from generate_series(0, 1439) i;
  insert into sluice.pace (grain_s, at, calls, refused, rows)
    select 900, date_bin('15 minutes', now(), timestamptz 'epoch') - i * interval '15 minutes', 1, 0, 1 from generate_series(0, 8639) i;
  insert into sluice.unit (run_id, node, parent_key, state, end_kind, reason)
    select (select id from sluice.run order by started_at desc limit 1), 'n1', 'k' || i, 'failed', case when i % 3 = 0 then 'failed' else 'complete' end, 'x'
    from generate_series(1, 100000) i;
  update sluice.node set flawed = 33333 where name = 'n1' and run_id = (select id from sluice.run order by started_at desc limit 1)`;

/** One key as the limiter has them, with all that a key may have. */
const KEY = 'p1/token/seen';
const SEED_KEY = `
  insert into sluice.limit_bucket (id, key, kind, spec, rate) values ($1, $2, 'learned', '{}', 5);
  insert into sluice.limit_ticket (bucket_id, call_key, account, class, tag, cost, created_us, eta_us, lapse_us)
    select $1, 'unit/x' || c, 'acct_' || c, 1, c, 1, 0, 0, sluice.limit_clock_us() + 600000000 from generate_series(1, 2000) c;
  insert into sluice.limit_event (bucket_id, type, detail) select $1, 'learned', '{"from":4,"to":5}' from generate_series(1, 5000) i;
  insert into sluice.limit_pace (bucket_id, grain_s, at, calls, refused, used, waiting, max, rate)
    select b, 60, date_trunc('minute', now()) - i * interval '1 minute', 5, 1, 3, 2, 10, 5 from generate_series(0, 1439) i, unnest(array[$1::bigint] || array(select generate_series(1, 50)::bigint)) b;
  insert into sluice.limit_pace (bucket_id, grain_s, at, calls, refused, used, waiting, max, rate)
    select b, 10800, date_bin('3 hours', now(), timestamptz 'epoch') - i * interval '3 hours', 5, 1, 3, 2, 10, 5 from generate_series(0, 719) i, unnest(array[$1::bigint] || array(select generate_series(1, 50)::bigint)) b;
  insert into sluice.deploy (at, build) select now() - i * interval '1 hour', 'b' || i from generate_series(1, 500) i`;

interface Asked {
  readonly text: string;
  readonly values: readonly unknown[];
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

let db: TestDatabase;
let newest: string;
let alertId: string;
const asked: Asked[] = [];

/** The pool, and a note of what it was asked. */
function noting(pool: Pool): Pool {
  const query = (of: string | Asked, values: readonly unknown[] = []): unknown => {
    asked.push(typeof of === 'string' ? { text: of, values } : { text: of.text, values: of.values });
    return (pool.query as (...given: unknown[]) => unknown).call(pool, of, typeof of === 'string' ? values : undefined);
  };
  return new Proxy(pool, { get: (target, name) => (name === 'query' ? query : Reflect.get(target, name, target)) });
}

beforeAll(async () => {
  db = await createTestDatabase();
  await db.pool.query(SEED);
  for (const each of SEED_KEY.replaceAll('$1', String(bucketId(KEY)))
    .replaceAll('$2', `'${KEY}'`)
    .split(';'))
    await db.pool.query(each);
  await db.pool.query('vacuum analyze');
  const { rows } = await db.pool.query<{ id: string }>('select id from sluice.run order by started_at desc limit 1');
  newest = rows[0]!.id;
  alertId = (await listAlerts(db.pool, { all: true, limit: 1 }))[0]!.id;
});
afterAll(() => db?.drop());

/** The parts of a client that need no Temporal, put together as `connect()` does it. */
function clientOf(pool: Pool): Sluice {
  return {
    runs: createRuns(pool),
    limits: createLimits(pool),
    accounts: {
      list: (filter) => listAccounts(pool, filter as never),
      count: (of) => countAccounts(pool, of?.provider as string | undefined),
    } as Partial<Sluice['accounts']>,
    reports: { list: (filter) => listReports(pool, filter) },
    alerts: createAlerts(pool),
    audit: { list: (filter) => listAudit(pool, filter) },
    schedules: createSchedules(pool, 'q'),
    pace: (span) => readPace(pool, span),
    progress: (runId) => readProgress(pool, { runId }),
    flawedLists: (runId, filter) => readFlaws(pool, runId, filter),
    run: () => ({ explain: () => Promise.resolve(undefined) }) as Partial<ReturnType<Sluice['run']>>,
  } as Partial<Sluice> as Sluice;
}

async function show(path: string): Promise<string> {
  const url = new URL(path, 'http://here');
  const route = routeOf(url.pathname);
  const view = await route?.render(
    {
      sluice: clientOf(noting(db.pool)),
      link: linksBelow(''),
      visitor: { role: 'operate' },
      query: url.searchParams,
      webUiUrl: undefined,
      namespace: 'default',
      diagnose: undefined,
      definitions: createDefinitions(),
      connectUrl: undefined,
      here: path,
      now: new Date(),
    },
    route.params,
  );
  return view?.regions.map(({ content }) => content.text).join('\n') ?? '';
}

function all(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(all)];
}

/** They do not grow: task queues, and one row. */
const SMALL: ReadonlySet<string> = new Set(['canary', 'freshness_seen']);
/** The best of some tries: a machine that has other work to do is not measured. */
const MOST_MS = 50;
const TRIES = 4;

/** What a query touches in tables that grow, and how long it takes. */
async function faultsOf({ text, values }: Asked): Promise<string[]> {
  const explained = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const { rows } = await db.pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode; 'Execution Time': number }] }>(
      `explain (analyze, timing off, format json) ${text}`,
      [...values],
    );
    explained.push(rows[0]!['QUERY PLAN'][0]);
    if (explained.at(-1)!['Execution Time'] <= MOST_MS) break;
  }
  const { Plan: plan, 'Execution Time': ms } = explained.at(-1)!;
  const nodes = all(plan);
  const line = text.trim().replaceAll(/\s+/g, ' ').slice(0, 160);
  const slow = ms > MOST_MS ? [`takes ${ms} ms: ${line}`] : [];
  const read = nodes.flatMap((node) => {
    const table = node['Relation Name'];
    const touched = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
    return [
      ...(node['Node Type'] === 'Seq Scan' && !SMALL.has(table ?? '') ? [`reads all of ${table}: ${line}`] : []),
      ...(touched > 6 * (MOST_COUNTED + 1) ? [`touches ${touched} rows of ${table ?? 'its own'}: ${line}`] : []),
    ];
  });
  return [...slow, ...read];
}

describe('the queries of the page', () => {
  const views = () => [
    '/',
    '/?span=quarter',
    '/runs',
    '/runs?state=failed',
    '/runs?state=running&sync=s7',
    '/runs?provider=p1&state=cancelled',
    '/runs?account=acct_7',
    '/runs?sync=none&state=failed',
    `/runs/${newest}`,
    '/accounts',
    '/accounts?status=needs_reconnect&provider=p2',
    '/limits',
    '/limits?prefix=p2/token/4',
    '/limits?state=paused',
    '/limits?state=blocked',
    '/limits?state=waiting&prefix=p1/',
    `/limits/${encodeURIComponent(KEY)}`,
    `/limits/${encodeURIComponent(KEY)}?span=day`,
    `/limits/${encodeURIComponent(KEY)}?span=quarter`,
    '/reports',
    '/reports?status=failed&kind=saga',
    '/reports?account=acct_7',
    '/actions?status=pending',
    '/alerts',
    '/alerts?all=yes',
    '/audit',
    '/audit?act=limits',
    '/audit/777',
    `/alerts/${alertId}`,
    '/schedules',
    '/schedules/s7',
    '/audit?subject=p1%2Ftoken%2F1',
  ];

  it('use an index each, read no more than they show and count, and take 50 ms at most, whatever the number of runs and keys', async () => {
    const empty: string[] = [];
    for (const path of views()) if ((await show(path)).length < 200) empty.push(path);
    expect(empty).toEqual([]);
    for (const of of [readConnections, readAccountSyncs]) await of(noting(db.pool), 'acct_7');
    await openOperations(noting(db.pool), 'acct_7', 20);
    await listAlerts(noting(db.pool), { account: 'acct_7' });
    const distinct = [...new Map(asked.map((each) => [JSON.stringify(each), each])).values()];
    expect(distinct.length).toBeGreaterThan(40);
    const faults: string[] = [];
    for (const each of distinct) faults.push(...(await faultsOf(each)));
    expect(faults).toEqual([]);
  });

  it('recognise a plan that reads a whole table', async () => {
    const text = `select count(*) from sluice.run where error = 'x'`;
    expect(await faultsOf({ text, values: [] })).toEqual([`reads all of run: ${text}`]);
  });

  it('bring each run once when a list is read page by page, newest first', async () => {
    const runs = createRuns(db.pool);
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const found = await runs.list({
        state: ['failed', 'paused'],
        limit: 300,
        ...(after === undefined ? {} : { after }),
      });
      seen.push(...found.map(({ runId }) => runId));
      after = found.at(-1)?.place;
      if (found.length < 300) break;
    }
    const { rows } = await db.pool.query<{ id: string }>(
      `select id from sluice.run where state in ('failed', 'paused') order by started_at desc, id desc`,
    );
    expect(seen).toEqual(rows.map(({ id }) => id));
    await expect(runs.list({ after: 'x' })).rejects.toThrow(/pass the `place` of a run/);
  });

  it('bring each account, key and report once, too', async () => {
    const listed: string[] = [];
    for (let after: string | undefined; ;) {
      const found = await listAccounts(db.pool, { limit: 999, ...(after === undefined ? {} : { after }) });
      listed.push(...found.map(({ account }) => account));
      after = found.at(-1)?.place;
      if (found.length < 999) break;
    }
    expect([listed.length, new Set(listed).size]).toEqual([30_000, 30_000]);
    const limits = createLimits(db.pool);
    const first = await limits.list({ state: 'blocked', limit: 150 });
    const rest = await limits.list({ state: 'blocked', limit: 150, after: first.at(-1)!.key });
    expect(new Set([...first, ...rest].map(({ key }) => key)).size).toBe(200);
    const reports = await listReports(db.pool, { status: 'failed', kind: ['action', 'saga'], limit: 1_000 });
    expect(reports.map(({ kind, status }) => `${kind} ${status}`)).not.toContain('sync failed');
  });
});
