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

/** @returns a mistake for each of these options that is not a function. */
export function missingFunctions(options: object, names: readonly string[]): string[] {
  return names
    .filter((name) => typeof (options as Record<string, unknown>)[name] !== 'function')
    .map((name) => `\`${name}\` is missing; it must be a function`);
}

/** @returns a mistake for each of these options that is there and is not a function. */
export function wrongFunctions(options: object, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = (options as Record<string, unknown>)[name];
    return value === undefined || typeof value === 'function'
      ? []
      : [`\`${name}\` is ${JSON.stringify(value)?.slice(0, 60)}; it must be a function`];
  });
}
