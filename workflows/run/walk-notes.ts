/**
 * What each open node of a run waits for, for people: said anew with each change. Used by: `walk-state.ts`.
 */
import type { Node } from './run-node.ts';

export interface WalkNotes {
  /** @param text none: it works. */
  note(node: Node, text?: string): void;
  /** Forgets all, and says so with the next change. */
  clear(): void;
  tell(): void;
}

export function createWalkNotes(
  nodes: readonly Node[],
  describe: (notes: ReadonlyMap<string, string>) => void,
): WalkNotes {
  const texts = new Map<string, string>();
  const tell = (): void => {
    const open = nodes.filter(({ isEnded }) => !isEnded);
    describe(new Map(open.map(({ plan: { name } }) => [name, texts.get(name) ?? 'working'])));
  };
  return {
    note: ({ plan: { name } }, text) => {
      if (texts.get(name) === text) return;
      if (text === undefined) texts.delete(name);
      else texts.set(name, text);
      tell();
    },
    clear: () => texts.clear(),
    tell,
  };
}
