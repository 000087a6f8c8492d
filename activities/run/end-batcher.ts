/**
 * Ends of runs that come together are written in one transaction: most runs of most accounts are a page, and a commit costs the database
 * as much as what is committed. Next: `db/stores/run/end-store.ts`.
 */
import type { Pool } from '../../db/pool.ts';
import { endRead, endReads, type EndedRead, type EndOfRead } from '../../db/stores/run/end-store.ts';

export interface RunEnds {
  /** As `endRead` does; in its own transaction when it can't be ended together with others. */
  end(runId: string, node: string, how: EndOfRead): Promise<EndedRead | undefined>;
}

interface Waiting {
  readonly end: { readonly runId: string; readonly node: string; readonly how: EndOfRead };
  readonly resolve: (ended: EndedRead | undefined | Promise<EndedRead | undefined>) => void;
}

const BATCHES_AT_ONCE = 2;
/** Of one transaction: whoever waits for one of them waits for all. */
const MOST_ENDS = 16;

export function createRunEnds(pool: Pool): RunEnds {
  const waiting: Waiting[] = [];
  let running = 0;
  return {
    end: (runId, node, how) =>
      new Promise((resolve) => {
        waiting.push({ end: { runId, node, how }, resolve });
        if (running >= BATCHES_AT_ONCE) return;
        running++;
        // After this turn of the event loop, so that all that came with it join.
        setImmediate(() => void run());
      }),
  };

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MOST_ENDS);
      const alone = ({ end: { runId, node, how }, resolve }: Waiting): void => resolve(endRead(pool, runId, node, how));
      if (batch.length === 1) batch.forEach(alone);
      else {
        const ended = await endReads(
          pool,
          batch.map(({ end }) => end),
        ).catch(() => undefined);
        if (ended) batch.forEach(({ resolve }, index) => resolve(ended[index]));
        // One of them can't be: each goes its own way, with its own error.
        else batch.forEach(alone);
      }
    }
    running--;
  }
}
