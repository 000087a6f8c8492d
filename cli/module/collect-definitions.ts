/**
 * The syncs, actions and sagas among a module's exports: on their own, in arrays, and in objects, however deep.
 */
import type { Action, Saga, Sync } from '../../providers/index.ts';

export interface Definitions {
  readonly syncs: readonly Sync[];
  readonly actions: readonly Action[];
  readonly sagas: readonly Saga[];
}

/** What was found under which name, and where: the first place counts. */
interface Found<Item> {
  readonly item: Item;
  readonly place: string;
}

/**
 * Exported twice, one is one.
 * @param file for messages.
 * @throws Error when two different ones of a kind have one name: workflow ids and stored rows go by it.
 */
export function collectDefinitions(file: string, exported: Readonly<Record<string, unknown>>): Definitions {
  const syncs = new Map<string, Found<Sync>>();
  const actions = new Map<string, Found<Action>>();
  const sagas = new Map<string, Found<Saga>>();
  const mistakes: string[] = [];
  const seen = new Set<unknown>();

  const keep = <Item extends { readonly definition: object }>(
    kind: string,
    name: string,
    known: Map<string, Found<Item>>,
    found: Found<Item>,
  ): void => {
    const before = known.get(name);
    if (!before) known.set(name, found);
    else if (before.item.definition !== found.item.definition)
      mistakes.push(`two different ${kind}s are called "${name}": ${before.place} and ${found.place}`);
  };
  const visit = (value: unknown, place: string): void => {
    if (isSync(value)) keep('sync', value.definition.name, syncs, { item: value, place });
    else if (isAction(value)) keep('action', value.definition.id, actions, { item: value, place });
    else if (isSaga(value)) keep('saga', value.definition.name, sagas, { item: value, place });
    else if (isContainer(value) && !seen.has(value)) {
      seen.add(value);
      for (const [key, inner] of Object.entries(value))
        visit(inner, Array.isArray(value) ? `${place}[${key}]` : `${place}.${key}`);
    }
  };

  for (const [name, value] of Object.entries(exported)) visit(value, name);
  if (mistakes.length > 0) throw new Error(`${file} can't be served: ${mistakes.join('; ')}.`);
  const items = <Item>(known: Map<string, Found<Item>>): Item[] => [...known.values()].map(({ item }) => item);
  return { syncs: items(syncs), actions: items(actions), sagas: items(sagas) };
}

const isSync = (value: unknown): value is Sync => definitionOf(value)?.['nodes'] instanceof Map;
const isAction = (value: unknown): value is Action => typeof definitionOf(value)?.['way'] === 'object';
const isSaga = (value: unknown): value is Saga => Array.isArray(definitionOf(value)?.['steps']);

function definitionOf(value: unknown): Record<string, unknown> | undefined {
  const isDefined = typeof value === 'object' && value !== null && 'definition' in value;
  return isDefined ? (value.definition as Record<string, unknown> | undefined) : undefined;
}

/** An array, an object that was written as one, or the namespace of another module. */
function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  // A provider is written as an object too: its actions are served when they are exported.
  return (prototype === null || prototype === Object.prototype) && !('endpoints' in value);
}
