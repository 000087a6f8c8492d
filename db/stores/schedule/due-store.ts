/**
 * When each account is due, claimed by workers. Next: `workers/schedules/run-schedules.ts` starts what is due, `place-store.ts` gives
 * accounts their times.
 */
import type { DueOutcome } from '../../../contracts/schedules/schedule.ts';
import type { Queryable } from '../../pool.ts';

export interface DueAccount {
  readonly schedule: string;
  readonly account: string;
  /** Its own within the schedule. */
  readonly place: number;
  readonly tenant: string | null;
  readonly settings: unknown;
  /** How long it has been due, in milliseconds. */
  readonly lateMs: number;
  readonly isCatchUp: boolean;
  /** Of this start, until it is settled. */
  readonly startId: string;
  /** An earlier claim may have started it. */
  readonly mayBeStarted: boolean;
  /** The database's clock, epoch milliseconds. */
  readonly nowMs: number;
}

// By due_next for each schedule; the account by its primary key. What another worker is at is left to it. A lease that has run out is
// taken over.
const CLAIM = `
  with ready as materialized (
    select d.schedule, d.account, d.due_at, d.start_id is not null as may_be_started, d.tenant, d.settings
    from sluice.declaration s cross join lateral (
      select u.schedule, u.account, u.due_at, u.start_id, a.tenant, a.settings
      from sluice.due u join sluice.account a on a.provider = s.provider and a.account = u.account and a.status = 'connected'
      where u.schedule = s.id and not u.is_parked and u.due_at <= clock_timestamp()
        and (u.lease_until is null or u.lease_until <= clock_timestamp())
      order by u.due_at limit $2 for no key update of u skip locked) d
    where s.kind = 'schedule' and s.id = any ($1) and s.task_queue = $3 and s.paused_at is null
  )
  update sluice.due u set lease_until = clock_timestamp() + make_interval(secs => $4 / 1000.0),
    start_id = coalesce(u.start_id, gen_random_uuid())
  from ready r where u.schedule = r.schedule and u.account = r.account
  returning u.schedule, u.account, u.place, r.tenant, r.settings, u.is_catch_up as "isCatchUp", u.start_id as "startId",
    r.may_be_started as "mayBeStarted", (extract(epoch from clock_timestamp() - r.due_at) * 1000)::float8 as "lateMs",
    (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"`;

/** Leases what is due of these schedules, where they are not paused and their accounts are connected: at most `room` of each. */
export async function claimDue(
  db: Queryable,
  { schedules, taskQueue, room, leaseMs }: ClaimOptions,
): Promise<DueAccount[]> {
  return (await db.query<DueAccount>(CLAIM, [schedules, room, taskQueue, leaseMs])).rows;
}

export interface ClaimOptions {
  readonly schedules: readonly string[];
  readonly taskQueue: string;
  readonly room: number;
  readonly leaseMs: number;
}

export interface SettledDue {
  readonly schedule: string;
  readonly account: string;
  /** Of the claim: what another worker has taken over and settled meanwhile stays as it is. */
  readonly startId: string;
  /** Epoch milliseconds. */
  readonly nextMs: number;
  readonly isCatchUp: boolean;
  readonly outcome: DueOutcome;
  readonly error?: string;
}

const SETTLE = `
  update sluice.due u set due_at = to_timestamp(s.next / 1000.0), lease_until = null, is_catch_up = s.is_catch_up,
    start_id = null, last_at = clock_timestamp(), last_outcome = s.outcome, last_error = s.error
  from unnest($1::text[], $2::text[], $3::uuid[], $4::float8[], $5::boolean[], $6::text[], $7::text[])
    as s (schedule, account, start_id, next, is_catch_up, outcome, error)
  where u.schedule = s.schedule and u.account = s.account and u.start_id = s.start_id`;

export async function settleDue(db: Queryable, settled: readonly SettledDue[]): Promise<void> {
  if (settled.length === 0) return;
  await db.query(SETTLE, [
    settled.map(({ schedule }) => schedule),
    settled.map(({ account }) => account),
    settled.map(({ startId }) => startId),
    settled.map(({ nextMs }) => nextMs),
    settled.map(({ isCatchUp }) => isCatchUp),
    settled.map(({ outcome }) => outcome),
    settled.map(({ error }) => error ?? null),
  ]);
}

/** Gives back what was claimed and not begun: anybody may claim it at once. */
export async function releaseDue(db: Queryable, claimed: readonly DueAccount[]): Promise<void> {
  if (claimed.length === 0) return;
  await db.query(
    `update sluice.due u set lease_until = null, start_id = case when c.may_be_started then u.start_id end
     from unnest($1::text[], $2::text[], $3::uuid[], $4::boolean[]) as c (schedule, account, start_id, may_be_started)
     where u.schedule = c.schedule and u.account = c.account and u.start_id = c.start_id`,
    [
      claimed.map(({ schedule }) => schedule),
      claimed.map(({ account }) => account),
      claimed.map(({ startId }) => startId),
      claimed.map(({ mayBeStarted }) => mayBeStarted),
    ],
  );
}

export interface NextStart {
  readonly sync: string;
  readonly provider: string;
  readonly at: Date;
}

/** When an account is due next, by sync; nothing of what is paused. Index: due_by_account. */
export async function nextStarts(db: Queryable, account: string): Promise<NextStart[]> {
  const { rows } = await db.query<NextStart>(
    `select d.sync, d.provider, min(u.due_at) as at from sluice.due u join sluice.declaration d on d.kind = 'schedule' and d.id = u.schedule
     where u.account = $1 and not u.is_parked and d.paused_at is null group by 1, 2`,
    [account],
  );
  return rows;
}
