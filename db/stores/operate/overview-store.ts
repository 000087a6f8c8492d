/**
 * How everything stands, in numbers. Meant to be asked every some seconds. Accounts and runs are counted in small
 * indexes, and ages take two index reads for each account and sync. Next: `client/connect.ts` for apps,
 * `workers/metrics/sluice-metrics.ts`.
 */
import { ALERT_KINDS } from '../../../contracts/alerts/alert.ts';
import { AGE_BOUNDS_SECONDS, type Overview } from '../../../contracts/operate/overview.ts';
import type { Queryable } from '../../pool.ts';

/** Index: account_by_status. */
const ACCOUNTS = `select status as state, count(*)::int as count from sluice.account group by 1`;
/** Index: run_open. */
const RUNS = `
  select case when state = 'paused' and paused_by = 'auth' then 'needs_reconnect' else state end as state, count(*)::int as count
  from sluice.run where state in ('running', 'paused') group by 1`;
/** Steps from pair to pair through run_by_account; the last good run of each by run_good. */
const AGES = `
  with recursive pair (account, sync) as (
    (select r.account, r.sync from sluice.run r order by r.account, r.sync limit 1)
    union all
    select n.account, n.sync from pair cross join lateral (
      select r.account, r.sync from sluice.run r where (r.account, r.sync) > (pair.account, pair.sync)
       order by r.account, r.sync limit 1) n
  ), aged as (
    select pair.sync, extract(epoch from clock_timestamp() - coalesce(
      (select r.ended_at from sluice.run r where r.account = pair.account and r.sync = pair.sync and r.state = 'done'
        order by r.ended_at desc limit 1),
      (select r.started_at from sluice.run r where r.account = pair.account and r.sync = pair.sync
        order by r.started_at limit 1)))::float8 as age
    from pair
  )
  select sync, count(*)::int as accounts, avg(age) * 1000 as "averageMs" from aged
  group by sync, width_bucket(age, $1::float8[]) order by sync`;
/** Scans the buckets, which are as many as keys. */
const LIMITS = `
  select split_part(key, '/', 1) || '/' || split_part(key, '/', 2) as "keyClass", count(*)::int as keys,
    sum(queue_len)::int as waiting, count(*) filter (where blocked_us > sluice.limit_clock_us())::int as blocked,
    count(*) filter (where paused_at is not null)::int as paused, avg(coalesce(override_rate, rate)) as "ratePerSecond"
  from sluice.limit_bucket where kind <> 'gate' group by 1 order by 1`;
/** Index: report_to_tell. */
const UNTOLD = `select count(*)::int as count from sluice.report where tell = 'due' and tell_tries > 0`;

/** Index: alert_open. */
const ALERTS = `select kind as state, count(*)::int as count from sluice.alert where cleared_at is null group by 1`;
/** Index: alert_delivery_due. */
const ALERTS_UNTOLD = `
  select count(*)::int as count from sluice.alert_delivery where delivered_at is null and tries > 0`;

interface StateCount {
  readonly state: string;
  readonly count: number;
}

export async function readOverview(db: Queryable): Promise<Overview> {
  const [accounts, runs, ages, limits, untold, alerts, alertsUntold] = await Promise.all([
    db.query<StateCount>(ACCOUNTS),
    db.query<StateCount>(RUNS),
    db.query<Overview['ages'][number]>(AGES, [AGE_BOUNDS_SECONDS]),
    db.query<Overview['limits'][number]>(LIMITS),
    db.query<{ count: number }>(UNTOLD),
    db.query<StateCount>(ALERTS),
    db.query<{ count: number }>(ALERTS_UNTOLD),
  ]);
  const of = ({ rows }: { rows: StateCount[] }, state: string): number =>
    rows.find((row) => row.state === state)?.count ?? 0;
  return {
    accounts: { connected: of(accounts, 'connected'), needs_reconnect: of(accounts, 'needs_reconnect') },
    runs: {
      running: of(runs, 'running'),
      paused: of(runs, 'paused'),
      needs_reconnect: of(runs, 'needs_reconnect'),
    },
    ages: ages.rows,
    limits: limits.rows,
    alerts: Object.fromEntries(ALERT_KINDS.map((kind) => [kind, of(alerts, kind)])) as Overview['alerts'],
    alertsUntold: alertsUntold.rows[0]?.count ?? 0,
    untold: untold.rows[0]?.count ?? 0,
  };
}
