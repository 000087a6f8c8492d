/**
 * Trees of unknown depth: a node whose rows are parents of further lists of the same node. Blocks in blocks are so, or
 * folders in folders. A list below a row is named by the row's key behind a slash. One at the top is named as the list
 * of any other child is.
 * Used by: `providers/define/define-sync.ts`, `activities/page/child-units.ts`,
 * `activities/run/root-keys.ts`, `activities/sync/make-attempt.ts`, `client/quarantine.ts`.
 */

export interface Tree {
  readonly top: (parent: unknown) => unknown;
}

/** A node, as far as it is one. */
interface MaybeTree {
  readonly tree?: Tree;
}

const BELOW = '/';
/** Before a key at the top that begins like one below, or like this. */
const ESCAPE = '~';

/** Of the list below a row of the tree. */
export function keyBelow(rowKey: string): string {
  return BELOW + rowKey;
}

/** Of a list at the top: below a row of the parent. */
export function keyAtTop(rowKey: string): string {
  return rowKey.startsWith(BELOW) || rowKey.startsWith(ESCAPE) ? ESCAPE + rowKey : rowKey;
}

/** A list of it is below a row of its own. */
export function isBelow({ tree }: MaybeTree, parentKey: string): boolean {
  return tree !== undefined && parentKey.startsWith(BELOW);
}

/**
 * What the functions of a node are given as the parent of a list.
 * @param parent the latest row that the list is below, or the run's input.
 */
export function givenAs(node: MaybeTree, parentKey: string, parent: unknown): unknown {
  return node.tree && !isBelow(node, parentKey) ? node.tree.top(parent) : parent;
}
