/**
 * Whether an answer that is the last or the only one of its list says of itself that more follows. It says so by
 * `Link`, `Content-Range`, a count or a next page in a header, or the usual fields of lists of several pages. The
 * shortest definition of a list is one without pages, and a definition in a hurry looks for the next page in the wrong
 * field. A third party that cuts its list at 20, 50 or 100 rows tells so somewhere. Pure. Used by:
 * `activities/page/told-of-more.ts`, `activities/batch/settle-batch.ts`.
 */
import { isFields, type Fields } from '../../../contracts/values/json-text.ts';
import { isNextRelation, linkOf, namesNextOddly, nextLink } from '../kinds/link-header.ts';
import {
  ABOUT,
  COUNTS,
  COUNTS_ABOUT,
  DONE,
  HEADER_COUNTS,
  HEADER_NEXT,
  HEADER_PAGES,
  LAST,
  LAST_PLACE,
  MORE,
  MOST,
  NEXT,
  PAGES,
  PLACES,
  PLACE_TOKEN,
  QUANTITY,
  SPEAKS,
  SURE,
  isPageful,
} from './paging-words.ts';
import { toldBoolean } from './told-boolean.ts';

export interface LastPage {
  /** The body before the schema, which may leave out what it does not name. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Address that it was asked at, where it is known. */
  readonly url?: string;
  readonly status: number;
  /** Rows that were found in it. */
  readonly count: number;
  /**
   * What may be held against it. `all`: names of a next page, counts and flags; where it is the whole list. `next`: names of a next page
   * and flags; where the definition reads counts itself. `counts`: no names of a next page; where no row came, and one may be told for the
   * next run. `flags`: where pages were followed already, so that the definition knows what names the next one, and may have reason not to
   * follow it. Default `all`.
   */
  readonly against?: 'all' | 'next' | 'counts' | 'flags';
  /** What the definition has taken from it for the next run: a name of that value is none of a next page. */
  readonly checkpoint?: string | undefined;
}

/** @returns in words what says that more follows; undefined when nothing does. */
export function moreTold(page: LastPage): string | undefined {
  const { against = 'all', status, headers } = page;
  if (status === 206 && headers['content-range'] === undefined) return 'its status is 206, a part';
  return (against === 'flags' ? undefined : byHeaders(page)) ?? byFields(page);
}

/**
 * As many rows as the address itself asks for, and not a word of pages or their number. A list that is cut there looks
 * the same.
 */
export function fullInSilence({ body, headers, count, url = '' }: LastPage): string | undefined {
  if (!isPageful(count)) return undefined;
  const [name] = sizesAsked(url).find(([, size]) => size === count) ?? [];
  const speaks = (field: string): boolean => SPEAKS.some((words) => words.test(field));
  const speaksOf = Object.keys(headers).some(
    (header) => header === 'link' || HEADER_NEXT.test(header) || /total|pages|count/.test(header),
  );
  if (name === undefined || speaksOf || placesOf(body, count).some(([, about]) => Object.keys(about).some(speaks)))
    return undefined;
  return `as many rows came as \`${name}\` asks for, ${count}, and nothing says that there are no others`;
}

/** The most rows that an address asks for, by the names of its parameters. */
export function sizesAsked(url: string): [name: string, size: number][] {
  const query = url.indexOf('?');
  if (query === -1) return [];
  return [...new URLSearchParams(url.slice(query))]
    .filter(([name, value]) => MOST.test(name) && /^\d{1,9}$/.test(value))
    .map(([name, value]) => [name, Number(value)]);
}

function byHeaders({ headers, url, status, count, against = 'all' }: LastPage): string | undefined {
  const { link } = headers;
  if (nextLink(link, url) !== undefined) return 'its `Link` header names a next page';
  if (namesNextOddly(link)) return 'its `Link` header names a next page in a form that no standard knows';
  const next = Object.keys(headers).find((name) => HEADER_NEXT.test(name) && leadsOn(headers[name]));
  if (next !== undefined && against !== 'counts') return `its \`${next}\` header names a next page`;
  if (against === 'next') return undefined;
  if (isBehindFirst(linkOf(link, 'last', url))) return 'its `Link` header names a last page behind the first';
  const range = headers['content-range'];
  const [, from, to, of] = /(\d+)\s*-\s*(\d+)\s*\/\s*(\d+|\*)/.exec(range ?? '') ?? [];
  if (of !== undefined && of !== '*' && (Number(from) > 0 || Number(to) + 1 < Number(of)))
    return `its \`Content-Range\` is ${range}`;
  if (status === 206 && of === undefined) return `its status is 206, a part, and its \`Content-Range\` ${range}`;
  const told = HEADER_COUNTS.find((name) => Number(headers[name]) > count);
  if (told !== undefined) return `its \`${told}\` is ${headers[told]}, and ${rows(count)} came`;
  const pages = HEADER_PAGES.find((name) => Number(headers[name]) > 1);
  return pages && `its \`${pages}\` is ${headers[pages]}`;
}

/** `/rows?page=5`; the last page of one page is the first, by whatever name. */
function isBehindFirst(last: string | undefined): boolean {
  const query = last === undefined ? -1 : last.indexOf('?');
  if (query === -1) return false;
  const [[, number] = []] = [...new URLSearchParams(last?.slice(query))].filter(([name]) => LAST_PLACE.test(name));
  return Number(number) > 1;
}

function byFields({ body, count, against = 'all', checkpoint }: LastPage): string | undefined {
  const places = placesOf(body, count);
  const fields = places.flatMap(([path, about]) => {
    const isAbout = ABOUT.test(path.split('.').at(-1) ?? '');
    return Object.entries(about).map(([name, value]) => {
      const isLast = LAST.test(name) || (isAbout && DONE.test(name));
      return { name, value, isLast, at: `\`${path === '' ? '' : `${path}.`}${name}\`` };
    });
  });
  for (const { name, value, isLast, at } of fields) {
    if (MORE.test(name) && toldBoolean(value) === true) return `${at} is ${said(value)}`;
    if (isLast && toldBoolean(value) === false && !isPlace({ name, value })) return `${at} is ${said(value)}`;
  }
  if (against === 'flags') return undefined;
  // Some name a next page on the last one too, and say elsewhere that it is the last.
  const isTold = fields.some(
    ({ name, value, isLast }) =>
      (MORE.test(name) && toldBoolean(value) === false) ||
      (isLast && toldBoolean(value) === true && !isPlace({ name, value })),
  );
  const next =
    isTold || against === 'counts'
      ? undefined
      : fields.find((field) => namesNext(field) && String(field.value) !== checkpoint);
  if (next) return `${next.at} names a next page`;
  if (against === 'next') return undefined;
  // Rows may have been left out by `items`.
  const listed = Math.max(count, longestIn(body, 3));
  for (const [path, about] of places) {
    const told = byCounts(path, about, listed);
    if (told) return told;
  }
  return undefined;
}

function namesNext({ name, value }: { readonly name: string; readonly value: unknown }): boolean {
  if (PLACE_TOKEN.test(name)) return typeof value === 'string' && /[^\d\s]/.test(value) && leadsOn(value);
  return (NEXT.test(name) && leadsOn(value)) || (ABOUT.test(name) && hasNextLink(value));
}

/** `{ "links": [{ "rel": "next", "href": "…" }] }`, `{ "relation": "next" }`, and `<link rel="next" href="…"/>`. */
function hasNextLink(value: unknown): boolean {
  return [value]
    .flat()
    .some((link) => isFields(link) && isNextRelation(link['rel'] ?? link['@rel'] ?? link['relation']));
}

/** Objects in which the answer may speak of its pages, with their paths; itself first. */
export function placesOf(body: unknown, count: number): [path: string, fields: Fields][] {
  if (!isFields(body)) return [];
  const holder = holderOf(body, count);
  const outer: [string, Fields][] = [['', body], ...(holder && holder[0] !== '' ? [holder] : [])];
  const inner = outer.flatMap(([path, fields]) => aboutIn(path, fields));
  // `{ "paging": { "next": { "after": "30" } } }`, `{ "meta": { "cursor": { "next": "…" } } }`
  return [...outer, ...inner, ...inner.flatMap(([path, fields]) => aboutIn(path, fields))];
}

function aboutIn(path: string, fields: Fields): [string, Fields][] {
  return Object.entries(fields)
    .filter((field): field is [string, Fields] => isFields(field[1]))
    .map(([name, about]): [string, Fields] => [
      path === '' ? name : `${path}.${name}`,
      ABOUT.test(name) ? about : surelyAbout(about),
    ])
    .filter(([, about]) => Object.keys(about).length > 0);
}

/** What an object of any other name says of pages; one with a list of its own speaks of that. */
function surelyAbout(fields: Fields): Fields {
  const all = Object.entries(fields);
  return all.some(([, value]) => Array.isArray(value))
    ? {}
    : Object.fromEntries(all.filter(([name]) => SURE.test(name)));
}

/** The object in which the list stands: `{ "data": { "posts": { "nodes": […] } } }`. Undefined where several may be it. */
function holderOf(body: Fields, count: number): [string, Fields] | undefined {
  const found: [string, Fields][] = [];
  const look = (path: string, fields: Fields, depth: number): void => {
    const values = Object.entries(fields);
    if (values.some(([, value]) => Array.isArray(value) && value.length === count)) found.push([path, fields]);
    if (depth === 0) return;
    for (const [name, value] of values)
      if (isFields(value) && !ABOUT.test(name)) look(path === '' ? name : `${path}.${name}`, value, depth - 1);
  };
  look('', body, 3);
  return found.length === 1 ? found[0] : undefined;
}

/** Entries of the longest list that is no row's. */
function longestIn(value: unknown, depth: number): number {
  if (Array.isArray(value)) return value.length;
  if (depth === 0 || !isFields(value)) return 0;
  return Math.max(0, ...Object.values(value).map((each) => longestIn(each, depth - 1)));
}

function byCounts(path: string, fields: Fields, count: number): string | undefined {
  for (const { at, told, isOfPages } of countsIn(path, fields, count)) {
    if (!isOfPages && told > count) return `${at} is ${told}, and ${rows(count)} came`;
    if (isOfPages && told > 1) return `${at} is ${told}`;
  }
  return undefined;
}

interface Counted {
  readonly at: string;
  readonly told: number;
  readonly isOfPages: boolean;
}

function countsIn(path: string, fields: Fields, count: number, isPaged = false): Counted[] {
  const isAbout =
    isPaged || path !== '' || Object.keys(fields).some((name) => PLACES.test(name)) || isBare(fields, count);
  return Object.entries(fields).flatMap(([name, field]) => {
    // `{ "total": { "value": 45, "relation": "eq" } }`
    const value = isFields(field) && typeof field['relation'] === 'string' ? field['value'] : field;
    const isCount =
      COUNTS.test(name) || (isAbout && COUNTS_ABOUT.test(name)) || (QUANTITY.test(name) && isPageful(count));
    const isOfPages = PAGES.test(name) || (isAbout && name === 'pages');
    const at = `\`${path === '' ? '' : `${path}.`}${name}\``;
    return isCount || isOfPages ? [{ at, told: wholeNumber(value), isOfPages: !isCount }] : [];
  });
}

/** All counts of rows and of pages that a page of a list tells, in its headers and beside its rows. */
export function countsTold({ body, headers, count }: Pick<LastPage, 'body' | 'headers' | 'count'>): Counted[] {
  const inHeaders = (names: readonly string[], isOfPages: boolean): Counted[] =>
    names.map((name) => ({ at: `\`${name}\``, told: wholeNumber(headers[name]), isOfPages }));
  return [
    ...inHeaders(HEADER_COUNTS, false),
    ...inHeaders(HEADER_PAGES, true),
    ...placesOf(body, count).flatMap(([path, fields]) => countsIn(path, fields, count, true)),
  ].filter(({ told }) => told > 0);
}

/** A text, an address, a number, `{ "href": … }`, `{ "after": … }`; not null, `''`, false, 0, or −1. */
export function leadsOn(value: unknown, depth = 2): boolean {
  if (typeof value === 'string') return !['', 'null', 'none', 'false', '0', '-1'].includes(value.trim().toLowerCase());
  if (typeof value === 'number') return value > 0;
  return depth > 0 && isFields(value) && Object.values(value).some((each) => leadsOn(each, depth - 1));
}

function rows(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}

/** An empty list, and nothing beside it that could have a total of its own. */
function isBare(fields: Fields, count: number): boolean {
  return count === 0 && !Object.values(fields).some((value) => typeof value === 'string' || isFields(value));
}

/** Told by a number, or by its digits. */
function wholeNumber(value: unknown): number {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  return Number.isInteger(value) ? (value as number) : 0;
}

/** `{ "page": 0, "last": 0 }` counts pages. */
function isPlace({ name, value }: { readonly name: string; readonly value: unknown }): boolean {
  return /^last/i.test(name) && /^[01]$/.test(String(value));
}

const said = (value: unknown): string => JSON.stringify(value);
