/**
 * Loads the module that a user names on the command line, and finds the syncs, actions and sagas that it exports.
 * Next: `import-file.ts` reads it, `collect-definitions.ts` looks through its exports.
 */
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { CredentialSource } from '../../activities/index.ts';
import { didYouMean } from '../../contracts/operate/near-name.ts';
import type { Action, Provider, Saga, Sync } from '../../providers/index.ts';
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

/** The sync of that name among the module's. @throws Error that lists the ones there are, and names the one that is meant. */
export function syncNamed(loaded: Definitions, name: string): Sync {
  const found = loaded.syncs.find(({ definition }) => definition.name === name);
  if (found) return found;
  const isOperation = operationsOf(loaded).some((each) => each.name === name);
  throw unknownName('sync', name, loaded.syncs.map(({ definition }) => definition.name), isOperation ? 'It is an action or a saga: `npx sluice act` starts it.' : ''); // prettier-ignore
}

/** The action of that id, `provider/name`, among the module's and those of its sagas. @throws Error that lists the ones there are. */
export function actionNamed(loaded: Definitions, id: string): Action {
  const actions = actionsOf(loaded);
  const found = actions.find(({ definition }) => definition.id === id);
  if (found) return found;
  throw unknownName('action', id, actions.map(({ definition }) => definition.id)); // prettier-ignore
}

/** The provider of that id that the module's syncs, actions and sagas have. @throws Error that lists the ones there are. */
export function providerNamed(loaded: Definitions, id: string): Provider {
  const providers = [...loaded.syncs, ...actionsOf(loaded)].map(({ definition }) => definition.provider);
  const found = providers.find((each) => each.id === id);
  if (found) return found;
  throw unknownName('provider', id, providers.map((each) => each.id)); // prettier-ignore
}

export type Operation =
  { readonly action: Action; readonly saga?: never } | { readonly saga: Saga; readonly action?: never };

/** The action of that id, or the saga of that name. @throws Error that lists the ones there are. */
export function operationNamed(loaded: Definitions, name: string): Operation {
  const operations = operationsOf(loaded);
  const found = operations.find((each) => each.name === name);
  if (found) return found.operation;
  const isSync = loaded.syncs.some(({ definition }) => definition.name === name);
  throw unknownName('action or saga', name, operations.map((each) => each.name), isSync ? 'It is a sync: `npx sluice start` starts it.' : ''); // prettier-ignore
}

function actionsOf({ actions, sagas }: Definitions): Action[] {
  const steps = sagas.flatMap(({ definition }) => definition.steps.map(({ action }) => ({ definition: action })));
  return [...actions, ...steps];
}

function operationsOf(loaded: Definitions): { readonly name: string; readonly operation: Operation }[] {
  return [
    ...loaded.actions.map((action) => ({ name: action.definition.id, operation: { action } })),
    ...loaded.sagas.map((saga) => ({ name: saga.definition.name, operation: { saga } })),
  ];
}

function unknownName(kind: string, name: string, known: readonly string[], hint = ''): Error {
  const names = [...new Set(known)];
  const text = `There is no ${kind} ${JSON.stringify(name)}; the module has ${names.join(', ') || 'none'}`;
  const end = didYouMean(name, names) || '.';
  return new Error([text + end, hint].filter(Boolean).join(' '));
}
