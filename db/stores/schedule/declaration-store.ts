/**
 * Schedules and ages as they were applied. Next: `client/schedules/apply-schedules.ts`; `due-store.ts` has the accounts.
 */
import type { Declaration, ScheduleSpec, ScheduleStanding } from '../../../contracts/schedules/schedule.ts';
import { timesText } from '../../../contracts/schedules/schedule-words.ts';
import type { Pool, PoolClient, Queryable } from '../../pool.ts';
import { inTransaction } from '../../pool.ts';

export type AppliedDeclaration = Declaration & {
  readonly taskQueue: string;
  readonly version: number;
  readonly accounts: number;
};

const LIST = `
  select d.kind, d.id, d.sync, d.provider, d.spec, d.task_queue as "taskQueue", d.version, coalesce(due.count, 0)::int as accounts
  from sluice.declaration d
  left join (select schedule, count(*) from sluice.due group by 1) due on d.kind = 'schedule' and due.schedule = d.id
  order by d.kind, d.id`;

/** All that was applied, of every task queue. */
export async function readDeclarations(db: Queryable): Promise<AppliedDeclaration[]> {
  return (await db.query<AppliedDeclaration>(LIST)).rows;
}

/** One at a time: of two deployments at once the later one sees what the first has done. */
export async function withDeclarationsLocked<T>(pool: Pool, work: (tx: PoolClient) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (tx) => {
    await tx.query('lock table sluice.declaration in share row exclusive mode');
    return work(tx);
  });
}

const PUT = `
  insert into sluice.declaration as d (kind, id, sync, provider, task_queue, spec) values ($1, $2, $3, $4, $5, $6)
  on conflict (kind, id) do update set sync = excluded.sync, provider = excluded.provider, spec = excluded.spec,
    version = d.version + 1, applied_at = clock_timestamp()
  where d.task_queue = excluded.task_queue`;

/** Adds or changes one; a pause stays. One of another task queue is left as it is. */
export async function putDeclaration(db: Queryable, of: Declaration, taskQueue: string): Promise<void> {
  await db.query(PUT, [of.kind, of.id, of.sync, of.provider, taskQueue, JSON.stringify(of.spec)]);
}

export async function removeDeclaration(db: Queryable, { kind, id }: Pick<Declaration, 'kind' | 'id'>): Promise<void> {
  await db.query('delete from sluice.declaration where kind = $1 and id = $2', [kind, id]);
  if (kind === 'schedule') await db.query('delete from sluice.due where schedule = $1', [id]);
}

const TELL = `
  insert into sluice.declared_code as c (task_queue, declarations) values ($1, $2)
  on conflict (task_queue) do update set declarations = excluded.declarations, told_at = clock_timestamp()
  where c.declarations <> excluded.declarations`;

/** Writes down what the code of a worker declares. */
export async function tellDeclared(db: Queryable, taskQueue: string, declared: readonly Declaration[]): Promise<void> {
  await db.query(TELL, [taskQueue, JSON.stringify(declared)]);
}

export interface DeclaredCode {
  readonly taskQueue: string;
  readonly declarations: readonly Declaration[];
  /** Since the code, or what is in force of its task queue, changed last, in milliseconds. */
  readonly forMs: number;
}

/** What the code of every task queue's workers declares. */
export async function readDeclaredCode(db: Queryable): Promise<DeclaredCode[]> {
  const { rows } = await db.query<DeclaredCode>(
    `select c.task_queue as "taskQueue", c.declarations, (extract(epoch from clock_timestamp() - greatest(c.told_at, (
         select max(d.applied_at) from sluice.declaration d where d.task_queue = c.task_queue))) * 1000)::float8 as "forMs"
     from sluice.declared_code c order by 1`,
  );
  return rows;
}

/** @param reason null: it is paused no more. @returns false when there is no such schedule. */
export async function pauseSchedule(db: Queryable, id: string, reason: string | null): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sluice.declaration set paused_reason = $2,
       paused_at = case when $2::text is null then null else coalesce(paused_at, clock_timestamp()) end
     where kind = 'schedule' and id = $1`,
    [id, reason],
  );
  return rowCount === 1;
}

interface StandingRow {
  readonly id: string;
  readonly sync: string;
  readonly provider: string;
  readonly taskQueue: string;
  readonly spec: ScheduleSpec;
  readonly pausedAt: Date | null;
  readonly pausedReason: string | null;
  readonly accounts: number;
  readonly disconnected: number;
  readonly due: number;
  readonly lateMs: number;
  readonly nextAt: Date | null;
  readonly failed: number;
  readonly lastError: string | null;
}

const MOST_COUNTED = 10_000;
const few = (where: string): string =>
  `(select count(*)::int from (select from sluice.due u where u.schedule = d.id and ${where} limit ${MOST_COUNTED + 1}) few)`;

// Counts so many entries at most of due_next, due_parked and due_failed.
const STANDINGS = `
  select d.id, d.sync, d.provider, d.task_queue as "taskQueue", d.spec, d.paused_at as "pausedAt", d.paused_reason as "pausedReason",
    ${few('not u.is_parked')} as accounts, ${few('u.is_parked')} as disconnected,
    ${few('not u.is_parked and u.due_at <= clock_timestamp()')} as due,
    greatest(0, coalesce(extract(epoch from clock_timestamp() - next.due_at) * 1000, 0))::float8 as "lateMs",
    case when d.paused_at is null then next.due_at end as "nextAt",
    ${few(`u.last_outcome = 'failed'`)} as failed,
    (select u.last_error from sluice.due u where u.schedule = d.id and u.last_outcome = 'failed' limit 1) as "lastError"
  from sluice.declaration d
  left join lateral (
    select u.due_at from sluice.due u where u.schedule = d.id and not u.is_parked order by u.due_at limit 1) next on true
  where d.kind = 'schedule' order by d.id`;

/** Every schedule, of every task queue. */
export async function readScheduleStandings(db: Queryable): Promise<ScheduleStanding[]> {
  const { rows } = await db.query<StandingRow>(STANDINGS);
  return rows.map(({ pausedAt, nextAt, ...row }) => ({
    ...row,
    when: timesText(row.spec.times),
    pausedAt: pausedAt?.toISOString() ?? null,
    nextAt: nextAt?.toISOString() ?? null,
  }));
}
