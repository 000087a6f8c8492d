/**
 * How Node reads a user's modules, where its own way would refuse them. It does three things, all for files outside
 * `node_modules`. A file with `import` or `export` is an ES module, whatever `type` its package.json says
 * (`npm init -y` says "commonjs"). `./other.js` and `./other` find the TypeScript file that they mean. And a listener
 * hears of every file. Runs on the main thread where Node has `registerHooks`, else on the thread of `module.register`.
 * Next: `import-file.ts`.
 * @see https://nodejs.org/api/module.html#customization-hooks
 */
import { existsSync, readFileSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';

interface Resolved {
  readonly url: string;
  readonly format?: string | null | undefined;
}

interface Context {
  readonly parentURL?: string | undefined;
}

type Next<Result> = (specifier: string, context?: Context) => Result;

let tell: (url: string) => void = () => {};
let nodeStripsTypes = false;

/** Called by `module.register` with its `data`. */
export function initialize({ port }: { readonly port?: MessagePort } = {}): void {
  if (port) tell = (url) => port.postMessage(url);
}

/**
 * The same on the main thread.
 * @param stripsTypes TypeScript is read by Node itself, and by nothing else.
 */
export function configure(listener: (url: string) => void, stripsTypes: boolean): void {
  tell = listener;
  nodeStripsTypes = stripsTypes;
}

export async function resolve(specifier: string, context: Context, next: Next<Promise<Resolved>>): Promise<Resolved> {
  try {
    return asModule(await next(specifier, context));
  } catch (error) {
    const typescript = typescriptFor(specifier, context, error);
    return asModule(await next(typescript, context));
  }
}

export function resolveNow(specifier: string, context: Context, next: Next<Resolved>): Resolved {
  try {
    return asModule(next(specifier, context));
  } catch (error) {
    return asModule(next(typescriptFor(specifier, context, error), context));
  }
}

function asModule(resolved: Resolved): Resolved {
  const { url, format } = resolved;
  if (!url.startsWith('file:') || url.includes('/node_modules/')) return resolved;
  const file = fileOf(url);
  tell(file);
  const [, ending] = /\.([jt]s)x?$/.exec(file) ?? [];
  if (ending === undefined || !hasModuleSyntax(file)) return resolved;
  // Without the query by which `tsx` would make CommonJS of it after all.
  if (format?.startsWith('commonjs'))
    return {
      ...resolved,
      url: url.includes('tsx-commonjs') ? file : url,
      format: format.replace('commonjs', 'module'),
    };
  // No `type` in package.json: Node would try CommonJS first, and warn.
  if (format !== undefined && format !== null) return resolved;
  if (ending === 'js') return { ...resolved, format: 'module' };
  return nodeStripsTypes ? { ...resolved, format: 'module-typescript' } : resolved;
}

/** Without a query, which `tsx` also writes as a part of the name. */
function fileOf(url: string): string {
  return url.replace(/(?:\?|%3F).*$/is, '');
}

const MODULE = /^(?:import\b\s*(?:[\w$*{"']|type\b)|export\s+(?:const|let|var|function|class|default|async|abstract|type|interface|enum|declare|[{*]))/m; // prettier-ignore
// What TypeScript writes as `import` or `export` and means as CommonJS.
const COMMON_JS =
  /^(?:(?:export\s+)?import\s+[\w$]+\s*=\s*require\(|export\s*=|module\.exports\b|exports\.[\w$]+\s*=)/m;

function hasModuleSyntax(url: string): boolean {
  try {
    const text = readFileSync(new URL(url), 'utf8');
    return MODULE.test(text) && !COMMON_JS.test(text);
  } catch {
    return false; // Node says better what is wrong with it
  }
}

const TYPESCRIPT: Readonly<Record<string, string>> = { '.js': '.ts', '.jsx': '.tsx', '.mjs': '.mts', '.cjs': '.cts' };

/** @throws the error that it was given, when there is no such TypeScript file. */
function typescriptFor(specifier: string, { parentURL }: Context, error: unknown): string {
  if (!/^\.{0,2}\//.test(specifier) || !parentURL?.startsWith('file:') || parentURL.includes('/node_modules/'))
    throw error;
  const [, stem = specifier, ending = ''] = /^(.*?)(\.[mc]?jsx?)?$/s.exec(specifier) ?? [];
  const endings = ending === '' ? ['.ts', '.tsx', '/index.ts'] : [TYPESCRIPT[ending] ?? ''];
  const found = endings.map((each) => stem + each).find((each) => existsSync(new URL(each, parentURL)));
  if (found === undefined) throw error;
  return found;
}
