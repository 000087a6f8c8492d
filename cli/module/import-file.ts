/**
 * Imports one file of a user's project: JavaScript as Node does, TypeScript by the project's own `tsx`, else by Node itself where
 * it strips types. Next: `hooks.ts`.
 */
import { existsSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import * as hooks from './hooks.ts';

export interface ImportOptions {
  /** Told of every file outside `node_modules` that is imported, also later on: its path. */
  readonly onFile?: (path: string) => void;
}

/** What reads TypeScript in this process. */
type Reader = 'tsx' | 'node';

/** @throws Error saying what could not be read, why, and what to do. */
export async function importFile(file: string, options: ImportOptions = {}): Promise<Record<string, unknown>> {
  const isTypeScript = /\.[cm]?tsx?$/.test(file);
  const reader = isTypeScript ? await readTypeScript(file) : undefined;
  if (isTypeScript || options.onFile !== undefined || !isModulePackage(file)) installHooks(options, reader === 'node');
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw explained(file, reader, error);
  } finally {
    // What was required and not imported; hooks of `module.register` do not hear of it.
    const required = Object.keys(nodeModule.createRequire(file).cache);
    for (const path of required)
      if (isAbsolute(path) && !path.includes('/node_modules/')) options.onFile?.(path.replace(/\?.*$/s, ''));
  }
}

/** `tsx` where the project has it: it understands all of TypeScript. */
async function readTypeScript(file: string): Promise<Reader> {
  if (process.execArgv.some((argument) => argument.includes('tsx')) || process.env['NODE_OPTIONS']?.includes('tsx'))
    return 'tsx';
  const api = tsxApi(file) ?? tsxApi(join(process.cwd(), 'package.json'));
  if (api !== undefined) {
    await loadTsx(api);
    return 'tsx';
  }
  // From 22.18 on without a flag.
  if ((process.features as { readonly typescript?: unknown }).typescript) return 'node';
  throw new Error(
    `${shown(file)} is TypeScript, which Node ${process.version} does not read by itself. Run \`npm install --save-dev tsx\`, ` +
      'use Node 22.18 or later, or name built JavaScript.',
  );
}

/**
 * The file that `import 'tsx/esm/api'` means in the user's project. `require.resolve` would name another one, for CommonJS, that
 * fails here.
 */
function tsxApi(from: string): string | undefined {
  try {
    const packageFile = nodeModule.createRequire(from).resolve('tsx/package.json');
    const { exports } = JSON.parse(readFileSync(packageFile, 'utf8')) as { exports?: Record<string, unknown> };
    const target = targetOf(exports?.['./esm/api']);
    return target === undefined ? undefined : join(dirname(packageFile), target);
  } catch (error) {
    if ((error as { code?: string }).code === 'MODULE_NOT_FOUND') return undefined;
    throw new Error(`\`tsx\` is installed, but its package.json can't be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Of an entry of `exports`, under the conditions of an import. */
function targetOf(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry;
  if (typeof entry !== 'object' || entry === null) return undefined;
  const conditions = entry as Record<string, unknown>;
  return targetOf(conditions['import'] ?? conditions['node'] ?? conditions['default']);
}

async function loadTsx(api: string): Promise<void> {
  try {
    const { register } = (await import(pathToFileURL(api).href)) as { register: () => unknown };
    register();
  } catch (cause) {
    throw new Error(
      `\`tsx\` is installed, but could not be loaded from ${shown(api)} by Node ${process.version}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Does the nearest package.json say `"type": "module"`? */
function isModulePackage(file: string): boolean {
  if (file.endsWith('.mjs')) return true;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const packageFile = join(folder, 'package.json');
    if (existsSync(packageFile))
      return (JSON.parse(readFileSync(packageFile, 'utf8')) as { type?: unknown }).type === 'module';
    if (folder === dirname(folder)) return false;
  }
}

let areInstalled = false;

/** After `tsx`, so that they come before it. Once in a process. */
function installHooks({ onFile }: ImportOptions, stripsTypes: boolean): void {
  if (areInstalled) return;
  areInstalled = true;
  const tellFile = (url: string): void => onFile?.(fileURLToPath(url));
  const { registerHooks } = nodeModule as { registerHooks?: (given: object) => void };
  if (registerHooks) {
    hooks.configure(tellFile, stripsTypes);
    registerHooks({ resolve: hooks.resolveNow });
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.on('message', tellFile);
  port1.unref();
  const url = new URL(`hooks${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  nodeModule.register(url, { data: { port: port2 }, transferList: [port2] });
}

/** What Node refuses of a file whose types it only strips. */
const BEYOND_STRIPPING = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_IMPORT_ATTRIBUTE_MISSING',
  'ERR_UNKNOWN_FILE_EXTENSION',
]);

function explained(file: string, reader: Reader | undefined, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`${shown(file)} could not be loaded: ${String(error)}`);
  const isBeyond = error instanceof SyntaxError || BEYOND_STRIPPING.has((error as { code?: string }).code ?? '');
  const advice =
    reader === 'node' && isBeyond
      ? ` Node ${process.version} has read it and only strips types; \`npm install --save-dev tsx\` understands all of TypeScript.`
      : '';
  const where = placeOf(error);
  return new Error(
    `${shown(file)} could not be loaded: ${error.message}${where === undefined ? '' : ` (${where})`}${advice}`,
    {
      cause: error,
    },
  );
}

/** The first line of the stack that is in a file of the user's. */
function placeOf({ stack = '' }: Error): string | undefined {
  const lines = stack.matchAll(/(?:file:\/\/)?(\/[^\s()]+?\.[cm]?[jt]sx?:\d+(?::\d+)?)/g);
  const [place] = [...lines].map(([, path]) => path as string).filter((path) => !path.includes('/node_modules/'));
  return place === undefined ? undefined : shown(place);
}

function shown(path: string): string {
  const short = relative('', path);
  return short.startsWith('..') ? path : short;
}
