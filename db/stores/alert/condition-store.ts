/**
 * What is so now and may be an alert, read from the tables of accounts, runs, limits and canaries. Next: `client/alerts/look-for-alerts.ts`
 * puts it into words.
 */
import { checkLimit } from '../../../contracts/values/list-page.ts';
import type { Freshness } from '../../../contracts/alerts/alert.ts';
import type { BlockedLimit, FailingGate, FlawedSync, LostAccount } from '../../../contracts/alerts/alert-texts.ts';
import type { Queryable } from '../../pool.ts';

// Accounts by account_by_status; the last good run of each by run_good, whether there is any, and the newest, by run_by_account. Some
// 0.2 s for 10,000 accounts of one sync.
const FRESHNESS = `
  with aged as materialized (
    select f.sync, (f.spec ->> 'freshForMs')::float8 as fresh_for, a.account, a.tenant, good.ended_at as good_at,
      (extract(epoch from clock_timestamp() - coalesce(good.ended_at, a.since)) * 1000)::float8 as age
    from sluice.declaration f
    join sluice.account a on a.provider = f.provider and a.status = 'connected' and ($1::text is null or a.tenant = $1)
    left join lateral (
      select r.ended_at from sluice.run r where r.account = a.account and r.sync = f.sync and r.state = 'done'
       order by r.ended_at desc limit 1) good on true
    where f.kind = 'freshness' and ($2::text is null or f.sync = $2)
      and (good.ended_at is not null or exists (select 1 from sluice.declaration s where s.kind = 'schedule' and s.sync = f.sync)
        or exists (select 1 from sluice.run r where r.account = a.account and r.sync = f.sync))
  ), named as (
    select n.*, (select r.state from sluice.run r where r.account = n.account and r.sync = n.sync order by r.started_at desc limit 1) as state
    from (select *, row_number() over (partition by sync order by age desc, account) as place from aged where age > fresh_for) n
    where n.place <= $3 or $4 and exists (
      select 1 from sluice.alert o where o.kind = 'stale' and o.subject = n.sync || '/' || n.account and o.cleared_at is null)
  )
  select f.sync, f.provider, (f.spec ->> 'freshForMs')::float8 as "freshForMs", coalesce(c.accounts, 0) as accounts,
    coalesce(c.stale, 0) as stale, c.oldest as "oldestMs",
    (select min(s.id) from sluice.declaration s where s.kind = 'schedule' and s.sync = f.sync and s.paused_at is not null) as paused,
    coalesce((
      select jsonb_agg(jsonb_build_object('account', n.account, 'tenant', n.tenant, 'ageMs', n.age, 'lastGoodAt', n.good_at,
        'state', n.state) order by n.place) from named n where n.sync = f.sync), '[]') as stalest
  from sluice.declaration f
  left join (
    select sync, count(*)::int as accounts, (count(*) filter (where age > fresh_for))::int as stale, max(age) as oldest
    from aged group by sync) c on c.sync = f.sync
  where f.kind = 'freshness' and ($2::text is null or f.sync = $2) order by f.sync`;

export interface FreshnessFilter {
  readonly sync?: string;
  readonly tenant?: string;
}

/**
 * @param room stale accounts of each sync that are named, the stalest ones.
 * @param withOpen also those that have an open alert.
 */
export async function readFreshness(
  db: Queryable,
  { sync, tenant }: FreshnessFilter,
  room: number,
  withOpen = false,
): Promise<Freshness[]> {
  checkLimit(room);
  const { rows } = await db.query<Freshness>(FRESHNESS, [tenant ?? null, sync ?? null, room, withOpen]);
  return rows.map((row) => ({
    ...row,
    stalest: row.stalest.map((each) => ({
      ...each,
      lastGoodAt: each.lastGoodAt === null ? null : new Date(each.lastGoodAt).toISOString(),
    })),
  }));
}

/** Without names of accounts: what is kept of an account goes with it. */
export type FreshnessSeen = Pick<Freshness, 'sync' | 'provider' | 'freshForMs' | 'accounts' | 'stale' | 'oldestMs'>;

/** Keeps what was seen, for those who look at it every second. */
export async function keepFreshness(db: Queryable, found: readonly Freshness[]): Promise<void> {
  const syncs = found.map(({ sync, provider, freshForMs, accounts, stale, oldestMs }): FreshnessSeen => {
    return { sync, provider, freshForMs, accounts, stale, oldestMs };
  });
  await db.query(
    `insert into sluice.freshness_seen (at, syncs) values (clock_timestamp(), $1)
     on conflict (one) do update set at = excluded.at, syncs = excluded.syncs`,
    [JSON.stringify(syncs)],
  );
}

/** @returns undefined before anybody has looked. */
export async function freshnessSeen(
  db: Queryable,
): Promise<{ readonly at: string; readonly syncs: readonly FreshnessSeen[] } | undefined> {
  const { rows } = await db.query<{ at: Date; syncs: readonly FreshnessSeen[] }>(
    'select at, syncs from sluice.freshness_seen',
  );
  return rows[0] && { at: rows[0].at.toISOString(), syncs: rows[0].syncs };
}

// Index: account_by_status.
const LOST = `
  select l.* from (
    select provider, account, tenant, reason, (extract(epoch from clock_timestamp() - since) * 1000)::float8 as "forMs",
      row_number() over w as place, count(*) over (partition by provider)::int as count,
      (select count(*)::int from sluice.account c where c.status = 'connected' and c.provider = a.provider) as connected
    from sluice.account a where status = 'needs_reconnect' window w as (partition by provider order by since, account)) l
  where l.place <= $1 or exists (
    select 1 from sluice.alert o where o.kind = 'needs-reconnect' and o.subject = l.provider || '/' || l.account and o.cleared_at is null)
  order by l.provider, l.place`;

export type LostAccountRow = LostAccount & {
  readonly tenant: string | null;
  /** Of the same provider, all of them, and those that are connected. */
  readonly count: number;
  readonly connected: number;
};

/** @param room of each provider, besides those that have an open alert. */
export async function lostAccounts(db: Queryable, room: number): Promise<LostAccountRow[]> {
  return (await db.query<LostAccountRow>(LOST, [room])).rows;
}

// Scans the buckets, which are as many as keys.
const BLOCKED = `
  select b.key, b.paused_at is not null as "isPaused", coalesce(b.paused_reason, b.blocked_reason) as reason, b.queue_len as waiting,
    (extract(epoch from clock_timestamp() - coalesce(b.paused_at, b.blocked_at)) * 1000)::float8 as "forMs",
    case when b.paused_at is null then ((b.blocked_us - sluice.limit_clock_us()) / 1000)::float8 end as "untilMs"
  from sluice.limit_bucket b
  where b.paused_at < clock_timestamp() - make_interval(secs => $1 / 1000.0)
    or b.kind <> 'gate' and b.paused_at is null and b.blocked_us > sluice.limit_clock_us()
      and b.blocked_us - extract(epoch from b.blocked_at) * 1000000 > $1 * 1000.0
  order by coalesce(b.paused_at, b.blocked_at), b.key`;

/** Keys that an answer blocks for longer than this in all, or that an operator has paused for longer. */
export async function blockedLimits(db: Queryable, afterMs: number): Promise<BlockedLimit[]> {
  return (await db.query<BlockedLimit>(BLOCKED, [afterMs])).rows;
}

const FAILING = `
  select b.key as name, (extract(epoch from clock_timestamp()) * 1000 - (b.law ->> 'sinceMs')::float8)::float8 as "forMs",
    nullif(b.law ->> 'reason', '') as reason, coalesce((b.law ->> 'probes')::int, 0) as probes
  from sluice.limit_bucket b
  where b.kind = 'gate' and b.hold and b.law ->> 'phase' = 'open'
    and extract(epoch from clock_timestamp()) * 1000 - (b.law ->> 'sinceMs')::float8 > $1
  order by b.key`;

/** Breakers that have been open for longer than this. */
export async function failingGates(db: Queryable, afterMs: number): Promise<FailingGate[]> {
  return (await db.query<FailingGate>(FAILING, [afterMs])).rows;
}

// Steps from sync to sync, and reads the newest runs of each, by run_ended; their nodes by primary key.
const FLAWED = `
  with recursive known (sync) as (
    (select r.sync from sluice.run r where r.ended_at is not null order by r.sync limit 1)
    union all
    select (select r.sync from sluice.run r where r.ended_at is not null and r.sync > known.sync order by r.sync limit 1)
      from known where known.sync is not null
  )
  select known.sync, n.runs, n.lists, n.flawed, n.example
  from known cross join lateral (
    select count(distinct r.id)::int as runs, coalesce(sum(n.done + n.failed + n.skipped), 0)::int as lists,
      coalesce(sum(n.flawed), 0)::int as flawed,
      (array_agg(r.workflow_id order by r.ended_at desc) filter (where n.flawed > 0))[1] as example
    from (select * from sluice.run r where r.sync = known.sync and r.ended_at > clock_timestamp() - interval '24 hours'
       and r.state <> 'cancelled' order by r.ended_at desc limit $2) r
    join sluice.node n on n.run_id = r.id) n
  where known.sync is not null and n.lists > 0 and n.flawed > n.lists * $1::float8 order by known.sync`;

/** @param share of lists that did not end complete, 0 … 1. @param room newest runs of each sync, of the last 24 hours. */
export async function flawedSyncs(db: Queryable, share: number, room: number): Promise<FlawedSync[]> {
  return (await db.query<FlawedSync>(FLAWED, [share, room])).rows;
}
