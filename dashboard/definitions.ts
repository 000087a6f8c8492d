/** The app's own syncs and actions, where the page is given them: they check what is typed into it. Used by: `dashboard/acts`. */
import type { Action, Sync } from '../providers/index.ts';

/** What a module exports. */
export interface GivenDefinitions {
  readonly syncs?: readonly Sync[];
  readonly actions?: readonly Action[];
}

export interface Definitions {
  /** @returns undefined for one that was not given. */
  sync(name: string): Sync | undefined;
  /** @param id `provider/name`. @returns undefined for one that was not given. */
  action(id: string): Action | undefined;
  /** Names of the syncs at a provider. */
  syncsAt(provider: string): readonly string[];
}

export function createDefinitions({ syncs = [], actions = [] }: GivenDefinitions = {}): Definitions {
  const syncByName = new Map(syncs.map((sync) => [sync.definition.name, sync]));
  const actionById = new Map(actions.map((action) => [action.definition.id, action]));
  return {
    sync: (name) => syncByName.get(name),
    action: (id) => actionById.get(id),
    syncsAt: (provider) =>
      syncs.flatMap(({ definition }) => (definition.provider.id === provider ? [definition.name] : [])),
  };
}
