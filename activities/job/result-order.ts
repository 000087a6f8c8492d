/**
 * In which order the results of a job are read: as its first answer had them, also where a later one has them in another. What was read is
 * known by its place alone. Pure. Used by: `prepare-job.ts`.
 */
import { createHash } from 'node:crypto';

/** With more results than that their names are not kept. */
const MOST_RESULTS = 2_000;
/** Characters of a digest: 48 bits tell 2,000 results apart. */
const DIGEST_LENGTH = 8;

/**
 * What the results are called by, to be kept in the unit's row: a digest, as addresses let anybody in. Of an address without its query, which is
 * signed anew each time. @returns undefined where that does not tell them apart.
 */
export function namesOf(results: readonly string[]): readonly string[] | undefined {
  if (results.length < 2 || results.length > MOST_RESULTS) return undefined;
  const names = results.map((result) => {
    const { origin, pathname } = URL.canParse(result) ? new URL(result) : { origin: '', pathname: result };
    return createHash('sha256').update(`${origin}${pathname}`).digest('base64url').slice(0, DIGEST_LENGTH);
  });
  return new Set(names).size === names.length ? names : undefined;
}

/**
 * @param names as they were kept. Where none of them comes again, they are made anew for each answer, and say nothing.
 * @returns undefined when some of the results are others than before.
 */
export function inKnownOrder(
  results: readonly string[],
  names: readonly string[] | undefined,
): readonly string[] | undefined {
  const now = names && namesOf(results);
  if (!names || !now?.some((name) => names.includes(name))) return results;
  const places = names.map((name) => now.indexOf(name));
  if (places.includes(-1)) return undefined;
  return [...places.map((place) => results[place] as string), ...results.filter((_, place) => !places.includes(place))];
}
