/**
 * Loads the module that a user names on the command line and finds the syncs, actions and sagas that it
 * exports. TypeScript works where the
 * user has `tsx`. Next stop: `worker.ts` runs them, `start.ts` starts one.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CredentialSource } from '../activities/index.ts';
import type { Action, Saga, Sync } from '../providers/index.ts';
import type { OnFailure } from '../workers/index.ts';

export interface LoadedModule {
  readonly syncs: readonly Sync[];
  readonly actions: readonly Action[];
  readonly sagas: readonly Saga[];
  /** The module's export `credentials`. */
  readonly credentials: CredentialSource | undefined;
  /** The module's export `onFailure`: told of every run that failed. */
  readonly onFailure: OnFailure | undefined;
}

/** Looked for in the working folder when no module is named. */
const DEFAULT_MODULES = ['sluice.ts', 'sluice.js', 'src/sluice.ts', 'src/sluice.js', 'dist/sluice.js'];

/** @throws Error when the module is not there, can't be loaded, or exports no sync; it says what was tried. */
export async function loadModule(name: string | undefined): Promise<LoadedModule> {
  const file =
    name === undefined ? DEFAULT_MODULES.map((each) => resolve(each)).find((each) => existsSync(each)) : resolve(name);
  if (!file)
    throw new Error(
      `No module was named and none of ${DEFAULT_MODULES.join(', ')} exists here. Name the file that exports your syncs: --module src/my-syncs.ts`,
    );
  if (!existsSync(file)) throw new Error(`There is no file ${file}.`);
  if (/\.[cm]?tsx?$/.test(file)) await allowTypeScript();
  const exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const values = Object.values(exported);
  const [syncs, actions, sagas] = [values.filter(isSync), values.filter(isAction), values.filter(isSaga)];
  if (syncs.length + actions.length + sagas.length === 0)
    throw new Error(
      `${file} exports no sync, action or saga; export what defineSync(…) returns. It exports: ${Object.keys(exported).join(', ') || 'nothing'}.`,
    );
  return {
    syncs,
    actions,
    sagas,
    credentials: exported['credentials'] as CredentialSource | undefined,
    onFailure: exported['onFailure'] as OnFailure | undefined,
  };
}

/** The sync of that name among the module's. @throws Error that lists the ones there are. */
export function syncNamed(loaded: LoadedModule, name: string): Sync {
  const sync = loaded.syncs.find(({ definition }) => definition.name === name);
  if (!sync)
    throw new Error(
      `There is no sync "${name}"; the module has ${loaded.syncs.map(({ definition }) => definition.name).join(', ')}.`,
    );
  return sync;
}

const isSync = (value: unknown): value is Sync => definitionOf(value)?.['nodes'] instanceof Map;
const isAction = (value: unknown): value is Action => typeof definitionOf(value)?.['way'] === 'object';
const isSaga = (value: unknown): value is Saga => Array.isArray(definitionOf(value)?.['steps']);

function definitionOf(value: unknown): Record<string, unknown> | undefined {
  const isDefined = typeof value === 'object' && value !== null && 'definition' in value;
  return isDefined ? (value.definition as Record<string, unknown> | undefined) : undefined;
}

async function allowTypeScript(): Promise<void> {
  if (process.execArgv.some((argument) => argument.includes('tsx')) || process.env['NODE_OPTIONS']?.includes('tsx'))
    return;
  try {
    const found = createRequire(resolve('package.json')).resolve('tsx/esm/api');
    const { register } = (await import(pathToFileURL(found).href)) as { register: () => unknown };
    register();
  } catch (cause) {
    throw new Error(
      'The module is TypeScript and `tsx` is not installed here. Run `npm install --save-dev tsx`, or name built JavaScript.',
      { cause },
    );
  }
}
