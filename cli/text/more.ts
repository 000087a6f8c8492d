/** The last line of a list that may have more to show. Used by `cli/commands`. */

import { shellWord } from '../../contracts/values/shell-word.ts';

/** @param place of the last one shown, as `--after` takes it. Without one there is only a larger `--limit`. */
export function sayMore(shown: readonly unknown[], limit: number, place?: string | number): void {
  const text = moreText(shown, limit, place);
  if (text !== undefined) console.log(text);
}

/** @returns undefined when all is shown. */
export function moreText(shown: readonly unknown[], limit: number, place?: string | number): string | undefined {
  if (shown.length < limit) return undefined;
  return `There may be more: ${place === undefined ? '--limit shows more.' : `--after ${shellWord(String(place))}`}`;
}
