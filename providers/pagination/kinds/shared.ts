/**
 * What the kinds of lists share: the options that each has, their defaults, and what can be wrong with them.
 * Used by: the other files of this folder.
 */
import type { Range } from '../../../contracts/list.ts';
import {
  outOfRange,
  unknownOptions,
  wrongBooleans,
  wrongObject,
  type NamesOf,
} from '../../../contracts/values/option-mistakes.ts';
import type { Common, Guards, NumberedPages, PageSize, TokenPages } from '../options.ts';
import type { Pagination, Walk } from '../pagination.ts';
import { cut, halve, rangeMistakes } from '../range.ts';
import { toldBoolean } from '../told/told-boolean.ts';

/** One kind of list. A new kind is one file with such an object, named in `index.ts`. */
export interface Kind<Options> {
  /** Names of its options; any other name is a mistake. */
  readonly options: Readonly<Record<string, true>>;
  /** Options that must be functions. */
  readonly required: readonly (keyof Options & string)[];
  /** What is wrong with the values, in words. */
  readonly mistakes: (options: Options) => string[];
  readonly compile: (options: Options) => Pagination;
}

/** The types of an endpoint's answer and items were checked where it was defined. */
export type AnyCommon = Common<unknown, unknown, unknown>;
export type AnyNumbered = NumberedPages<unknown, unknown, unknown>;

export const COMMON = {
  kind: true,
  items: true,
  mayOmitItems: true,
  pageSize: true,
  maxPages: true,
  hasMore: true,
  total: true,
  totalIs: true,
  resultCap: true,
  checkpoint: true,
  order: true,
  guards: true,
  range: true,
} satisfies NamesOf<Common<unknown, unknown, unknown> & { readonly kind: unknown }>;

const allGuards: Guards = {
  'repeated-token': true,
  'repeated-rows': true,
  'empty-pages': true,
  'result-cap': true,
  'missing-rows': true,
  'thin-pages': true,
  'moved-rows': true,
  'page-maximum': true,
  'more-told': true,
};

export const onePage = {
  mayOmitItems: false,
  isOneRow: false,
  guards: allGuards,
  totalIs: 'estimate',
  lastPage: 'blank',
  advanceBy: 'rows',
  overlap: 0,
  lanes: 1,
  firstPage: 1,
  pageSize: { start: 1, min: 1, max: 1 },
  isResizable: false,
  maxPages: 1,
  resultCap: false,
} as const satisfies Omit<Pagination, 'kind' | 'items' | keyof Walk>;

/** The options that all lists of several pages have, with the defaults. */
export function common(options: AnyCommon) {
  const { range } = options;
  return {
    ...onePage,
    items: options.items,
    mayOmitItems: options.mayOmitItems ?? false,
    pageSize: sizes(options.pageSize ?? {}),
    isResizable: true,
    maxPages: options.maxPages ?? 1_000_000,
    totalIs: options.totalIs ?? ('exact' as const),
    resultCap: options.resultCap ?? ('common' as const),
    guards: { ...allGuards, ...options.guards },
    ...(options.order === 'newest-first' ? { isNewestFirst: true } : {}),
    ...(options.checkpoint ? { checkpoint: options.checkpoint } : {}),
    ...(options.total ? { total: options.total } : {}),
    ...(options.hasMore ? { hasMore: inWords(options.hasMore) } : {}),
    ...(range
      ? {
          range: {
            // The endpoint's own schema has checked the input before it gets here.
            whole: range.whole,
            split: range.split ?? ((whole: Range) => halve(whole, range.step)),
            ...(range.widest === undefined
              ? {}
              : { cut: (whole: Range) => cut(whole, range.widest as number, range.step) }),
          },
        }
      : {}),
  };
}

/** What a function really gives is not known: the body may have been typed as anything, and `"false"` is true in JavaScript. */
function inWords(hasMore: NonNullable<AnyCommon['hasMore']>): NonNullable<AnyCommon['hasMore']> {
  return (response, answer) => {
    const told: unknown = hasMore(response, answer);
    if (told === undefined || told === null) return undefined;
    const word = typeof told === 'string' ? told.trim() : told;
    const is = word === '' ? false : toldBoolean(word);
    if (is !== undefined) return is;
    throw new TypeError(`\`hasMore\` gave ${JSON.stringify(told)?.slice(0, 60)}; it must be true, false, or undefined`);
  };
}

export const TOKEN = { ...COMMON, next: true, onDeadCursor: true } satisfies NamesOf<
  Common<unknown, unknown, unknown> & TokenPages<unknown> & { readonly kind: unknown; readonly next: unknown }
>;

type AnyToken = AnyCommon & TokenPages<unknown>;

/** The options of lists whose pages name the next one. */
export function token(options: AnyToken) {
  const { onDeadCursor } = options;
  return { ...common(options), ...(typeof onDeadCursor === 'object' ? { behind: onDeadCursor.behind } : {}) };
}

export function tokenMistakes(options: AnyToken): string[] {
  const mistakes = commonMistakes(options);
  const policy: unknown = options.onDeadCursor ?? 'begin-again';
  const isBehind = typeof policy === 'object' && typeof (policy as { behind?: unknown }).behind === 'function';
  if (policy !== 'begin-again' && !isBehind)
    mistakes.push(`onDeadCursor is ${JSON.stringify(policy)}; it must be "begin-again" or { behind: (row) => … }`);
  return mistakes;
}

function commonMistakes(options: AnyCommon): string[] {
  const mistakes: string[] = [];
  const size: unknown = options.pageSize ?? {};
  if (typeof size !== 'object')
    return [`pageSize is ${JSON.stringify(size)}; it must be an object, e.g. { start: 50 }`];
  const { start, min, max } = sizes(options.pageSize ?? {});
  if (!(min >= 1 && min <= start && start <= max && [min, start, max].every(Number.isInteger)))
    mistakes.push(`pageSize must be whole numbers with 1 ≤ min ≤ start ≤ max, not ${min}, ${start}, ${max}`);
  mistakes.push(...unknownOptions(size as object, PAGE_SIZE).map((text) => `pageSize: ${text}`));
  mistakes.push(...outOfRange(options, ['maxPages'], 1), ...wrongBooleans(options, ['mayOmitItems']));
  const cap: unknown = options.resultCap ?? 'common';
  if (cap !== 'common' && cap !== false && !(Number.isFinite(cap) && (cap as number) >= 1))
    mistakes.push(`resultCap is ${JSON.stringify(cap)}; it must be a number, 1 or more, "common" or false`);
  mistakes.push(...rangeMistakes(options));
  if (options.totalIs !== undefined && !['exact', 'estimate'].includes(options.totalIs))
    mistakes.push(`totalIs is "${options.totalIs}"; it must be "exact" or "estimate"`);
  if (options.checkpoint && options.range)
    mistakes.push('checkpoint: a list that is split into ranges has no single one; leave out `range` or `checkpoint`');
  if (options.order !== undefined && options.order !== 'newest-first')
    mistakes.push(`order is ${JSON.stringify(options.order)}; it must be "newest-first" or left out`);
  if (options.order && options.range)
    mistakes.push('order: a list that is split into ranges has no single one; leave out `range` or `order`');
  return [...mistakes, ...guardMistakes(options)];
}

function guardMistakes(options: AnyCommon): string[] {
  const { guards = {} } = options;
  const notObject = wrongObject(options, 'guards', "{ 'repeated-rows': false }");
  if (notObject.length > 0) return notObject;
  const names = Object.keys(guards);
  return [
    ...names
      .filter((name) => !Object.hasOwn(allGuards, name))
      .map((name) => `guards: unknown guard "${name}"; known are ${Object.keys(allGuards).join(', ')}`),
    ...wrongBooleans(guards, names).map((text) => `guards: ${text}`),
  ];
}

const PAGE_SIZE = { start: true, min: true, max: true } satisfies NamesOf<PageSize>;

/** With the defaults. */
function sizes(size: PageSize): Required<PageSize> {
  const start = size.start ?? 100;
  return { start, min: size.min ?? 1, max: size.max ?? start };
}

export const NUMBERED = {
  ...COMMON,
  lanes: true,
  firstPage: true,
  lastPage: true,
  advanceBy: true,
  overlap: true,
} satisfies NamesOf<NumberedPages<unknown, unknown, unknown>>;

/**
 * By default pages are asked for side by side where an exact total says how many there are. A row that slips between
 * two shows.
 */
export function numbered(options: AnyNumbered) {
  // A list with a checkpoint is read in order: its first page has the one that misses nothing.
  const hasExactTotal =
    options.total !== undefined &&
    options.checkpoint === undefined &&
    options.order === undefined &&
    (options.totalIs ?? 'exact') === 'exact';
  const isSafe = options.kind === 'offset' && hasExactTotal;
  return {
    ...common(options),
    lanes: (options.overlap ?? 0) > 0 ? 1 : (options.lanes ?? (isSafe ? 8 : 1)),
    firstPage: options.firstPage ?? 1,
    lastPage: options.lastPage ?? ('blank' as const),
    advanceBy: options.advanceBy ?? ('rows' as const),
    overlap: options.overlap ?? 1,
  };
}

export function numberedMistakes(options: AnyNumbered): string[] {
  const mistakes = commonMistakes(options);
  const { lanes, lastPage, advanceBy, firstPage } = options;
  if (firstPage !== undefined && !(Number.isInteger(firstPage) && firstPage >= 0))
    mistakes.push(`firstPage is ${JSON.stringify(firstPage)}; it must be the number of the first page, 0 or 1`);
  if (options.checkpoint && (lanes ?? 1) > 1)
    mistakes.push(`checkpoint: a list that has one is read in order; leave out \`lanes\` (${lanes})`);
  if (options.order && (lanes ?? 1) > 1)
    mistakes.push(`order: a list that ends at known rows is read in order; leave out \`lanes\` (${lanes})`);
  if (lanes !== undefined && !(Number.isInteger(lanes) && lanes >= 1 && lanes <= 1_000))
    mistakes.push(`lanes is ${lanes}; it must be a whole number from 1 to 1,000`);
  if (lastPage !== undefined && !['blank', 'short'].includes(lastPage))
    mistakes.push(`lastPage is "${lastPage}"; it must be "blank" or "short"`);
  if (advanceBy !== undefined && !['rows', 'size'].includes(advanceBy))
    mistakes.push(`advanceBy is "${advanceBy}"; it must be "rows" or "size"`);
  return mistakes;
}
