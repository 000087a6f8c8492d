/**
 * Which workers are there, and what their code has. Next: `workers/loops/tell-served.ts` tells it, `activities/sync/other-build.ts` asks.
 */
import type { WorkerControl } from '../../../contracts/operate/worker-list.ts';
import type { TreePath } from '../../../contracts/plan.ts';
import type { Queryable } from '../../pool.ts';

/** A worker that was not heard of for longer is gone, in milliseconds. */
const GONE_AFTER_MS = 120_000;

export interface ToldWorker {
  readonly id: string;
  /** As Temporal knows its process. */
  readonly identity: string;
  readonly taskQueue: string;
  /** That and those of its other roles: what it asks for tasks. */
  readonly queues: readonly string[];
  /** The paths of each sync's tree, by its name. */
  readonly serves: Readonly<Record<string, readonly TreePath[]>>;
  /** Calls at once of each role, as it was started. */
  readonly concurrency: number;
}

/** What an operator wants of a worker. */
export type WorkerWish = Pick<WorkerControl, 'concurrency' | 'isDraining'>;

/** Says that a worker is there; rows of those that are long gone are removed. @returns what is wanted of it. */
export async function tellWorker(
  db: Queryable,
  { id, identity, taskQueue, queues, serves, concurrency }: ToldWorker,
): Promise<WorkerWish> {
  const { rows } = await db.query<WorkerWish>({
    name: 'tell_worker',
    text: `insert into sluice.worker as w (id, identity, task_queue, serves, concurrency, queues) values ($1, $2, $3, $4, $5, $6)
      on conflict (id) do update set seen_at = clock_timestamp()
      returning wanted_concurrency as concurrency, is_draining as "isDraining"`,
    values: [id, identity, taskQueue, JSON.stringify(serves), concurrency, queues],
  });
  await db.query(`delete from sluice.worker where seen_at < clock_timestamp() - interval '1 hour'`);
  return rows[0] as WorkerWish;
}

export interface ControlledWorker extends WorkerControl {
  readonly identity: string;
}

const CONTROLLED = `identity, concurrency as "startedWith", wanted_concurrency as concurrency, is_draining as "isDraining"`;

/** Workers that were heard of lately. */
export async function readControlled(db: Queryable): Promise<ControlledWorker[]> {
  const { rows } = await db.query<ControlledWorker>(
    `select ${CONTROLLED} from sluice.worker
     where seen_at > clock_timestamp() - $1 * interval '1 millisecond' order by identity, id`,
    [GONE_AFTER_MS],
  );
  return rows;
}

/**
 * Sets what is wanted of all workers of a process; what is left out stays.
 * @returns how they stand; none when it was not heard of lately, or was started with fewer calls at once.
 */
export async function controlWorker(
  db: Queryable,
  identity: string,
  { concurrency, isDraining }: Partial<WorkerWish>,
): Promise<ControlledWorker[]> {
  const { rows } = await db.query<ControlledWorker>(
    `update sluice.worker set wanted_concurrency = case when $3 then nullif($4::int, concurrency) else wanted_concurrency end,
       is_draining = coalesce($5, is_draining)
     where identity = $1 and seen_at > clock_timestamp() - $2 * interval '1 millisecond' and ($4::int is null or concurrency >= $4)
     returning ${CONTROLLED}`,
    [identity, GONE_AFTER_MS, concurrency !== undefined, concurrency ?? null, isDraining ?? null],
  );
  return rows;
}

export async function forgetWorker(db: Queryable, id: string): Promise<void> {
  await db.query('delete from sluice.worker where id = $1', [id]);
}

/** Identities of the workers that ask this task queue for tasks. */
export async function workersOfQueue(db: Queryable, taskQueue: string): Promise<string[]> {
  const { rows } = await db.query<{ identity: string }>(
    `select distinct identity from sluice.worker
     where $1 = any(queues) and seen_at > clock_timestamp() - $2 * interval '1 millisecond' order by 1`,
    [taskQueue, GONE_AFTER_MS],
  );
  return rows.map(({ identity }) => identity);
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
