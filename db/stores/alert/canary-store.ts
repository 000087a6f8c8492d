/** Task queues that are served, and when a canary last came through each. Next: `workers/alerts/watch-alerts.ts`. */
import type { Queryable } from '../../pool.ts';

/** A worker serves it from now on. */
export async function registerQueue(db: Queryable, taskQueue: string): Promise<void> {
  await db.query(`insert into sluice.canary (task_queue) values ($1) on conflict (task_queue) do nothing`, [taskQueue]);
}

/** Of those that no canary was sent to for so long; from now on one was. */
export async function claimCanaries(db: Queryable, everyMs: number): Promise<string[]> {
  const { rows } = await db.query<{ taskQueue: string }>(
    `update sluice.canary set asked_at = clock_timestamp()
     where asked_at is null or asked_at < clock_timestamp() - make_interval(secs => $1 / 1000.0)
     returning task_queue as "taskQueue"`,
    [everyMs],
  );
  return rows.map(({ taskQueue }) => taskQueue);
}

export async function notePassed(db: Queryable, taskQueue: string): Promise<void> {
  await db.query(
    `insert into sluice.canary (task_queue) values ($1) on conflict (task_queue) do update set passed_at = clock_timestamp()`,
    [taskQueue],
  );
}

/** Queues that no canary has come through for so long. */
export async function unservedQueues(
  db: Queryable,
  afterMs: number,
): Promise<{ readonly taskQueue: string; readonly forMs: number }[]> {
  const { rows } = await db.query<{ taskQueue: string; forMs: number }>(
    `select task_queue as "taskQueue", (extract(epoch from clock_timestamp() - passed_at) * 1000)::float8 as "forMs"
     from sluice.canary where passed_at < clock_timestamp() - make_interval(secs => $1 / 1000.0) order by task_queue`,
    [afterMs],
  );
  return rows;
}

export interface SeenQueue {
  readonly taskQueue: string;
  /** ISO time at which a worker last took a canary from it, or began to serve it. */
  readonly passedAt: string;
}

/** Task queues that workers serve or have served, by name. */
export async function listQueues(db: Queryable): Promise<SeenQueue[]> {
  const { rows } = await db.query<{ taskQueue: string; passedAt: Date }>(
    `select task_queue as "taskQueue", passed_at as "passedAt" from sluice.canary order by task_queue limit 1000`,
  );
  return rows.map(({ taskQueue, passedAt }) => ({ taskQueue, passedAt: passedAt.toISOString() }));
}

/** Nobody means to serve it any more. @returns false when it is not known. */
export async function forgetQueue(db: Queryable, taskQueue: string): Promise<boolean> {
  const canaries = await db.query('delete from sluice.canary where task_queue = $1', [taskQueue]);
  const declared = await db.query('delete from sluice.declared_code where task_queue = $1', [taskQueue]);
  return (canaries.rowCount ?? 0) + (declared.rowCount ?? 0) > 0;
}
