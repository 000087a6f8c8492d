/**
 * The children's work that rows bring. Called with each page, and once more for the rows of earlier runs when a node's lists
 * were only asked for what changed. Next stop: `db/unit-store.ts` and `db/list-store.ts`.
 */
import { knownRows, openKnown } from '../db/list-store.ts';
import type { CompiledSync, NodeDefinition } from '../providers/define-sync.ts';
import type { ActivityDeps } from './deps.ts';

type ChildUnit = readonly [node: string, key: string, record: string];

/** The units that these rows bring: one for each child node and parent, or for each value that the child visits once. */
export function childUnits(
  sync: CompiledSync,
  node: NodeDefinition,
  keys: readonly string[],
  rows: readonly unknown[],
): ChildUnit[] {
  return sync.childrenOf(node.name).flatMap((child) =>
    rows.flatMap((row, index) => {
      const key = keys[index] as string;
      if (child.options.when && !child.options.when(row)) return [];
      return [[child.name, String(child.options.uniqueBy?.(row) ?? key), key]];
    }),
  );
}

/** Gives rows that are known from earlier runs to the children that want all of them. Goes on where it was left. */
export async function visitKnown(deps: ActivityDeps, runId: string, nodeName: string): Promise<void> {
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
    ).filter(([child]) => sync.nodes.get(child)?.options.parents !== 'changed');
    await openKnown(deps.pool, runId, nodeName, units, keys.at(-1) as string);
  }
}
