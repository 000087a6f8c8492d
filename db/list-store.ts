/**
 * What a node's lists leave behind when all of them have ended: watermarks moved and deletions marked, for each parent
 * whose list was read to its end. Next stop: `sluice.settle_lists` in `migrations/0001_core.sql`.
 */
import type { Pool } from './pool.ts';

/** Lists settled in one transaction. */
const ROOM = 200;

export interface Settling {
  readonly marksDeletions: boolean;
  readonly allowsEmpty: boolean;
}

/** Settles all lists of a node, in batches; what was settled before stays settled. */
export async function settleLists(pool: Pool, runId: string, node: string, how: Settling): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ settled: number }>(
      'select sluice.settle_lists($1, $2, $3, $4, $5) as settled',
      [runId, node, how.marksDeletions, how.allowsEmpty, ROOM],
    );
    if ((rows[0]?.settled ?? 0) < ROOM) return;
  }
}
