/**
 * Whether the name of the next page is a number of rows or pages, and its place in that name. It is a parameter of an
 * address, or the cursor itself, in Base64 or not. It stands alone or in a text such as `{"offset":100}` and
 * `arrayconnection:99`. A name that holds more than that (an id, a time) counts nothing. Pure. Used by:
 * `providers/pagination/walks/counted-places.ts`, `providers/pagination/walks/leaps.ts`.
 */
import type { CountedPlace } from '../../../contracts/list.ts';
import type { PageAnswer } from '../step.ts';
import { paramsOf } from '../walks/token-parts.ts';
import { varintBytes, varintText } from './varint-names.ts';

/** What the number of a page may be called: `page`, `p`, `page[number]`, `pageNo`, `paged`. */
const PAGE = /^(p|pg|paged?|(next|current)_?page|page[\W_]*(n|no|num|number|index)\W?)$/i;
/** What the rows of a page may be counted by. */
const SIZE = /(limit|size|count|per|take|top|rows|max|len|results)/i;
/** A number in a text, and what it is called there: `"offset":100`, `offset=100`, `arrayconnection:99`. */
const NUMBER = /(?:"?([\w.$[\]-]*)"?\s*[:=]\s*)?(?<![\w.-])(\d{1,15})(?![\w.-])/g;
const LONGEST = 1_000;
/**
 * Rows of a first page that tell a number of rows from one of pages. They also tell where the number is one more or
 * less than they are.
 */
const FEWEST_ROWS = 2;
const FEWEST_ROWS_OF_ODD = 5;
/** Smaller pages, cut so that they overlap, take a third more calls. */
const FEWEST_ROWS_TO_CUT = 50;

interface Part {
  readonly name: string;
  readonly value: string;
}

interface Found extends CountedPlace {
  readonly value: number;
}

/** @param token that the first page of a list names. */
export function countOf(page: PageAnswer, token: string): CountedPlace | undefined {
  const { itemCount } = page;
  if (itemCount < FEWEST_ROWS || token.length > LONGEST) return undefined;
  const before = new Map(partsOf(page.url, page.url).map(({ name, value }) => [name, value]));
  const parts = partsOf(token, page.url);
  const others = parts.filter(({ name, value }) => before.get(name) !== value);
  const all = others.flatMap((part) => placesIn(part, page));
  const pages = all.filter(({ by }) => by === 'page');
  // A number of pages, and as many rows as a page has: the size of one, by whatever name.
  const places = pages.length > 0 ? pages : all.length > 0 ? all : strides(others, parts, itemCount);
  const [place] = places;
  if (!place || places.length > 1) return undefined;
  // What is new beside it, and more than a word, names a row.
  if (others.some(({ name, value }) => name !== place.name && !SIZE.test(name) && /\d/.test(value))) return undefined;
  const isSize = ({ name, value }: Part): boolean =>
    name !== place.name && SIZE.test(name) && value === String(itemCount);
  const size = place.by === 'page' && itemCount >= FEWEST_ROWS_TO_CUT ? parts.find(isSize) : undefined;
  const { value: _, ...counted } = place;
  return size ? { ...counted, sizeName: size.name } : counted;
}

/**
 * @param template the first of these names, where they are addresses.
 * @returns the number that another name of the list has in this place; undefined where anything else in it is another.
 */
export function numberIn(token: string, place: CountedPlace, template: string | undefined): number | undefined {
  const { name, sizeName, form, before, behind } = place;
  const parts = partsOf(token, token);
  // A server that gives pages of another size all of a sudden says so in its names, which count on.
  const isSize = (part: Part): boolean => part.name === sizeName || (SIZE.test(part.name) && /^\d+$/.test(part.value));
  const isOther = (part: Part): boolean => part.name !== name && !isSize(part);
  const others = (of: readonly Part[]): string => JSON.stringify(of.filter(isOther));
  if (template !== undefined && others(parts) !== others(partsOf(template, template))) return undefined;
  const { form: told, text } = unwrapped(parts.find((part) => part.name === name)?.value ?? '');
  if ((told === 'plain') !== (form === 'plain') || !text.startsWith(before) || !text.endsWith(behind)) return undefined;
  const number = text.slice(before.length, text.length - behind.length);
  return /^\d{1,15}$/.test(number) ? Number(number) : undefined;
}

/**
 * Whether a name has the number of a page in it, whatever else it holds. The place that it leads to then depends on the
 * size of a page.
 * @param pages that were read so far.
 */
export function hasPageNumber(token: string, base: string, pages: number): boolean {
  if (token.length > LONGEST) return false;
  return partsOf(token, base).some(({ name, value }) => {
    const { text } = unwrapped(value);
    return [...text.matchAll(NUMBER)].some(([whole, inner, digits]) => {
      const called = inner ?? name;
      const number = Number(digits);
      return (PAGE.test(called) || (called === '' && whole === text)) && number >= 1 && number <= pages + 1;
    });
  });
}

/** The value with another number in its place. */
export function withNumber({ form, before, behind }: CountedPlace, number: number): string {
  return WRAP[form](`${before}${number}${behind}`);
}

/** `?limit=50&offset=50` behind fewer rows: they are filtered after they are cut, and the place counts pages. */
function strides(others: readonly Part[], parts: readonly Part[], itemCount: number): Found[] {
  const sizes = parts.filter(({ name }) => SIZE.test(name)).map(({ value }) => value);
  return others
    .filter(({ name, value }) => !SIZE.test(name) && /^\d{1,6}$/.test(value) && Number(value) > itemCount)
    .filter(({ value }) => sizes.includes(value))
    .map(({ name, value }) => {
      const step = Number(value);
      return { by: 'page', name, first: 0, step, form: 'plain', before: '', behind: '', value: step };
    });
}

function partsOf(token: string, base: string): Part[] {
  return paramsOf(token, base).map(([name, value]) => ({ name, value }));
}

function placesIn({ name, value }: Part, { itemCount, keys }: PageAnswer): Found[] {
  const { form, text } = unwrapped(value);
  const found = [...text.matchAll(NUMBER)].map((match) => {
    const [whole, inner, digits = ''] = match;
    const end = match.index + whole.length;
    return {
      called: inner ?? name,
      number: Number(digits),
      before: text.slice(0, end - digits.length),
      behind: text.slice(end),
    };
  });
  const places = found.flatMap(({ called, number, before, behind }): Found[] => {
    const place = { name, form, before, behind, value: number };
    // The last row's own id, in a list that comes down to it.
    const isRow = keys.at(-1) === String(number) && Number(keys[0]) > number;
    const isPage = PAGE.test(called) || (called === '' && itemCount > number + 1 && !isRow);
    if (isPage && (number === 1 || number === 2)) return [{ ...place, by: 'page', first: number - 1 }];
    const first = number - itemCount;
    // Counted from 1, or behind the last row.
    const isOdd = Math.abs(first) === 1 && itemCount >= FEWEST_ROWS_OF_ODD;
    return !SIZE.test(called) && !isRow && (first === 0 || isOdd) ? [{ ...place, by: 'offset', first }] : [];
  });
  const [place] = places;
  // Another number or the row's own key beside it: more than a count.
  const rest = place && `${place.before} ${place.behind}`.replaceAll(new RegExp(String.raw`\b${itemCount}\b`, 'g'), '');
  const isMore = rest !== undefined && (/\d/.test(rest) || rest.includes(keys.at(-1) as string));
  return isMore ? [] : places;
}

/** What is in Base64, where it is a text with a number in it, or a number as Protocol Buffers have it; else the value itself. */
function unwrapped(value: string): { readonly form: CountedPlace['form']; readonly text: string } {
  if (/^[\w+/-]{2,}={0,2}$/.test(value) && !/^\d+$/.test(value))
    for (const form of WRAPPED) {
      const text = textIn(form, value);
      if (text !== undefined && WRAP[form](text) === value) return { form, text };
    }
  return { form: 'plain', text: value };
}

function textIn(form: (typeof WRAPPED)[number], value: string): string | undefined {
  if (form === 'varint' || form === 'varint-padded') return varintText(Buffer.from(value, 'base64'));
  const text = Buffer.from(value, form).toString('latin1');
  return /^[\x20-\x7e]*\d[\x20-\x7e]*$/.test(text) ? text : undefined;
}

/** Padded where both may be meant: few that pad take what is not. */
const WRAP = {
  plain: (text: string) => text,
  base64: (text: string) => Buffer.from(text, 'latin1').toString('base64'),
  base64url: (text: string) => Buffer.from(text, 'latin1').toString('base64url'),
  'varint-padded': (text: string) => varintBytes(text).toString('base64'),
  varint: (text: string) => varintBytes(text).toString('base64url'),
} as const;
const WRAPPED = ['base64', 'base64url', 'varint-padded', 'varint'] as const;
