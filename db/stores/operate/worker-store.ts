/**
 * Which workers are there, and what their code has. Next: `workers/loops/tell-served.ts` tells it, `activities/sync/other-build.ts` asks.
 */
import type { TreePath } from '../../../contracts/plan.ts';
import type { Queryable } from '../../pool.ts';

/** A worker that was not heard of for longer is gone, in milliseconds. */
export const GONE_AFTER_MS = 120_000;

export interface ServingWorker {
  readonly id: string;
  readonly taskQueue: string;
  /** The paths of each sync's tree, by its name. */
  readonly serves: Readonly<Record<string, readonly TreePath[]>>;
}

/** Says that a worker is there; rows of those that are long gone are removed. */
export async function tellWorker(db: Queryable, { id, taskQueue, serves }: ServingWorker): Promise<void> {
  await db.query(
    `insert into sluice.worker as w (id, task_queue, serves) values ($1, $2, $3)
     on conflict (id) do update set seen_at = clock_timestamp()`,
    [id, taskQueue, JSON.stringify(serves)],
  );
  await db.query(`delete from sluice.worker where seen_at < clock_timestamp() - interval '1 hour'`);
}

export async function forgetWorker(db: Queryable, id: string): Promise<void> {
  await db.query('delete from sluice.worker where id = $1', [id]);
}

/** Whether a worker of the task queue is there whose code has all of this tree. */
export async function isTreeServed(
  db: Queryable,
  taskQueue: string,
  sync: string,
  tree: readonly TreePath[],
): Promise<boolean> {
  const { rowCount } = await db.query(
    `select 1 from sluice.worker where task_queue = $1 and seen_at > clock_timestamp() - $4 * interval '1 millisecond'
       and serves->$2 ?& $3 limit 1`,
    [taskQueue, sync, tree, GONE_AFTER_MS],
  );
  return rowCount !== 0;
}

/** The syncs of each worker that is there, by task queue. */
export async function readServed(
  db: Queryable,
): Promise<readonly { readonly taskQueue: string; readonly syncs: readonly string[] }[]> {
  const { rows } = await db.query<{ taskQueue: string; syncs: string[] }>(
    `select task_queue as "taskQueue", array(select jsonb_object_keys(serves) order by 1) as syncs from sluice.worker
     where seen_at > clock_timestamp() - $1 * interval '1 millisecond' order by 1, 2`,
    [GONE_AFTER_MS],
  );
  return rows;
}
