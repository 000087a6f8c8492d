/**
 * What the page asks of a large database: every query of every view that reads lists, by its plan. 10,000 runs, 50,000 keys, 20,000
 * reports, 30,000 accounts, 100,000 units, 100,000 acts. Not time is measured, which a busy machine spoils, but what a query touches.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, seedLarge } from '../../../bench/dashboard/seed.ts';
import { createAlerts } from '../../../client/alerts/alerts.ts';
import { createRuns } from '../../../client/runs.ts';
import type { Sluice } from '../../../client/index.ts';
import { MOST_COUNTED } from '../../../contracts/operate/run-list.ts';
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
  await seedLarge(db.pool, 100_000);
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

/** What a query touches in tables that grow. How long it takes, `npm run bench -- dashboard` measures. */
async function faultsOf({ text, values }: Asked): Promise<string[]> {
  const { rows } = await db.pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `explain (analyze, timing off, format json) ${text}`,
    [...values],
  );
  const nodes = all(rows[0]!['QUERY PLAN'][0].Plan);
  const line = text.trim().replaceAll(/\s+/g, ' ').slice(0, 160);
  const read = nodes.flatMap((node) => {
    const table = node['Relation Name'];
    const touched = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
    return [
      ...(node['Node Type'] === 'Seq Scan' && !SMALL.has(table ?? '') ? [`reads all of ${table}: ${line}`] : []),
      ...(touched > 6 * (MOST_COUNTED + 1) ? [`touches ${touched} rows of ${table ?? 'its own'}: ${line}`] : []),
    ];
  });
  return read;
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

  it('use an index each, and read no more than they show and count, whatever the number of runs and keys', async () => {
    const empty: string[] = [];
    for (const path of views()) if ((await show(path)).length < 200) empty.push(path);
    expect(empty).toEqual([]);
    for (const of of [readConnections, readAccountSyncs]) await of(noting(db.pool), 'acct_7');
    await openOperations(noting(db.pool), 'acct_7', 20);
    await listAlerts(noting(db.pool), { account: 'acct_7' });
    await createRuns(noting(db.pool)).list({ tenant: 'acme' });
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

  it('bring the runs of a tenant, and no others', async () => {
    await db.pool.query(`update sluice.run set tenant = case when account = 'acct_7' then 'acme' else 'zed' end`);
    await db.pool.query('analyze sluice.run');
    const runs = createRuns(db.pool);
    const found = await runs.list({ tenant: 'acme' });
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map(({ account }) => account))).toEqual(new Set(['acct_7']));
    expect(await runs.list({ tenant: 'nobody' })).toEqual([]);
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
