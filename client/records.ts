/**
 * Reads what a sync stored, typed by the node that stored it, in the order of change and resumable. Next:
 * `db/stores/sync/record-store.ts`; here the walk of the README ends.
 */
import { readChanges, type Pool } from '../db/index.ts';
import { checkAccount, checkNode } from './options/check-options.ts';
import type { Node } from '../providers/define/define-sync.ts';

export interface RecordsOptions {
  readonly account: string;
  /** `sequence` of the last record that was handled; undefined from the beginning. */
  readonly after?: string | undefined;
  /** Records read at a time, 1 … 10,000. Default 500. */
  readonly batchSize?: number;
}

export interface ChangeRecord<Row> {
  /** Keep it, whole, and pass it as `after` to go on behind this record. It stays good over restarts, dumps and failovers. */
  readonly sequence: string;
  readonly key: string;
  readonly change: 'upsert' | 'delete';
  /** The latest version; of a deleted record, the last one seen. */
  readonly data: Row;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly changedAt: string;
}

/**
 * A record that changed several times since `after` appears once, with its latest version.
 * @throws TypeError when it is given no node or no account, or `batchSize` is out of range. TypeError too when `after`
 *   was made by no feed, or by another one. CursorLost when this database never handed `after` out: it was put back to
 *   an earlier moment, or is another one.
 */
export async function* readRecords<Row>(
  pool: Pool,
  node: Node<Row>,
  options: RecordsOptions,
): AsyncGenerator<ChangeRecord<Row>> {
  checkNode('records', node);
  const { account, batchSize = 500 } = options;
  checkAccount(account);
  if (!(batchSize >= 1 && batchSize <= 10_000))
    throw new TypeError(`\`batchSize\` is ${batchSize}; it must be from 1 to 10,000.`);
  let { after } = options;
  for (;;) {
    const rows = await readChanges(pool, { account, resource: node.resource, after, limit: batchSize });
    for (const row of rows) yield row as ChangeRecord<Row>;
    after = rows.at(-1)?.sequence ?? after;
    if (rows.length < batchSize) return;
  }
}
