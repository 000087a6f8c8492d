/** A value that is one of a few, as somebody has given it. Used by: `dashboard/views/`, `db/stores/report/report-store.ts`. */

/**
 * @returns the value; undefined where none is given.
 * @throws TypeError for another one, with those that there are.
 */
export function oneOf<Value extends string>(
  name: string,
  value: string | undefined,
  known: readonly Value[],
): Value | undefined {
  const found = known.find((each) => each === value);
  if (found !== undefined || value === undefined) return found;
  throw new TypeError(`\`${name}\` is ${JSON.stringify(value)}; it must be one of ${known.join(', ')}.`);
}
