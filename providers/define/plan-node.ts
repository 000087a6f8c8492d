/**
 * What a workflow must know of a node, as plain JSON, and in which order nodes come. Used by: `define-sync.ts`.
 * Next: `workflows/run/run-walk.ts` walks by it.
 */
import { tellsByToken } from '../../contracts/list.ts';
import type { ChildErrorPolicy, PlanNode } from '../../contracts/plan.ts';
import type { Endpoint } from './define-provider.ts';
import type { NodeDefinition } from './define-sync.ts';
import { parentName, parentOf } from './mistakes/sync-mistakes.ts';

/** Whether a run may leave out parents of the node: it, or a node above, visits only what came of an incremental list. */
export function missesParents(nodes: ReadonlyMap<string, NodeDefinition>, name: string): boolean {
  const node = nodes.get(name);
  const parent = nodes.get((node && parentName(node)) ?? '');
  if (!node || !parent) return false;
  return node.options.parents === 'changed' || missesParents(nodes, parent.name);
}

/** Its lists may bring only what has changed, or nothing. */
function mayBePartial({ options, endpoint }: NodeDefinition): boolean {
  return options.incremental !== undefined || endpoint.conditional !== undefined;
}

export function planNode(
  node: NodeDefinition,
  nodes: ReadonlyMap<string, NodeDefinition>,
  children: readonly NodeDefinition[],
): PlanNode {
  return {
    name: node.name,
    endpoint: node.endpoint.name,
    parent: parentName(node),
    resource: node.resource,
    pagination: node.endpoint.paginate.kind,
    window: Math.max(node.options.window ?? 40, 2 * (node.batch?.size ?? 0)),
    ...(node.batch ? { batch: node.batch.size } : {}),
    onChildError: policyFor(node),
    callTimeoutMs: longestCallMs(node.endpoint),
    ...(mayBePartial(node) ? { incremental: true } : {}),
    ...(mayBePartial(node) && children.some((child) => child.options.parents !== 'changed')
      ? { visitsKnown: true }
      : {}),
    ...(children.some(({ name }) => missesParents(nodes, name)) ? { visitsOwed: true } : {}),
    ...(node.options.deletions === 'full-pass' ? { deletions: node.options.deletions } : {}),
    ...(node.options.allowEmpty ? { allowEmpty: true } : {}),
    ...(node.tree ? { isTree: true } : {}),
  };
}

/** @param isRoot of the list that can't be read. Default: the node is a root. */
export function policyFor({ parent, options }: NodeDefinition, isRoot = parent === null): ChildErrorPolicy {
  const kind = isRoot ? 'fail' : 'skip';
  return { notFound: kind, forbidden: kind, maxSkippedShare: 0.2, ...options.onChildError };
}

/**
 * A file is read by one call for as long as this, in milliseconds, each piece within the ceiling of a call. Then it is
 * asked for again.
 */
const LONGEST_FILE_MS = 3_600_000;

/** Where the addresses of a job's results must be asked for, that is a call before the one that reads. */
function longestCallMs({ totalTimeoutMs, job, paginate, file }: Endpoint): number {
  return totalTimeoutMs * (job ? 2 : 1) + (paginate.comesInPieces || file ? LONGEST_FILE_MS : 0);
}

/** Parents before children: the order in which locks are taken. */
export function inOrder(nodes: readonly NodeDefinition[]): NodeDefinition[] {
  const depth = (node: NodeDefinition): number => {
    const parent = parentOf(node, nodes);
    return parent ? depth(parent) + 1 : 0;
  };
  return [...nodes].sort((a, b) => depth(a) - depth(b));
}

/** A tree is a child of its own, too. */
export function groupByParent(nodes: readonly NodeDefinition[]): Map<string | null, NodeDefinition[]> {
  const groups = new Map<string | null, NodeDefinition[]>();
  for (const node of nodes) {
    const parent = parentName(node);
    for (const name of node.tree ? [parent, node.name] : [parent])
      groups.set(name, [...(groups.get(name) ?? []), node]);
  }
  return groups;
}

/** What goes without saying: a whole reading takes a new token, behind deletions that rows would have told, so it must find them itself. */
export function withDefaults(options: NodeDefinition['options']): NodeDefinition['options'] {
  return options && tellsByToken(options) && options.deletions === undefined
    ? { ...options, deletions: 'full-pass' }
    : options;
}
