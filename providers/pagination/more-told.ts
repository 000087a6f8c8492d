/**
 * Whether the answer of an endpoint that is defined to have one page says of itself that more follows it: by `Link`, `Content-Range`,
 * a count in a header, or the usual fields of lists of several pages, beside the rows or beside what holds them. The shortest definition
 * of a list is one without pages, and a third party that cuts it at 20, 50 or 100 rows tells so somewhere. Pure.
 * Used by: `activities/page/store-page.ts`, `activities/batch/settle-batch.ts`; `look-up-told.ts` for look-ups.
 */
import { nextLink } from './kinds/link-header.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Objects beside a list that speak of its pages. */
const ABOUT =
  /^_?(meta|metadata|pagination|paging|pager|pages|page|page_?info|links|response_?metadata|cursors?|list_?info)$/i;
const MORE = /^(is_?|has_?)(more|next|next_?page|more_?(pages|items|records|results))$|^more$/i;
const LAST = /^(is_?)?last(_?page)?$/i;
/** Names of a next page, of whatever form: a token, an address, a number, an object. */
const NEXT =
  /^(@odata\.|odata\.)?next(_?(page|link|url|cursor|token|page_?(token|url|link|number|cursor|id)|start_?token|offset|marker))?$/i;
/** Names that count rows. A bare `total` may be a sum of money, and is looked at only where it stands beside pages. */
const COUNTS = /^total_?(count|results|elements|records|rows|hits)$/i;
const COUNTS_ABOUT = /^(total|count_?total)$/i;
const PLACES =
  /^(page|current_?page|page_?(number|size)|per_?page|limit|offset|skip|start|start_?(at|index)|max_?results)$/i;
const PAGES = /^(total_?pages|page_?count|last_?page|num_?pages)$/i;
/** Objects within each other that rows stand in. */
const MOST_DEPTH = 4;
const HEADER_COUNTS = ['x-total-count', 'x-total', 'x-pagination-total-count', 'total-count'];

export interface OnlyPage {
  /** The body before the schema, which may leave out what it does not name. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;
  /** Rows that were found in it. */
  readonly count: number;
}

/** @returns in words what says that more follows; undefined when nothing does. */
export function moreTold(page: OnlyPage): string | undefined {
  return byHeaders(page) ?? byFields(page.body, page.count, (at, field) => nextAt(at, field) ?? countAt(at, field));
}

/**
 * Whether a page that its definition takes for the last one names a next page all the same: `next` looks in the wrong place. What is counted
 * says nothing here, for it counts pages before too.
 */
export function nextTold({ body, headers, count }: Omit<OnlyPage, 'status'>): string | undefined {
  if (nextLink(headers['link']) !== undefined) return NEXT_LINK;
  return byFields(body, count, nextAt);
}

const NEXT_LINK = 'its `Link` header names a next page';

function byHeaders({ headers, status, count }: OnlyPage): string | undefined {
  if (nextLink(headers['link']) !== undefined) return NEXT_LINK;
  const range = headers['content-range'];
  const [, from, to, of] = /(\d+)\s*-\s*(\d+)\s*\/\s*(\d+|\*)/.exec(range ?? '') ?? [];
  if (of !== undefined && of !== '*' && (Number(from) > 0 || Number(to) + 1 < Number(of)))
    return `its \`Content-Range\` is ${range}`;
  if (status === 206 && of === undefined) return 'its status is 206, a part';
  const told = HEADER_COUNTS.find((name) => Number(headers[name]) > count);
  return told && `its \`${told}\` is ${headers[told]}, and ${rows(count)} came`;
}

/** What a field tells; `at`: its name as it is shown. */
type Tells = (at: string, field: Field) => string | undefined;

interface Field {
  readonly name: string;
  readonly value: unknown;
  /** It stands where pages are spoken of. */
  readonly isAbout: boolean;
  readonly count: number;
}

function byFields(body: unknown, count: number, tells: Tells): string | undefined {
  if (!isFields(body)) return undefined;
  for (const [path, fields] of around('', body, count, MOST_DEPTH)) {
    const isAbout =
      ABOUT.test(path.slice(path.lastIndexOf('.') + 1)) || Object.keys(fields).some((name) => PLACES.test(name));
    for (const [name, value] of Object.entries(fields)) {
      const told = tells(`\`${path === '' ? '' : `${path}.`}${name}\``, { name, value, isAbout, count });
      if (told) return told;
    }
  }
  return undefined;
}

type Place = readonly [path: string, fields: Fields];

/** What stands beside the rows, and beside what holds them: `{ "data": { "posts": { "nodes": […], "pageInfo": { … } } } }`. */
function around(path: string, fields: Fields, count: number, depth: number): Place[] {
  const inner = placesIn(path, fields);
  const about = inner.filter(([, , name]) => ABOUT.test(name));
  // `{ "paging": { "next": { "after": "30" } } }`, `{ "meta": { "cursor": { "next": "…" } } }`
  const deeper = about.flatMap(([at, under]) => placesIn(at, under).filter(([, , name]) => ABOUT.test(name)));
  const holding = inner.filter(([, under]) => depth > 0 && holdsRows(under, count, depth - 1));
  return [
    [path, fields],
    ...[...about, ...deeper].map(([at, under]): Place => [at, under]),
    ...holding.flatMap(([at, under]) => around(at, under, count, depth - 1)),
  ];
}

function placesIn(path: string, fields: Fields): (readonly [path: string, fields: Fields, name: string])[] {
  return Object.entries(fields)
    .filter((field): field is [string, Fields] => isFields(field[1]))
    .map(([name, under]) => [path === '' ? name : `${path}.${name}`, under, name]);
}

/** A list of so many stands in it; what stands in rows is of theirs. */
function holdsRows(fields: Fields, count: number, depth: number): boolean {
  return Object.values(fields).some((value) =>
    Array.isArray(value) ? value.length === count : depth > 0 && isFields(value) && holdsRows(value, count, depth - 1),
  );
}

function nextAt(at: string, { name, value }: Field): string | undefined {
  if (MORE.test(name) && (value === true || value === 'true')) return `${at} is true`;
  if (LAST.test(name) && value === false) return `${at} is false`;
  return NEXT.test(name) && leadsOn(value) ? `${at} names a next page` : undefined;
}

function countAt(at: string, { name, value, isAbout, count }: Field): string | undefined {
  if (!Number.isInteger(value)) return undefined;
  const isCount = COUNTS.test(name) || (isAbout && COUNTS_ABOUT.test(name));
  if (isCount && (value as number) > count) return `${at} is ${String(value)}, and ${rows(count)} came`;
  return PAGES.test(name) && (value as number) > 1 ? `${at} is ${String(value)}` : undefined;
}

/** A text, an address, a number, `{ "href": … }`, `{ "after": … }`; not null, `''`, false, or 0. */
function leadsOn(value: unknown): boolean {
  if (typeof value === 'string') return value !== '' && value !== 'null';
  if (typeof value === 'number') return value > 0;
  return isFields(value) && Object.values(value).some((each) => typeof each === 'string' || typeof each === 'number');
}

function rows(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
