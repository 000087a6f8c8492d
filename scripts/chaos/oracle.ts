/**
 * What the third party has, known without asking it: the rows that must be stored for an account at the end, whatever
 * happened on the way. Next: `verdict.ts` compares.
 */
import type { network } from './network.ts';

/** Rows in one list. */
export const counts = { friends: 15, posts: 23, photos: 17, likes: 7 } as const;

export type NodeName = Exclude<keyof typeof network, 'definition' | '$input'>;

/** Keys of the rows of each node of the tree, for the account whose user has this id. */
export function expectedKeys(id: string): Record<NodeName, string[]> {
  const rowsOf = (parents: readonly string[], letter: string, count: number): string[] =>
    parents.flatMap((parent) => Array.from({ length: count }, (_, i) => `${parent}-${letter}${i}`));
  const fr = rowsOf([id], 'f', counts.friends);
  const po = rowsOf(fr, 'p', counts.posts);
  return {
    me: [id],
    fr,
    po,
    ph: rowsOf(fr, 'o', counts.photos),
    li: rowsOf(
      po.filter((post) => post.endsWith('0')),
      'l',
      counts.likes,
    ),
  };
}
