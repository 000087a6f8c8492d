/** What is wrong with the `format` of an endpoint, in words. Used by: `endpoint-mistakes.ts`, `action-mistakes.ts`. */
import { FORMATS, formatNamed, type BodyFormat } from '../../../contracts/answers/body-format.ts';
import type { PaginationKind } from '../../../contracts/plan.ts';
import { kindOf, unknownOptions } from '../../../contracts/values/option-mistakes.ts';

const OPTIONS: Readonly<Record<string, Readonly<Record<string, true>>>> = {
  csv: { kind: true, delimiter: true, quote: true, columns: true, files: true },
  ndjson: { kind: true, files: true },
  xml: { kind: true, lists: true, prefixes: true },
};
const EXAMPLES = `one of ${FORMATS.map((name) => `"${name}"`).join(', ')}, or with options { kind: "csv", delimiter: ";" }, { kind: "xml", lists: ["orders.order"] }`;

/** @param kind of its list; undefined: the endpoint does not say where the rows of its answer are. */
export function formatMistakes(format: BodyFormat | undefined, kind: PaginationKind | undefined): string[] {
  if (format === undefined) return [];
  const named = formatNamed(format);
  if (typeof named !== 'object' || named === null || !FORMATS.includes(named.kind))
    return [`format is ${JSON.stringify(format)}; it must be ${EXAMPLES}`];
  const mistakes = unknownOptions(named, OPTIONS[named.kind] ?? { kind: true }).map((text) => `format: ${text}`);
  if (named.kind === 'csv') {
    const { delimiter = ',', columns } = named;
    const quote: unknown = named.quote ?? '"';
    if (typeof delimiter !== 'string' || delimiter.length !== 1 || /["\r\n]/.test(delimiter))
      mistakes.push(
        `format.delimiter is ${JSON.stringify(delimiter)}; it must be one character, and no quote or line end`,
      );
    if (quote !== '"' && quote !== false)
      mistakes.push(
        `format.quote is ${JSON.stringify(quote)}; it must be false, where quotes are characters like any other`,
      );
    if (columns !== undefined && !isNames(columns))
      mistakes.push('format.columns must be a list of different names, e.g. ["id", "amount"]');
  }
  if ('files' in named && named.files !== undefined && typeof named.files !== 'function')
    mistakes.push("format.files must be a function of a name, e.g. (name) => name.endsWith('.csv')");
  if ('files' in named && named.files !== undefined && kind !== undefined && kind !== 'single')
    mistakes.push(
      `format.files: several files of a zip are one list, of kind "single", not pages of the kind "${kind}"`,
    );
  if (named.kind === 'xml' && named.lists !== undefined && !isNames(named.lists))
    mistakes.push('format.lists must be a list of dotted paths, e.g. ["orders.order"]');
  else if (named.kind === 'xml' && named.prefixes === false && named.lists?.some((path) => path.includes(':')))
    mistakes.push('format.lists has prefixes, which `prefixes: false` takes away: write "multistatus.response"');
  if (named.kind === 'xml' && !['boolean', 'undefined'].includes(typeof named.prefixes))
    mistakes.push(`format.prefixes is ${kindOf(named.prefixes)}; it must be true or false`);
  if ((named.kind === 'csv' || named.kind === 'ndjson') && kind === undefined)
    mistakes.push(
      `format is "${named.kind}", so that the answer is a list of rows: say that they are, paginate: { kind: 'single', items: (rows) => rows }`,
    );
  return mistakes;
}

function isNames(names: unknown): boolean {
  return (
    Array.isArray(names) &&
    names.length > 0 &&
    names.every((name) => typeof name === 'string' && name !== '') &&
    new Set(names).size === names.length
  );
}
