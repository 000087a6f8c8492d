/**
 * Rows that did not fit, as the app and its operator see them: listed, read again by the schema of today, or dropped. Nothing is asked
 * of the third party. Next: `db/stores/sync/quarantine-store.ts`; `activities/page/set-aside.ts` is where they come from.
 */
import { bodyOfAside } from '../contracts/answers/aside.ts';
import { unwritable } from '../contracts/answers/unwritable.ts';
import { keepsMembers } from '../contracts/list.ts';
import { givenAs, isBelow } from '../contracts/tree.ts';
import { keyOfRow } from '../contracts/values/row-key.ts';
import {
  dropQuarantined,
  inTransaction,
  isRefusedData,
  listQuarantine,
  noteMisfit,
  queriesOf,
  readParent,
  releaseRow,
  type Pool,
  type QuarantinedRow,
  type QuarantineFilter,
} from '../db/index.ts';
import type { NodeDefinition, Sync } from '../providers/define/define-sync.ts';

export interface Quarantine {
  /** Rows that do not fit, oldest first; `after` goes on behind the last one seen. Those that came again and fitted are not shown. */
  list(filter?: QuarantineFilter): Promise<readonly QuarantinedRow[]>;
  /**
   * Reads all rows of a sync that are in quarantine by its schema, `key` and `map` as they are now. Those that fit are stored, with
   * the sync's own `store`, and come in `records()`; the others stay, with the reason why. The children of a row that is stored are
   * visited by the next run.
   */
  readAgain(sync: Sync, of?: { readonly account?: string; readonly node?: string }): Promise<ReadAgain>;
  /** Forgets rows for good. @returns how many there were. @throws TypeError for an id that is no whole number. */
  drop(ids: readonly number[]): Promise<number>;
}

export interface ReadAgain {
  /** Rows that were stored. */
  readonly stored: number;
  /** Rows that still do not fit. */
  readonly left: number;
}

const BATCH = 200;

/** @param boundTo the tenant whose rows are seen alone. */
export function createQuarantine(pool: Pool, boundTo?: string): Quarantine {
  const bound = boundTo === undefined ? {} : { tenant: boundTo };
  return {
    list: (filter) => listQuarantine(pool, { ...filter, ...bound }),
    drop: async (ids) => {
      const wrong = ids.find((id) => !Number.isSafeInteger(id));
      if (wrong !== undefined) throw new TypeError(`An id is ${wrong}; pass the \`id\` of rows in quarantine.`);
      return dropQuarantined(pool, ids, boundTo);
    },
    readAgain: async ({ definition }, of = {}) => {
      let stored = 0;
      let left = 0;
      let after = 0;
      for (;;) {
        const rows = await listQuarantine(pool, { ...of, ...bound, sync: definition.name, after, limit: BATCH });
        for (const row of rows) {
          const node = definition.nodes.get(row.node);
          if (node && (await readOne(pool, node, definition.parentOf(node.name), row))) stored++;
          else left++;
        }
        after = rows.at(-1)?.id ?? after;
        if (rows.length < BATCH) return { stored, left };
      }
    },
  };
}

/** @returns false when it does not fit. */
async function readOne(
  pool: Pool,
  node: NodeDefinition,
  parent: NodeDefinition | undefined,
  row: QuarantinedRow,
): Promise<boolean> {
  const { account } = row;
  const { resource } = isBelow(node, row.parentKey) ? node : (parent ?? {});
  const read = readBySchema(node, row, await readParent(pool, row.id, resource));
  if (!read.ok) return stays(pool, row, read.reason);
  const isMember = keepsMembers(node.options);
  try {
    await inTransaction(pool, async (tx) => {
      const state = await releaseRow(tx, row.id, { key: read.key, data: read.data, isMember });
      if (state === 'stored')
        await node.options.store?.(queriesOf(tx), [read.data], {
          account,
        });
    });
    return true;
  } catch (error) {
    if (!isRefusedData(error)) throw error;
    return stays(pool, row, `it can't be stored: ${error.message}`);
  }
}

async function stays(pool: Pool, { id }: QuarantinedRow, reason: string): Promise<false> {
  await noteMisfit(pool, id, reason);
  return false;
}

type Read =
  { readonly ok: true; readonly key: string; readonly data: unknown } | { readonly ok: false; readonly reason: string };

/** The definition's functions may throw whatever they like: then the row does not fit. */
function readBySchema(node: NodeDefinition, row: QuarantinedRow, above: unknown): Read {
  const { endpoint, options } = node;
  if (row.row === null) return { ok: false, reason: 'the row could not be kept; it must be asked for again' };
  try {
    const response = endpoint.parseResponse(bodyOfAside(row));
    const items = endpoint.paginate.items(response, { headers: {}, url: '', input: {} });
    if (items.length !== 1) return { ok: false, reason: `\`items\` makes ${items.length} rows of this one` };
    const [item] = items;
    const { key, map } = options;
    const parent = givenAs(node, row.parentKey, above);
    const data = map ? map(item, parent) : item;
    const wrong = unwritable(data);
    if (wrong !== undefined) return { ok: false, reason: wrong };
    return { ok: true, key: keyOfRow(key(item, parent), item), data };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? firstIssue(error) : String(error) };
  }
}

function firstIssue(error: Error): string {
  const { issues } = error as { readonly issues?: readonly { path: readonly PropertyKey[]; message: string }[] };
  const [first] = issues ?? [];
  return first ? `${first.path.map(String).join('.')}: ${first.message}` : `${error.name}: ${error.message}`;
}
