/**
 * Which accounts a schedule is for: those of its provider that are connected. One that is not keeps its time and waits; one that was
 * disconnected is forgotten. Next: `client/schedules/place-accounts.ts` says when each is due.
 */
import type { ScheduleSpec } from '../../../contracts/schedules/schedule.ts';
import type { Queryable } from '../../pool.ts';

/** Of all processes one places accounts at a time, until its transaction ends. @returns whether it is this one. */
export async function lockPlacing(tx: Queryable, waits: boolean): Promise<boolean> {
  const lock = `hashtextextended('sluice.due', 0)`;
  if (waits) await tx.query(`select pg_advisory_xact_lock(${lock})`);
  else {
    const { rows } = await tx.query<{ mine: boolean }>(`select pg_try_advisory_xact_lock(${lock}) as mine`);
    return rows[0]?.mine === true;
  }
  return true;
}

export interface PlacedSchedule {
  readonly id: string;
  readonly provider: string;
  readonly spec: ScheduleSpec;
  readonly version: number;
}

export async function schedulesToPlace(db: Queryable, taskQueue: string): Promise<PlacedSchedule[]> {
  const { rows } = await db.query<PlacedSchedule>(
    `select id, provider, spec, version from sluice.declaration where kind = 'schedule' and task_queue = $1 order by id`,
    [taskQueue],
  );
  return rows;
}

// Each an anti-join of two tables with a row for each account: some milliseconds with 10,000. Rows that nothing is to be changed of
// are not written.
const FORGET = `
  delete from sluice.due u where u.schedule = $1
    and not exists (select 1 from sluice.account a where a.provider = $2 and a.account = u.account)`;
const PARK = `
  update sluice.due u set is_parked = a.status <> 'connected' from sluice.account a
  where u.schedule = $1 and a.provider = $2 and a.account = u.account and u.is_parked <> (a.status <> 'connected')`;

// Where more than a sixth of the places are free, the rest would be less even. So those with the highest places move
// into the free ones below, and have their times by no version then.
const CLOSE_UP = `
  with counted as (
    select count(*)::int as accounts, max(place) as highest from sluice.due where schedule = $1
  ), moved as (
    select u.account, row_number() over (order by u.place) as n from sluice.due u, counted c
    where u.schedule = $1 and c.highest >= c.accounts * 1.2 + 10 and u.place >= c.accounts
  ), free as (
    select p.place, row_number() over (order by p.place) as n from counted c, generate_series(0, c.accounts - 1) p (place)
    where not exists (select 1 from sluice.due u where u.schedule = $1 and u.place = p.place)
  )
  update sluice.due u set place = f.place, version = 0 from moved m join free f using (n) where u.schedule = $1 and u.account = m.account`;

/** Follows the accounts that were connected, disconnected, or must be connected again. @returns how many have left their places. */
export async function followAccounts(db: Queryable, { id, provider }: PlacedSchedule): Promise<number> {
  const { rowCount } = await db.query(FORGET, [id, provider]);
  await db.query(PARK, [id, provider]);
  return rowCount ?? 0;
}

/** @returns how many accounts have another place, and no time yet. */
export async function closeUp(db: Queryable, { id }: PlacedSchedule): Promise<number> {
  return (await db.query(CLOSE_UP, [id])).rowCount ?? 0;
}

// Who has no place gets the lowest one that is free. Of all processes one does it at a time (lockPlacing).
const UNPLACED = `
  with unplaced as (
    select a.account, u.place, row_number() over (partition by u.account is null order by a.account) as n
    from sluice.account a left join sluice.due u on u.schedule = $1 and u.account = a.account
    where a.provider = $2 and a.status = 'connected' and (u.account is null or u.version <> $3)
    order by u.account is null, a.account limit $4
  ), free as (
    select p.place, row_number() over (order by p.place) as n
    from generate_series(0, (select count(*)::int from sluice.due where schedule = $1) + $4::int) p (place)
    where not exists (select 1 from sluice.due u where u.schedule = $1 and u.place = p.place) order by p.place limit $4
  )
  select o.account, coalesce(o.place, f.place) as place, (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"
  from unplaced o left join free f on o.place is null and f.n = o.n`;

export interface UnplacedAccount {
  readonly account: string;
  readonly place: number;
  /** The database's clock, epoch milliseconds. */
  readonly nowMs: number;
}

/** Connected accounts that have no time by this version of the schedule. */
export async function unplacedAccounts(
  db: Queryable,
  { id, provider, version }: PlacedSchedule,
  room: number,
): Promise<UnplacedAccount[]> {
  return (await db.query<UnplacedAccount>(UNPLACED, [id, provider, version, room])).rows;
}

// What is overdue by the version before is started by it, once.
const PLACE = `
  insert into sluice.due as u (schedule, account, place, due_at, version)
  select $1, p.account, p.place, to_timestamp(p.due / 1000.0), $2 from unnest($3::text[], $4::int[], $5::float8[]) as p (account, place, due)
  where exists (select 1 from sluice.declaration d where d.kind = 'schedule' and d.id = $1 and d.version = $2 for share)
  on conflict (schedule, account) do update set version = excluded.version,
    due_at = case when u.due_at <= clock_timestamp() then u.due_at else excluded.due_at end, is_catch_up = false
  where u.version < excluded.version`;

export async function placeAccounts(
  db: Queryable,
  { id, version }: PlacedSchedule,
  placed: readonly { readonly account: string; readonly place: number; readonly dueMs: number }[],
): Promise<void> {
  await db.query(PLACE, [
    id,
    version,
    placed.map(({ account }) => account),
    placed.map(({ place }) => place),
    placed.map(({ dueMs }) => dueMs),
  ]);
}
