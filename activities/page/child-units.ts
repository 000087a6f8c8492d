/**
 * The children's work that rows bring. Called with each page, and when a node's lists have ended. Then it is for the
 * rows of earlier runs when they were only asked for what changed. It is also for what those runs left unread below
 * rows that do not come again.
 * Next: `db/stores/sync/unit-store.ts` and `db/stores/sync/list-store.ts`.
 */
import { knownRows, mayBeOwed, openKnown, owedLists, takeOver } from '../../db/stores/sync/list-store.ts';
import type { ChildUnit } from '../../db/stores/sync/page-store.ts';
import type { TreePath } from '../../contracts/plan.ts';
import type { RunMode } from '../../contracts/run.ts';
import type { CompiledSync, NodeDefinition } from '../../providers/define/define-sync.ts';
import { givenAs, keyAtTop, keyBelow } from '../../contracts/tree.ts';
import type { ActivityDeps } from '../deps.ts';

/**
 * The units that these rows bring: one for each child node and parent, or for each value that the child visits once.
 * @param tree of the run, which may have begun when a build had fewer nodes. Default: that of the sync.
 * @param mode of the run, where the rows came in it.
 */
export function childUnits(
  sync: CompiledSync,
  node: NodeDefinition,
  keys: readonly string[],
  rows: readonly unknown[],
  tree?: readonly TreePath[],
  mode?: RunMode,
): ChildUnit[] {
  const children = sync.childrenOf(node.name).filter((child) => !tree || tree.includes(`${node.name}>${child.name}`));
  // Where all rows come again. A list that is asked only for what has changed brings no others.
  const isWhole = mode === 'incremental' && node.options.incremental === undefined;
  return children.flatMap((child) => {
    const unlessRead = isWhole && child.options.parents === 'changed' ? ([child.resource] as const) : ([] as const);
    return rows.flatMap((row, index) => {
      const key = keys[index] as string;
      const listKey = listOf(child, node, row, key);
      const { when } = child.options;
      if (when && !when(givenAs(child, listKey, row))) return [];
      return [[child.name, listKey, key, ...unlessRead]];
    });
  });
}

/** Which list of the child is below the row. */
function listOf(child: NodeDefinition, node: NodeDefinition, row: unknown, key: string): string {
  if (!child.tree) return String(child.options.uniqueBy?.(row) ?? key);
  return child === node ? keyBelow(key) : keyAtTop(key);
}

/** Gives rows that are known from earlier runs to the children that want all of them. Goes on where it was left. */
export async function visitKnown(
  deps: ActivityDeps,
  runId: string,
  nodeName: string,
  tree: readonly TreePath[],
): Promise<void> {
  for (;;) {
    const known = await knownRows(deps.pool, runId, nodeName);
    if (!known) return;
    const sync = deps.syncNamed(known.sync);
    const node = sync.nodes.get(nodeName);
    if (!node) throw new Error(`This worker's sync "${known.sync}" has no node "${nodeName}" any more.`);
    const keys = known.rows.map(({ key }) => key);
    const units = childUnits(
      sync,
      node,
      keys,
      known.rows.map(({ data }) => data),
      tree,
    ).filter(([child]) => sync.nodes.get(child)?.options.parents !== 'changed');
    await openKnown(deps.pool, runId, nodeName, units, keys.at(-1) as string);
  }
}

/**
 * Gives a node's children the lists that earlier runs have left unread: cancelled ones, failed ones. After the rows that came in
 * this run, so that a parent that came too is visited with its new row, once. Goes on where it was left.
 */
export async function visitOwed(deps: ActivityDeps, runId: string, nodeName: string): Promise<void> {
  for (const { sync: syncName, name } of await mayBeOwed(deps.pool, runId, nodeName)) {
    const sync = deps.syncNamed(syncName);
    const node = sync.nodes.get(nodeName);
    if (!node || !sync.missesParents(name)) continue;
    for (let owed; (owed = await owedLists(deps.pool, runId, name));) {
      // A row that has changed since, so that it is not wanted or belongs to another list, came again by itself.
      const still = owed.lists.filter(({ key, record, data }) =>
        childUnits(sync, node, [record], [data]).some(([child, itsKey]) => child === name && itsKey === key),
      );
      const lists = still.map(({ key, record }) => [key, record] as const);
      await takeOver(deps.pool, runId, name, lists, owed);
    }
    await takeOver(deps.pool, runId, name, []);
  }
}
