/**
 * Yes or no as third parties write it: not all that answer can write a boolean. Pure.
 * Used by: `more-told.ts`, and `providers/pagination/kinds/shared.ts` for what `hasMore` gives.
 */

/** @returns undefined for what is neither: `true`, 1, `"true"`, `"Y"` and `"yes"` are yes. */
export function toldBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const word = String(value);
  if (/^(true|1|y|yes)$/i.test(word)) return true;
  return /^(false|0|n|no)$/i.test(word) ? false : undefined;
}
