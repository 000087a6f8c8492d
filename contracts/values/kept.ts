/**
 * What comes back of a value that is kept as JSON: a `Date` is its text. Types only. Used by: `providers/define/`, where what was stored is given
 * to the functions of a definition, and to the app.
 */
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
