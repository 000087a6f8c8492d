/**
 * What a value has that JSON would silently drop or write as something else. A promise, a Map or a Set would become
 * `{}`, NaN and a time that is none `null`, a function nothing. Rows and outputs are kept as JSON, so such a one is a
 * mistake of who made it.
 * Used by: `activities/page/read-page.ts`, `activities/action/attempt.ts`, `client/map-again.ts`, `client/quarantine.ts`.
 */

/** Deeper ones, and circles, are refused by JSON itself. */
const DEEPEST = 500;

/** @returns where it is and what, e.g. "`price.net` is NaN"; undefined when JSON keeps it all. */
export function unwritable(value: unknown): string | undefined {
  const found = search(value, 0);
  return (
    found &&
    `${found.path === '' ? 'it' : `\`${found.path.slice(0, 200)}\``} is ${found.what}, which JSON has no word for`
  );
}

interface Found {
  readonly path: string;
  readonly what: string;
}

function search(value: unknown, depth: number): Found | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : { path: '', what: String(value) };
    case 'bigint':
      return { path: '', what: 'a BigInt' };
    case 'function':
      return { path: '', what: 'a function' };
    case 'symbol':
      return { path: '', what: 'a symbol' };
    case 'object':
      return value === null ? undefined : searchObject(value, depth);
    default:
      return undefined;
  }
}

function searchObject(value: object, depth: number): Found | undefined {
  const what = kindOf(value);
  if (what !== undefined) return { path: '', what };
  // What writes itself says what is written.
  if (depth > DEEPEST || typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = search(value[index], depth + 1);
      if (found) return { ...found, path: `${index}${below(found.path)}` };
    }
    return undefined;
  }
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue;
    const found = search((value as Record<string, unknown>)[name], depth + 1);
    if (found) return { ...found, path: `${name}${below(found.path)}` };
  }
  return undefined;
}

function kindOf(value: object): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'a time that is none (Invalid Date)' : undefined;
  if (value instanceof Map) return 'a Map';
  if (value instanceof Set) return 'a Set';
  return isPromise(value) ? 'a promise' : undefined;
}

function below(path: string): string {
  return path === '' ? '' : `.${path}`;
}

/** Nobody waits for it: where it fails later, that must end no process. */
export function isPromise(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || typeof (value as { then?: unknown }).then !== 'function')
    return false;
  if (value instanceof Promise) value.catch(() => {});
  return true;
}
