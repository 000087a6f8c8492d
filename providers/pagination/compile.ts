/**
 * From the options of an endpoint's list to the list as it is walked, and what is wrong with them, in words.
 * Used by: `providers/define/compile/compile-endpoint.ts`.
 */
import {
  asyncFunctions,
  missingFunctions,
  unknownOptions,
  wrongFunctions,
} from '../../contracts/values/option-mistakes.ts';
import { kinds } from './kinds/index.ts';
import { single } from './kinds/single.ts';
import type { Paginate } from './options.ts';
import type { Pagination } from './pagination.ts';

/** Options of lists that are functions of the answer. */
const FUNCTIONS = ['items', 'next', 'hasMore', 'total', 'checkpoint'];

export type AnyPaginate = Paginate<unknown, unknown, never>;

/** Fills in the defaults. Without options an answer is its own one item. */
export function compilePagination(paginate: AnyPaginate | undefined): Pagination {
  if (!paginate || !Object.hasOwn(kinds, paginate.kind))
    return { ...single.compile({ kind: 'single', items: (response) => [response] }), isOneRow: true };
  return kinds[paginate.kind].compile(paginate as never);
}

/** What is wrong with the options, in words. */
export function paginationMistakes(paginate: AnyPaginate | undefined): string[] {
  if (!paginate) return [];
  if (!Object.hasOwn(kinds, paginate.kind))
    return [`paginate.kind is "${paginate.kind}"; it must be one of ${Object.keys(kinds).join(', ')}`];
  const kind = kinds[paginate.kind];
  return [
    ...[
      ...missingFunctions(paginate, kind.required),
      ...wrongFunctions(paginate, FUNCTIONS).filter(
        (text) => !kind.required.some((name) => text.startsWith(`\`${name}\``)),
      ),
      ...asyncFunctions(paginate),
      ...unknownOptions(paginate, kind.options),
    ].map((text) => `paginate: ${text}`),
    ...kind.mistakes(paginate as never),
  ];
}
