/**
 * What a worker was given to run, by name: syncs, actions, sagas, and the providers under them.
 * Next: `create-worker.ts` hands it to the activities.
 */
import { DefinitionError } from '../providers/define/define-sync.ts';
import { otherKind } from '../contracts/values/option-mistakes.ts';
import type { Action, Provider, Saga, Sync } from '../providers/index.ts';

export interface CatalogOptions {
  /** The syncs that this worker can run. */
  readonly syncs?: readonly Sync[];
  /** The actions that this worker can perform, besides those of its sagas. */
  readonly actions?: readonly Action[];
  readonly sagas?: readonly Saga[];
}

export interface Catalog {
  /** @throws Error that lists what there is. */
  readonly syncNamed: (name: string) => Sync['definition'];
  /** By `provider/action`. @throws Error that lists what there is. */
  readonly actionNamed: (id: string) => Action['definition'];
  /** @throws Error that lists what there is. */
  readonly sagaNamed: (name: string) => Saga['definition'];
  readonly providers: ReadonlyMap<string, Provider>;
}

/**
 * @throws TypeError when two of a kind have one name, or one is of another kind.
 * @throws DefinitionError when a provider of an action has mistakes.
 */
export function createCatalog({ syncs = [], actions = [], sagas = [] }: CatalogOptions): Catalog {
  const wrong = [
    ...strangers('syncs', syncs, 'nodes', 'defineSync'),
    ...strangers('actions', actions, 'way', 'provider.action'),
    ...strangers('sagas', sagas, 'steps', 'defineSaga'),
  ];
  if (wrong.length > 0) throw new TypeError(wrong.join('\n'));
  const syncsByName = byName('syncs', syncs, ({ name }) => name);
  const sagasByName = byName('sagas', sagas, ({ name }) => name);
  const ofSagas = sagas.flatMap(({ definition }) => definition.steps.map(({ action }) => ({ definition: action })));
  const actionsById = byName('actions', [...actions, ...ofSagas], ({ id }) => id);
  const providers = new Map(
    [...syncsByName.values(), ...actionsById.values()].map(({ provider }) => [provider.id, provider]),
  );
  for (const provider of new Set([...actionsById.values()].map((action) => action.provider))) {
    const mistakes = provider.mistakes();
    if (mistakes.length > 0) throw new DefinitionError(`Provider "${provider.id}"`, mistakes);
  }
  return {
    syncNamed: (name) => found('sync', name, syncsByName),
    actionNamed: (id) => found('action', id, actionsById),
    sagaNamed: (name) => found('saga', name, sagasByName),
    providers,
  };
}

function strangers(kind: string, list: readonly unknown[], field: 'nodes' | 'way' | 'steps', made: string): string[] {
  return list.flatMap((each, place) => {
    const what = otherKind(each, field);
    return what === undefined ? [] : [`\`${kind}\` has what \`${made}(…)\` returns; its entry ${place} is ${what}`];
  });
}

function byName<Definition>(
  kind: string,
  list: readonly { readonly definition: Definition }[],
  nameOf: (definition: Definition) => string,
): Map<string, Definition> {
  const found = new Map<string, Definition>();
  for (const { definition } of list) {
    const name = nameOf(definition);
    const before = found.get(name);
    if (before !== undefined && before !== definition)
      throw new TypeError(`Two ${kind} are called "${name}"; workflow ids and stored rows go by the name.`);
    found.set(name, definition);
  }
  return found;
}

function found<Definition>(kind: string, name: string, definitions: ReadonlyMap<string, Definition>): Definition {
  const definition = definitions.get(name);
  if (definition === undefined)
    throw new Error(
      `This worker has no ${kind} "${name}"; it has ${[...definitions.keys()].join(', ') || 'none'}. Give it to createWorker({ ${kind}s }).`,
    );
  return definition;
}
