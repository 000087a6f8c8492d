/**
 * Removes rows that are older than they are kept, some thousand in one statement, so that no lock is held for long. What somebody else is
 * at is passed over, and taken the next time. Next: `old-runs-store.ts` has runs. Used by: `workers/loops/remove-old.ts`.
 */
import type { Retention } from '../../../contracts/operate/retention.ts';
import type { Queryable } from '../../pool.ts';

/** Rows in one statement. */
const STEP = 2_000;

/** @returns whether it is this process's turn: nobody else's until so long from now. */
export async function takeRetentionRound(db: Queryable, leaseMs: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into sluice.retention_round as r (due_at) values (clock_timestamp() + make_interval(secs => $1 / 1000.0))
     on conflict (one) do update set due_at = excluded.due_at where r.due_at <= clock_timestamp()`,
    [leaseMs],
  );
  return rowCount === 1;
}

/** Nothing is left to do for so long; or for no time, when something is. */
export async function endRetentionRound(db: Queryable, forMs: number): Promise<void> {
  await db.query(`update sluice.retention_round set due_at = clock_timestamp() + make_interval(secs => $1 / 1000.0)`, [
    forMs,
  ]);
}

interface Kind {
  readonly table: string;
  readonly days: keyof Required<Retention>;
  /** `old` is true of a time that lies so long back. */
  readonly which: (old: (time: string) => string) => string;
}

/** A saga whose workflow is open may have to take back what a step did long ago. */
const IS_OPEN = (root: string) =>
  `exists (select 1 from sluice.report p where p.workflow_id = ${root} and p.status = 'pending')`;

// `now()`, because an index is not read up to a clock that moves on: report_ended, action_step_ended, saga_created, audit_by_at, secret_use_by_hour, alert_cleared, quarantine_by_age;
// report_by_workflow and action_step_by_root for what is open.
const KINDS: readonly Kind[] = [
  { table: 'report', days: 'reportDays', which: (old) => `status <> 'pending' and ${old('ended_at')}` },
  {
    table: 'action_step',
    days: 'reportDays',
    which: (old) => `${old('ended_at')} and not ${IS_OPEN('x.root_workflow_id')}`,
  },
  {
    table: 'saga',
    days: 'reportDays',
    which: (old) =>
      `${old('created_at')} and not exists (select 1 from sluice.action_step a where a.root_workflow_id = x.workflow_id)
       and not ${IS_OPEN('x.workflow_id')}`,
  },
  { table: 'audit', days: 'auditDays', which: (old) => old('at') },
  { table: 'secret_use', days: 'secretUseDays', which: (old) => old('hour') },
  { table: 'alert', days: 'alertDays', which: (old) => old('cleared_at') },
  { table: 'quarantine', days: 'quarantineDays', which: (old) => old('last_seen_at') },
];

/** Removes some rows of a table, and says how many; fewer than `room` means that none is left. */
export interface RemovalStep {
  readonly table: string;
  readonly room: number;
  readonly remove: (db: Queryable) => Promise<number>;
}

/** What there is to remove besides runs, with nothing for what is kept for ever. */
export function removalSteps(kept: Required<Retention>): RemovalStep[] {
  const isOld = (time: string): string => `x.${time} < now() - $1 * interval '1 day'`;
  const byAge = KINDS.map(({ table, days, which }) => ({
    table,
    days: kept[days],
    sql: `delete from sluice.${table} where ctid = any (array(
      select x.ctid from sluice.${table} x where ${which(isOld)} limit $2 for update skip locked))`,
  }));
  return [...byAge, { table: 'record', days: kept.deletionDays, sql: DELETIONS }]
    .filter(({ days }) => Number.isFinite(days))
    .map(({ table, days, sql }) => ({
      table,
      room: STEP,
      remove: async (db) => (await db.query(sql, [days, STEP])).rowCount ?? 0,
    }));
}

// Oldest first, by record_gone. That a reader may have missed them is written down with it: see sluice.read_feed. Locks: the records, then
// their feeds in order.
const DELETIONS = `
  with old as materialized (
    select r.ctid from sluice.record r where r.deleted_at < now() - $1 * interval '1 day'
    order by r.deleted_at limit $2 for update skip locked
  ), gone as (
    delete from sluice.record r using old where r.ctid = old.ctid returning r.account, r.resource, r.tx, r.seq
  ), trimmed as (
    insert into sluice.feed_trim as t (account, resource, tx, seq)
    select distinct on (g.account, g.resource) g.account, g.resource, g.tx, g.seq from gone g
    order by g.account, g.resource, g.tx desc, g.seq desc
    on conflict (account, resource) do update set tx = excluded.tx, seq = excluded.seq where (t.tx, t.seq) < (excluded.tx, excluded.seq)
  )
  select 1 from gone`;

/**
 * What was asked of runs that no worker has ever opened, alerts that nobody has taken, and builds that graphs mark no
 * more. They are kept some days, whatever else is kept. The newest build stays: the next start is compared with it.
 */
export async function removeStrays(db: Queryable): Promise<void> {
  await db.query(`delete from sluice.run_wish where asked_at < now() - interval '1 day'`);
  await db.query(`delete from sluice.alert_delivery where delivered_at is null and at < now() - interval '3 days'`);
  await db.query(
    `delete from sluice.deploy where at < now() - interval '90 days' and at < (select max(at) from sluice.deploy)`,
  );
}
