/**
 * What comes back of a value that is kept as JSON: a `Date` is its text. Used by: the definitions beside it, where what was stored is given to their
 * functions, and to the app.
 */
import { ZodError } from 'zod';

export type Kept<Value> = true extends HasDate<Value> ? AsJson<Value> : Value;

/** Where no `Date` is, the type stays the very one that the schema has. */
type HasDate<Value, Depth extends readonly unknown[] = []> = 0 extends 1 & Value
  ? false
  : Depth['length'] extends 6
    ? false
    : Value extends Date
      ? true
      : Value extends (...of: never[]) => unknown
        ? false
        : Value extends readonly (infer Item)[]
          ? HasDate<Item, [...Depth, 0]>
          : Value extends object
            ? true extends { [Name in keyof Value]-?: HasDate<Value[Name], [...Depth, 0]> }[keyof Value]
              ? true
              : false
            : false;

type AsJson<Value> = 0 extends 1 & Value
  ? Value
  : Value extends Date
    ? string
    : Value extends readonly unknown[]
      ? { [Place in keyof Value]: AsJson<Value[Place]> }
      : Value extends object
        ? { [Name in keyof Value]: AsJson<Value[Name]> }
        : Value;

/**
 * Outputs are kept as JSON. What the schema wants as a `Date` comes as its text, and is read as that where the schema
 * does not do it.
 */
export function readKept(parseOutput: (output: unknown) => unknown, output: unknown): unknown {
  try {
    return parseOutput(output);
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    const dated: unknown = structuredClone({ output });
    for (const issue of error.issues)
      if (issue.code === 'invalid_type' && issue.expected === 'date') toDate(dated, ['output', ...issue.path]);
    return parseOutput((dated as { readonly output: unknown }).output);
  }
}

function toDate(within: unknown, path: readonly PropertyKey[]): void {
  const holder = path
    .slice(0, -1)
    .reduce<unknown>((value, name) => (value as Record<PropertyKey, unknown>)[name], within);
  const name = path.at(-1) as PropertyKey;
  const text = (holder as Record<PropertyKey, unknown>)[name];
  if (typeof text === 'string') (holder as Record<PropertyKey, unknown>)[name] = new Date(text);
}
