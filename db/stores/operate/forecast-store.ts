/**
 * What a forecast of a run is made of: the counters of its nodes, a sample of lists that have ended, the last good run.
 * Also who waits for a limit. Each part is read by an index, and no more than some hundred lists of a node. Next:
 * `client/explain/forecast.ts`.
 */
import type { Queryable } from '../../pool.ts';

export interface ForecastFacts {
  /** Since the run was opened, by the database's clock. */
  readonly elapsedMs: number;
  /** In the order of the tree: parents first. */
  readonly nodes: readonly ForecastNode[];
  /** Calls of the last good run of the same account, sync and mode; null: there was none. */
  readonly lastCalls: number | null;
}

export interface ForecastNode {
  readonly name: string;
  readonly parent: string | null;
  /** Its rows bring further lists of it. */
  readonly isTree?: boolean;
  readonly hasEnded: boolean;
  /** Lists that are not read to their end, and those that are. */
  readonly open: number;
  readonly ended: number;
  readonly rows: number;
  readonly calls: number;
  /** Open lists that have had calls, and how many. */
  readonly begun: number;
  readonly openCalls: number;
  /** Of some lists that have ended. */
  readonly sample: SampleOfLists;
}

export interface SampleOfLists {
  readonly lists: number;
  readonly averageCalls: number;
  readonly deviationOfCalls: number;
  readonly averageRows: number;
  readonly deviationOfRows: number;
}

const MOST_SAMPLED = 400;

/** Indexes: node and unit by run, run_good; open lists by unit_unended, of which `window` have had calls. */
const FACTS = `
  select (extract(epoch from coalesce(r.ended_at, clock_timestamp()) - r.started_at) * 1000)::float8 as "elapsedMs",
    (select sum(n.calls)::float8 from sluice.node n where n.run_id = good.id) as "lastCalls",
    (select coalesce(jsonb_agg(jsonb_build_object('name', n.name, 'parent', n.parent,
        'isTree', jsonb_path_exists(r.plan, '$.nodes[*] ? (@.name == $name && @.isTree == true)', jsonb_build_object('name', n.name)),
        'hasEnded', n.state not in ('waiting', 'running'), 'open', n.waiting + n.running, 'ended', n.done + n.failed + n.skipped,
        'rows', n.rows, 'calls', n.calls, 'openCalls', hand.calls, 'begun', hand.begun, 'sample', to_jsonb(sample)) order by n.ordinal), '[]')
       from sluice.node n
       cross join lateral (
         select coalesce(sum(u.calls), 0)::int as calls, count(*) filter (where u.calls > 0)::int as begun from (
           select x.calls from sluice.unit x where x.run_id = n.run_id and x.node = n.name and x.end_kind is null
            order by x.id limit ${MOST_SAMPLED}) u) hand
       cross join lateral (
         select count(*)::int as lists, coalesce(avg(u.calls), 0)::float8 as "averageCalls",
           coalesce(stddev_samp(u.calls), 0)::float8 as "deviationOfCalls", coalesce(avg(u.rows), 0)::float8 as "averageRows",
           coalesce(stddev_samp(u.rows), 0)::float8 as "deviationOfRows" from (
             select x.calls, x.rows from sluice.unit x where x.run_id = n.run_id and x.node = n.name and x.end_kind is not null
              limit ${MOST_SAMPLED}) u) sample
      where n.run_id = r.id) as nodes
  from sluice.run r
  left join lateral (
    select g.id from sluice.run g where g.account = r.account and g.sync = r.sync and g.state = 'done' and g.mode = r.mode
      and g.id <> r.id and g.retry_of = '{}' order by g.ended_at desc limit 1) good on true
  where r.id = $1`;

/** @returns undefined when there is no such run. */
export async function readForecastFacts(db: Queryable, runId: string): Promise<ForecastFacts | undefined> {
  return (await db.query<ForecastFacts>(FACTS, [runId])).rows[0];
}

export interface LimitUser {
  readonly key: string;
  readonly sync: string;
  readonly tenant: string | null;
  readonly waiting: number;
  readonly accounts: number;
  /** Order of service: the lower goes first. */
  readonly class: number;
  /** Of those that wait: calls of the run that was asked about. */
  readonly mine: number;
}

/** Calls of each limit that are looked at. */
const MOST_TICKETS = 2_000;

/** Indexes: limit_ticket by its key, units and actions by theirs. */
const USERS = `
  select b.key, coalesce(r.sync, s.action) as sync, coalesce(r.tenant, s.tenant) as tenant, count(*)::int as waiting,
    count(distinct t.account)::int as accounts, t.class, count(*) filter (where r.id = $2)::int as mine
  from sluice.limit_bucket b
  cross join lateral (
    select x.call_key, x.account, x.class from sluice.limit_ticket x
     where x.bucket_id = b.id and x.lapse_us > sluice.limit_clock_us() limit ${MOST_TICKETS}) t
  left join sluice.unit u on u.id = case when t.call_key ~ '^unit/[0-9]+$' then substr(t.call_key, 6)::bigint end
  left join sluice.run r on r.id = u.run_id and r.state = 'running'
  left join sluice.action_step s on t.call_key like 'action/%' and s.workflow_id = substr(t.call_key, 8)
  where b.key = any ($1) and (r.id is not null or s.workflow_id is not null)
  group by 1, 2, 3, t.class order by 1, 4 desc, 2, 3`;

/** Who waits for these limits now, by sync (or action), tenant and class. @param runId whose calls are counted apart. */
export async function readLimitUsers(db: Queryable, keys: readonly string[], runId: string): Promise<LimitUser[]> {
  return (await db.query<LimitUser>(USERS, [keys, runId])).rows;
}
