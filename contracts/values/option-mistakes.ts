/**
 * Options as somebody wrote them without the type checker: names that nobody reads are nearly always misspelt, and would
 * silently do nothing. Used by: the definitions in `providers/define`, all at once, and the limiter alone.
 */

/** What the names of `Options` are; a compile error when one is forgotten. */
export type NamesOf<Options> = Readonly<Record<keyof Options & string, true>>;

/** @returns a mistake for each name that is not known, in words. */
export function unknownOptions(options: object, known: Readonly<Record<string, true>>): string[] {
  return Object.keys(options)
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => `unknown option \`${name}\`; known are ${Object.keys(known).join(', ')}`);
}

/** @throws TypeError for names that are not known. @param of whose options they are, e.g. `retry()`. */
export function checkKnown(of: string, options: object, known: Readonly<Record<string, true>>): void {
  const mistakes = unknownOptions(options, known);
  if (mistakes.length > 0) throw new TypeError(`${of}: ${mistakes.join('; ')}`);
}

/** What a value of another type is, in words. It is not told itself: it may be a secret, as an address with a password is. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** @returns a mistake for each of these options that is not a function. */
export function missingFunctions(options: object, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = (options as Record<string, unknown>)[name];
    return typeof value === 'function' ? [] : [`\`${name}\` is ${kindOf(value)}; it must be a function`];
  });
}

/** @returns a mistake for each of these options that is there and is not a function. */
export function wrongFunctions(options: object, names: readonly string[]): string[] {
  return missingFunctions(
    options,
    names.filter((name) => (options as Record<string, unknown>)[name] !== undefined),
  );
}

/**
 * @returns a mistake for each of these options that is an async function. A promise is no value, and where true or
 * false is wanted it is true.
 * @param mayBe those that are waited for.
 */
export function asyncFunctions(options: object, mayBe: readonly string[] = []): string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    value instanceof AsyncFunction && !mayBe.includes(name)
      ? [`\`${name}\` is async; it must give its value at once`]
      : [],
  );
}

const AsyncFunction = (async () => {}).constructor as new () => unknown;

/** The same with the names of its fields, where it is an object of others than are wanted. */
export function shapeOf(value: unknown): string {
  return notAnObject(value) === undefined
    ? `an object of ${Object.keys(value as object).join(', ') || 'nothing'}`
    : kindOf(value);
}

/** What is given instead of an object, in words. @returns undefined for an object. */
export function notAnObject(given: unknown): string | undefined {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  return isObject ? undefined : `${kindOf(given)}.`;
}

const KINDS = { nodes: 'a sync', way: 'an action', steps: 'a saga' };

/**
 * What is given instead of a sync, an action or a saga, in words.
 * @param field that the definitions of this kind have, and no others. @returns undefined when it is of this kind.
 */
export function otherKind(given: unknown, field: keyof typeof KINDS): string | undefined {
  if (given === undefined) return 'undefined; do two modules import each other?';
  const other = notAnObject(given);
  if (other !== undefined) return other;
  const { definition, then } = given as { readonly definition?: object; readonly then?: unknown };
  if (then !== undefined) return 'a promise; is an `await` missing?';
  const has = (name: string): boolean => typeof definition === 'object' && name in definition;
  if (has(field)) return undefined;
  const kind = Object.entries(KINDS).find(([name]) => has(name));
  return kind === undefined ? 'something else.' : `${kind[1]}.`;
}

/** @returns what stands under a name. @throws TypeError when nothing does, with the names that there are. */
export function named<Value>(what: string, name: string, known: Readonly<Record<string, Value>>): Value {
  if (Object.hasOwn(known, name)) return known[name] as Value;
  throw new TypeError(`${what} is ${JSON.stringify(name)}; it must be one of ${Object.keys(known).join(', ')}.`);
}

/** @returns a mistake for each of these options that is no schema. */
export function schemaMistakes(options: object, names: readonly string[]): string[] {
  return names
    .filter((name) => typeof (options as Record<string, { parse?: unknown } | null>)[name]?.parse !== 'function')
    .map((name) => `\`${name}\` must be a zod schema${name === 'input' ? ', z.object({}) where it takes none' : ''}`);
}

/** @returns a mistake for each of these options that is there and no finite number, or a lesser one. */
export function outOfRange(options: object, names: readonly string[], least: number): string[] {
  const values = names.map((name) => [name, (options as Record<string, unknown>)[name]] as const);
  return values
    .filter(([, value]) => value !== undefined && !(Number.isFinite(value) && (value as number) >= least))
    .map(([name, value]) => `\`${name}\` is ${typeof value === 'number' ? value : kindOf(value)}; it must be a number, ${least} or more`); // prettier-ignore
}

/** @returns a mistake for each of these options that is there and neither true nor false: `'false'` would be true. */
export function wrongBooleans(options: object, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = (options as Record<string, unknown>)[name];
    return value === undefined || typeof value === 'boolean'
      ? []
      : [`\`${name}\` is ${kindOf(value)}; it must be true or false`];
  });
}

/** @returns a mistake for an option that is there and no object. @param example what to write. */
export function wrongObject(options: object, name: string, example: string): string[] {
  const value = (options as Record<string, unknown>)[name];
  const isObject = notAnObject(value) === undefined;
  return value === undefined || isObject
    ? []
    : [`\`${name}\` is ${kindOf(value)}; it must be an object, e.g. ${example}`];
}
