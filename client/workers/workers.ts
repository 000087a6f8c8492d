/**
 * The workers: who they are, and what is asked of them from afar. Used by: `client/connect.ts`. Next: `list-workers.ts`, and
 * `workers/capacity/worker-control.ts`, which does what is asked.
 */
import type { Client } from '@temporalio/client';
import type { WorkerControl, WorkerList } from '../../contracts/operate/worker-list.ts';
import { controlWorker, readControlled, type ControlledWorker, type Pool } from '../../db/index.ts';
import { listWorkers } from './list-workers.ts';

export interface Workers {
  /** Worker processes that ask for tasks, and the task queues that runs go to or are on. */
  list(): Promise<WorkerList>;
  /**
   * What a worker process makes at once, and what is asked of it, by the database alone. @param worker its identity.
   * @returns undefined when no such worker was heard of in the last two minutes.
   */
  control(worker: string): Promise<WorkerControl | undefined>;
  /**
   * Has a worker process take no new work, end what it has in hand, and end, as SIGTERM does. What runs it starts it
   * again, or not. It begins within 12 s.
   * @param worker its identity, as `list` shows it.
   * @throws TypeError when no such worker was heard of in the last two minutes.
   */
  drain(worker: string): Promise<WorkerControl>;
  /**
   * Sets how many calls of each role a worker process makes at once, within 12 s and until it ends. Calls that it has
   * no place for are left to other workers.
   * @param calls 0 (none) … as many as it was started with; null: that many.
   * @throws TypeError when no such worker was heard of in the last two minutes, or it was started with fewer.
   */
  setConcurrency(worker: string, calls: number | null): Promise<WorkerControl>;
}

const MOST = 10_000;
/** Workers in the text of an error. */
const MOST_NAMED = 10;

export function createWorkers(client: Client, pool: Pool, taskQueue: string): Workers {
  return {
    list: () => listWorkers(client, pool, taskQueue),
    control: async (worker) => {
      const found = (await readControlled(pool)).find(({ identity }) => identity === worker);
      return found && toControl(found);
    },
    drain: (worker) => control(pool, worker, { isDraining: true }),
    setConcurrency: async (worker, calls) => {
      if (calls !== null && !(Number.isInteger(calls) && calls >= 0 && calls <= MOST))
        throw new TypeError(
          `Calls at once must be a whole number, 0 to ${MOST}, or null for as many as it was started with; found ${calls}.`,
        );
      return control(pool, worker, { concurrency: calls });
    },
  };
}

async function control(
  pool: Pool,
  worker: string,
  wish: { readonly concurrency?: number | null; readonly isDraining?: boolean },
): Promise<WorkerControl> {
  const [found] = await controlWorker(pool, worker, wish);
  if (!found) throw new TypeError(await whyNot(pool, worker));
  return toControl(found);
}

function toControl({ startedWith, concurrency, isDraining }: ControlledWorker): WorkerControl {
  return { startedWith, concurrency, isDraining };
}

async function whyNot(pool: Pool, worker: string): Promise<string> {
  const there = await readControlled(pool);
  const startedWith = there.filter(({ identity }) => identity === worker).map((each) => each.startedWith);
  if (startedWith.length > 0)
    return `Worker "${worker}" was started with ${Math.min(...startedWith)} calls at once, which is the most: for more, start it with a higher SLUICE_CONCURRENCY.`;
  const names = [...new Set(there.map(({ identity }) => identity))];
  const others = names.length === 0 ? 'nor any other' : `there are: ${names.slice(0, MOST_NAMED).join(', ')}`;
  return `No worker "${worker}" was heard of in the last two minutes; ${others}. A worker is named as \`npx sluice workers\` shows it.`;
}
