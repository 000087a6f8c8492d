/**
 * Options of the fake third party and of simulations, held against what there is. One that nobody reads (`per` for `perMs`), or of
 * another sort than it is read as, would make a test green that tests nothing. Used by: `testing/fake-api/fake-api.ts`, `testing/cassettes`, `testing/simulate`.
 */
import { unknownOptions } from '../../../contracts/values/option-mistakes.ts';

type Sort = 'string' | 'number' | 'boolean' | 'function' | 'object' | 'list';

/** One of these words, or a list of them where there may be many, or something of another sort. */
export interface Words {
  readonly oneOf: readonly string[];
  readonly many?: true;
  readonly or?: Sort;
}

/** What one option may be: of these sorts, a word, an object with these fields, or anything. */
export type Check = 'anything' | readonly Sort[] | Words | { readonly fields: Checks };
export type Checks = Readonly<Record<string, Check>>;
/** A check for each option; a compile error when one is forgotten. */
export type ChecksOf<Options> = Readonly<Record<keyof Options & string, Check>>;

/** @throws TypeError with all that is wrong, a line each. @param what whose options they are, e.g. `list /users`. */
export function checkFakeOptions(what: string, options: unknown, checks: Checks): void {
  const wrong = mistakesIn(options, checks);
  if (wrong.length > 0) throw new TypeError(wrong.map((text) => `${what}: ${text}`).join('\n'));
}

function mistakesIn(options: unknown, checks: Checks): string[] {
  if (sortOf(options) !== 'object') return [`expected an object of options, got ${shown(options)}`];
  const given = options as Readonly<Record<string, unknown>>;
  const known = Object.fromEntries(Object.keys(checks).map((name) => [name, true as const]));
  return [
    ...unknownOptions(given, known),
    ...Object.entries(checks).flatMap(([name, check]) => (given[name] === undefined ? [] : ofOne(name, given, check))),
  ];
}

function ofOne(name: string, given: Readonly<Record<string, unknown>>, check: Check): string[] {
  const value = given[name];
  if (check === 'anything') return [];
  if (isSorts(check)) {
    const sort = sortOf(value);
    const fits = sort !== undefined && check.includes(sort) && !Number.isNaN(value);
    return fits
      ? []
      : [`\`${name}\` is ${shown(value)}; it must be ${check.map((each) => IN_WORDS[each]).join(' or ')}`];
  }
  if ('fields' in check) return mistakesIn(value, check.fields).map((text) => `${name}: ${text}`);
  const found = check.many && Array.isArray(value) ? value : [value];
  return sortOf(value) === check.or || found.every((each) => check.oneOf.includes(each as string))
    ? []
    : [`\`${name}\` is ${shown(value)}; it must be one of ${check.oneOf.join(', ')}`];
}

const IN_WORDS: Readonly<Record<Sort, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  function: 'a function',
  object: 'an object',
  list: 'a list',
};

const isSorts = (check: Check): check is readonly Sort[] => Array.isArray(check);

function sortOf(value: unknown): Sort | undefined {
  if (Array.isArray(value)) return 'list';
  if (value === null) return undefined;
  return Object.hasOwn(IN_WORDS, typeof value) ? (typeof value as Sort) : undefined;
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  return JSON.stringify(value)?.slice(0, 60) ?? String(value);
}
