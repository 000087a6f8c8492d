/**
 * The names of the lists that the roots of a run read. What is known of one list says nothing of another: its
 * watermark, how many rows it had, which of them are gone. Which list a root reads follows from what its endpoint is
 * asked with. An input of the run that no root hands on makes no other list. Used by: `run-activities.ts`. Next:
 * `db/functions/runs/open-run.sql`.
 */
import { hash } from 'node:crypto';
import type { CompiledSync, NodeDefinition } from '../../providers/define/define-sync.ts';
import { givenAs } from '../../contracts/tree.ts';

/** A longer name is cut, and ends with a digest of all of it. */
const LONGEST = 200;

/** @returns names by node; '' for a list that is asked for with nothing. */
export function rootKeysOf(sync: CompiledSync, input: unknown): Record<string, string> {
  const roots = [...sync.nodes.values()].filter(({ parent }) => parent === null);
  return Object.fromEntries(roots.map((node) => [node.name, shortened(rootKey(node, input))]));
}

/** What the user's code throws here it throws in the attempt as well, where that ends the list with the reason. */
function rootKey(node: NodeDefinition, input: unknown): string {
  const { options } = node;
  try {
    if (options.uniqueBy) return String(options.uniqueBy(input));
    // As in a first reading.
    const asked = options.input(givenAs(node, '', input), {
      watermark: undefined,
      checkpoint: undefined,
      runInput: input,
    });
    const text = JSON.stringify(asked ?? null);
    return text === '{}' || text === 'null' ? '' : text;
  } catch {
    return '';
  }
}

function shortened(key: string): string {
  const clean = key.toWellFormed().replaceAll('\0', ' ');
  return clean.length <= LONGEST
    ? clean
    : `${clean.slice(0, LONGEST / 2).toWellFormed()} … ${hash('sha1', clean, 'hex')}`;
}
