/**
 * Whether the answer of a look-up may be a part of what there is. What is not found in such a part is not known to be absent: were it sent
 * again, it might be there twice. Pure. Used by: `activities/action/action-call.ts`, `activities/job/prepare-job.ts`.
 */
import type { Answer, RequestSpec } from '../../../contracts/answers/answer.ts';
import { moreTold } from './more-told.ts';
import type { Guards } from '../options.ts';

/** Names of the number of rows that a request asks for. */
const SIZE = /^(\$?top|limit|first|take|count|size|per_?page|page_?size|max_?results)$/i;
/** Lists are looked for in so many objects within each other. */
const MOST_DEPTH = 4;

export interface LookUp {
  readonly spec: RequestSpec;
  readonly answer: Pick<Answer, 'headers' | 'status'>;
  /** As it came. */
  readonly body: unknown;
  readonly guards: Partial<Pick<Guards, 'more-told'>> | undefined;
}

/** @returns why what was not found may be there all the same, in words; undefined when all of it was seen. */
export function mayBeBehind({ spec, answer, body, guards }: LookUp): string | undefined {
  if (guards?.['more-told'] === false) return undefined;
  const count = longestList(body, MOST_DEPTH);
  const told = moreTold({ body, headers: answer.headers, status: answer.status, count: count ?? Infinity });
  const why = told ?? (count === undefined ? undefined : cameFull(spec, count));
  return (
    why &&
    `it was not found on the one page that a look-up reads, and more may follow (${why}). Let \`lookup\` ask for less, or say ` +
      "`guards: { 'more-told': false }` where this page surely has it"
  );
}

/** Rows of the longest list in it; undefined where there is none. */
function longestList(body: unknown, depth: number): number | undefined {
  if (Array.isArray(body)) return body.length;
  if (typeof body !== 'object' || body === null || depth === 0) return undefined;
  const lengths = Object.values(body).map((value) => longestList(value, depth - 1) ?? -1);
  const longest = Math.max(-1, ...lengths);
  return longest < 0 ? undefined : longest;
}

/** As many rows as were asked for. One alone is asked for where the newest one is meant. */
function cameFull({ query, json }: RequestSpec, count: number): string | undefined {
  const { variables } = (json ?? {}) as { readonly variables?: unknown };
  for (const fields of [query, json, variables])
    for (const [name, value] of Object.entries(fields ?? {}))
      if (SIZE.test(name) && Number(value) > 1 && count >= Number(value))
        return `it asked for ${String(value)} rows by \`${name}\`, and as many came`;
  return undefined;
}
