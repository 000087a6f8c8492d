/**
 * Ends of runs that come together are written in one transaction: most runs of most accounts are a page.
 * Next: `db/group-commit.ts`, then `db/stores/run/end-store.ts`.
 */
import { groupCommit } from '../../db/group-commit.ts';
import type { Pool } from '../../db/pool.ts';
import { endRead, endReads, type EndedRead, type EndOfRead } from '../../db/stores/run/end-store.ts';

export interface RunEnds {
  /** As `endRead` does; in its own transaction when it can't be ended together with others. */
  end(runId: string, node: string, how: EndOfRead): Promise<EndedRead | undefined>;
}

interface End {
  readonly runId: string;
  readonly node: string;
  readonly how: EndOfRead;
}

/** Of one transaction: whoever waits for one of them waits for all. */
const MOST_ENDS = 16;

export function createRunEnds(pool: Pool): RunEnds {
  const alone = ({ runId, node, how }: End): Promise<EndedRead | undefined> => endRead(pool, runId, node, how);
  const end = groupCommit<End, EndedRead | undefined>({
    mayJoin: (batch) => batch.length < MOST_ENDS,
    together: async (ends) => (ends.length === 1 ? ends.map(alone) : endReads(pool, ends)),
    alone,
  });
  return { end: (runId, node, how) => end({ runId, node, how }) };
}
