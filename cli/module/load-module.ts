/**
 * Loads the module that a user names on the command line, and finds the syncs, actions and sagas that it exports.
 * Next: `import-file.ts` reads it, `collect-definitions.ts` looks through its exports.
 */
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { CredentialSource } from '../../activities/index.ts';
import type { Action, Sync } from '../../providers/index.ts';
import type { OnAlert, OnFailure, Retention } from '../../workers/index.ts';
import { collectDefinitions, type Definitions } from './collect-definitions.ts';
import { importFile, type ImportOptions } from './import-file.ts';

export interface LoadedModule extends Definitions {
  /** The module's export `credentials`. */
  readonly credentials: CredentialSource | undefined;
  /** The module's export `onAlert`: told of every alert that is fired or cleared. */
  readonly onAlert: OnAlert | undefined;
  /** The module's export `onFailure`: told of every run that failed. */
  readonly onFailure: OnFailure | undefined;
  /** The module's export `retention`: how many days rows are kept that nothing needs any more. */
  readonly retention: Retention | undefined;
}

/** Looked for in the working folder when no module is named. */
const DEFAULT_MODULES = ['sluice.ts', 'sluice.js', 'src/sluice.ts', 'src/sluice.js', 'dist/sluice.js'];

/**
 * @throws Error when the module is not there, can't be loaded, or exports no sync, action or saga. Error too when it
 *   exports two different ones of a kind with one name. It says what was tried.
 */
export async function loadModule(name: string | undefined, options: ImportOptions = {}): Promise<LoadedModule> {
  const file =
    name === undefined ? DEFAULT_MODULES.map((each) => resolve(each)).find((each) => existsSync(each)) : resolve(name);
  if (!file)
    throw new Error(
      `No module was named and none of ${DEFAULT_MODULES.join(', ')} exists here. Name the file that exports your syncs: --module src/my-syncs.ts`,
    );
  if (!existsSync(file)) throw new Error(`There is no file ${file}.`);
  const exported = await importFile(file, options);
  const found = collectDefinitions(relative('', file), exported);
  if (found.syncs.length + found.actions.length + found.sagas.length === 0)
    throw new Error(
      `${file} exports no sync, action or saga; export what defineSync(…) returns. It exports: ${Object.keys(exported).join(', ') || 'nothing'}.`,
    );
  return {
    ...found,
    credentials: exported['credentials'] as CredentialSource | undefined,
    onAlert: exported['onAlert'] as OnAlert | undefined,
    onFailure: exported['onFailure'] as OnFailure | undefined,
    retention: exported['retention'] as Retention | undefined,
  };
}

/** The sync of that name among the module's. @throws Error that lists the ones there are. */
export function syncNamed({ syncs }: Definitions, name: string): Sync {
  return named('sync', name, syncs, ({ definition }) => definition.name);
}

/** The action of that id, `provider/name`, among the module's and those of its sagas. @throws Error that lists the ones there are. */
export function actionNamed({ actions, sagas }: Definitions, id: string): Action {
  const steps = sagas.flatMap(({ definition }) => definition.steps.map(({ action }) => ({ definition: action })));
  return named('action', id, [...actions, ...steps], ({ definition }) => definition.id);
}

function named<Item>(kind: string, name: string, items: readonly Item[], nameOf: (item: Item) => string): Item {
  const item = items.find((each) => nameOf(each) === name);
  if (item) return item;
  const known = [...new Set(items.map(nameOf))].join(', ') || 'none';
  throw new Error(`There is no ${kind} "${name}"; the module has ${known}.`);
}
