/**
 * Stored rows mapped anew where a mapping has changed: nothing is asked of the third party. Next:
 * `db/stores/sync/rewrite-store.ts`.
 */
import { unwritable } from '../contracts/answers/unwritable.ts';
import { inTransaction, queriesOf, rewriteRows, storedRows, type Pool } from '../db/index.ts';
import type { Node, NodeDefinition } from '../providers/define/define-sync.ts';
import { checkAccount, checkNode } from './options/check-options.ts';

export interface MapAgainOptions<Row> {
  readonly account: string;
  /**
   * What is to be stored, made of what is: pure, and the same when it is given its own result. What an earlier `map` has left out is
   * not there.
   */
  readonly map: (stored: unknown, key: string) => Row;
}

export interface MappedAgain {
  /** Rows that were looked at. */
  readonly rows: number;
  /** Rows that are different now: they come in `records()`, and went through the node's own `store`. */
  readonly changed: number;
}

const BATCH = 200;

/** @throws what `map` throws, with the key of the row; batches before it stay. */
export async function mapAgain<Row>(
  pool: Pool,
  node: Node<Row>,
  { account, map }: MapAgainOptions<Row>,
): Promise<MappedAgain> {
  checkNode('mapAgain', node);
  checkAccount(account);
  const { resource, options } = node as NodeDefinition;
  let after = '';
  let rows = 0;
  let changed = 0;
  for (;;) {
    const stored = await storedRows(pool, { account, resource, after, limit: BATCH });
    const wanted = stored.map(({ key, data }) => ({ key, old: data, data: mapOne(map, key, data) }));
    changed += await inTransaction(pool, async (tx) => {
      const keys = new Set(await rewriteRows(tx, { account, resource }, wanted));
      const written = wanted.filter(({ key }) => keys.has(key)).map(({ data }) => data);
      if (written.length > 0) await options.store?.(queriesOf(tx), written, { account });
      return written.length;
    });
    rows += stored.length;
    after = stored.at(-1)?.key ?? after;
    if (stored.length < BATCH) return { rows, changed };
  }
}

function mapOne<Row>(map: MapAgainOptions<Row>['map'], key: string, stored: unknown): Row {
  let row: Row;
  try {
    row = map(stored, key);
  } catch (error) {
    throw new Error(`\`map\` threw at the row "${key}": ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (row === undefined) throw new TypeError(`\`map\` gave undefined for the row "${key}"; it must be what is stored.`);
  const wrong = unwritable(row);
  if (wrong !== undefined) throw new TypeError(`Of what \`map\` gave for the row "${key}" ${wrong}.`);
  return row;
}
