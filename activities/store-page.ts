/**
 * A page that the rules have accepted: parsed, cut into rows, and stored in one transaction with the units that its rows
 * bring and the position after it. Next stop: `paginate/advance.ts`, then `db/unit-store.ts`.
 */
import type { Answer } from '../contracts/answer.ts';
import type { PageFact } from '../contracts/messages.ts';
import { inTransaction } from '../db/pool.ts';
import { commitPage } from '../db/unit-store.ts';
import type { CompiledSync, NodeDefinition } from '../providers/define-sync.ts';
import { tryAgain, wakeNodes, type Attempt } from './attempt.ts';
import { parseBody } from './http/parse-body.ts';
import { advance } from './paginate/advance.ts';
import { STALLED_PAGES_LIMIT } from './paginate/loop-guard.ts';

/** @returns what the workflow must know: whether the unit goes on, and whether it got lanes. */
export async function storePage(attempt: Attempt, answer: Answer, wantsDurable: boolean): Promise<PageFact> {
  const { deps, request, sync, node, unit, pageSize } = attempt;
  const { endpoint, options } = node;
  const body = parseBody(endpoint, answer);
  if (!body.ok) return tryAgain(attempt, body.reason, undefined);
  const items = endpoint.paginate.items(body.value);
  const keys = items.map((item) => String(options.key(item, unit.parentRow)));
  const rows = options.map ? items.map((item) => options.map?.(item, unit.parentRow)) : items;
  const standing = { ...unit, pageSize };
  const next = advance(endpoint.paginate, standing, {
    response: body.value,
    headers: answer.headers,
    itemCount: items.length,
    keys,
  });
  const page = {
    ...next,
    unit: request.unit,
    pages: unit.pages,
    account: request.context.account,
    resource: node.resource,
    records: keys.map((key, index) => [key, rows[index]] as const),
    children: childUnits(sync, node, keys, rows),
    calls: 1,
    laned: unit.isLaned,
    stalledLimit: STALLED_PAGES_LIMIT,
  };
  const store = options.store;
  const committed = store
    ? await inTransaction(deps.pool, async (tx) => {
        const done = await commitPage(tx, page);
        if (!done.stale)
          await store({ query: (text, values) => tx.query(text, values && [...values]) }, rows, {
            account: request.context.account,
          });
        return done;
      })
    : await commitPage(deps.pool, page);
  // Somebody else stored this very page: whoever that was goes on with the unit, and so does the next attempt.
  if (committed.stale) return { unit: request.unit, state: 'more', wantsDurable };
  await wakeNodes(deps, request, committed.wake);
  const lanes = committed.lanes > 0 ? { lanes: committed.lanes } : {};
  return {
    unit: request.unit,
    state: committed.ended ? 'ended' : 'more',
    ...lanes,
    ...(wantsDurable ? { wantsDurable } : {}),
  };
}

/** The units that these rows bring: one for each child node and parent, or for each value that the child visits once. */
function childUnits(sync: CompiledSync, node: NodeDefinition, keys: readonly string[], rows: readonly unknown[]) {
  return sync.childrenOf(node.name).flatMap((child) =>
    rows.flatMap((row, index) => {
      const key = keys[index] as string;
      if (child.options.when && !child.options.when(row)) return [];
      return [[child.name, String(child.options.uniqueBy?.(row) ?? key), key] as const];
    }),
  );
}
