/**
 * The name that somebody meant who misspelt one, as git and npm find it. Used by: the command line, for options, commands and names of
 * what there is.
 */

const MOST_EDITS = 3;
/** Of a name's letters, which have to be right. */
const LEAST_ALIKE = 0.4;

/** @returns the known name that is nearest, where one is near: a few letters away, or longer. Undefined where none is. */
export function nearName(given: string, known: Iterable<string>): string | undefined {
  const wanted = given.toLowerCase();
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of known) {
    const edits = editsBetween(wanted, name.toLowerCase());
    const longest = Math.max(wanted.length, name.length);
    const isNear = edits <= MOST_EDITS && (longest - edits) / longest > LEAST_ALIKE;
    if (isNear && (best === undefined || edits < best.edits)) best = { name, edits };
  }
  return best?.name ?? [...known].find((name) => wanted.length > 2 && name.toLowerCase().startsWith(wanted));
}

/** `, did you mean planner?`, or nothing. Written behind what says that the name is unknown. */
export function didYouMean(given: string, known: Iterable<string>): string {
  const near = nearName(given, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** Letters that are added, left out, changed, or swapped with the next one. */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MOST_EDITS) return Infinity;
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min((last[j] as number) + 1, (next[j - 1] as number) + 1, changed, isSwapped ? (before[j - 2] as number) + 1 : Infinity); // prettier-ignore
    }
    [before, last] = [last, next];
  }
  return last[b.length] as number;
}
