/**
 * One page on the wire: where the rows, the token and the total stand in the answer, for each kind of pagination.
 * Next: `testing/fake-api/answer.ts` sends it.
 */
import type { FakeAnswer } from '../answer.ts';
import type { FakeCall } from '../call.ts';

/**
 * `cursor`: an opaque token in the body. `next-url`: an absolute address in the body. `link-header`: RFC 8288 `Link`
 * with `rel="next"`. `page`: page numbers. `offset`: limit and offset.
 */
export type PageKind = 'cursor' | 'next-url' | 'link-header' | 'page' | 'offset';

/** Places in the body, dotted (`paging.next`). */
export interface PageFields {
  /** Default `items`; the empty string makes the body a bare array (default for `link-header`). */
  readonly items?: string;
  /** Token or next address. Default `next`. */
  readonly next?: string;
  /** Default `total`. */
  readonly total?: string;
  /** A header that the total stands in, instead of the body, e.g. `x-total-count`, which is the default for `link-header`. */
  readonly totalHeader?: string;
  /** Written only when named. */
  readonly hasMore?: string;
  /** Written only when named: number of pages, for `page`. */
  readonly pageCount?: string;
  /** How the last page says that there is no token. Default `null`. */
  readonly noNext?: 'null' | 'absent' | 'empty-string';
}

export interface PageFacts {
  readonly kind: PageKind;
  readonly names: { readonly cursor: string; readonly page: string; readonly offset: string; readonly limit: string };
  readonly fields: PageFields;
  readonly call: FakeCall;
  readonly base: string;
  readonly rows: readonly object[];
  readonly start: number;
  readonly size: number;
  readonly firstPage: number;
  readonly total: number | undefined;
  readonly isLast: boolean;
  /** Index at which the next page begins; undefined when no next page is offered. */
  readonly next: number | undefined;
  readonly nextKey: string | undefined;
  /** Are cursors stamped with their time? Else the same place always has the same cursor. */
  readonly stampsCursors: boolean;
}

/** Writes a page. */
export function writePage(page: PageFacts): FakeAnswer {
  const { headers, ...answer } = pageOf(page);
  const header = totalHeaderOf(page);
  if (header === undefined || page.total === undefined) return headers ? { ...answer, headers } : answer;
  return { ...answer, headers: { ...headers, [header]: String(page.total) } };
}

function totalHeaderOf({ kind, fields }: PageFacts): string | undefined {
  return fields.totalHeader ?? (kind === 'link-header' ? 'x-total-count' : undefined);
}

function pageOf(page: PageFacts): FakeAnswer {
  const { kind, fields } = page;
  const token =
    page.next === undefined
      ? undefined
      : encodeCursor(page.next, page.nextKey, page.stampsCursors ? page.call.at : undefined);
  const itemsField = fields.items ?? (kind === 'link-header' ? '' : 'items');
  if (kind === 'link-header') {
    const links = [`<${addressOf(page, undefined)}>; rel="first"`];
    if (token !== undefined) links.unshift(`<${addressOf(page, token)}>; rel="next"`);
    const body = itemsField === '' ? page.rows : bodyOf(page, itemsField);
    return { headers: { link: links.join(', ') }, body };
  }
  if (itemsField === '') return { body: page.rows };
  const body = bodyOf(page, itemsField);
  if (kind === 'cursor' || kind === 'next-url') {
    const noNext = fields.noNext ?? 'null';
    const next = token !== undefined && kind === 'next-url' ? addressOf(page, token) : token;
    if (next !== undefined || noNext !== 'absent') {
      setField(body, fields.next ?? 'next', next ?? (noNext === 'null' ? null : ''));
    }
  }
  return { body };
}

function bodyOf(page: PageFacts, itemsField: string): Record<string, unknown> {
  const { fields, total } = page;
  const body: Record<string, unknown> = {};
  setField(body, itemsField, page.rows);
  if (total !== undefined && totalHeaderOf(page) === undefined) setField(body, fields.total ?? 'total', total);
  if (fields.hasMore !== undefined) setField(body, fields.hasMore, !page.isLast);
  if (fields.pageCount !== undefined && total !== undefined) {
    setField(body, fields.pageCount, Math.ceil(total / page.size));
  }
  return body;
}

/** The list's own address with another token; filters and page size are kept. */
function addressOf({ base, call, names }: PageFacts, token: string | undefined): string {
  const query = new URLSearchParams(call.query);
  query.delete(names.cursor);
  if (token !== undefined) query.set(names.cursor, token);
  const text = query.toString();
  return `${base}${call.path}${text === '' ? '' : `?${text}`}`;
}

export interface Cursor {
  readonly start: number;
  readonly key?: string;
  /** When it was given out, milliseconds since the server started. */
  readonly at?: number;
}

/** Opaque like a third party's: base64url, never to be taken apart by a client. */
function encodeCursor(start: number, key: string | undefined, at: number | undefined): string {
  const cursor: Cursor = { start, ...(key !== undefined && { key }), ...(at !== undefined && { at: Math.round(at) }) };
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Undefined when it is none of ours. */
export function decodeCursor(text: string): Cursor | undefined {
  try {
    const parsed = JSON.parse(Buffer.from(text, 'base64url').toString()) as Cursor;
    return Number.isInteger(parsed.start) ? parsed : undefined;
  } catch {
    return undefined; // not JSON: the caller made it up, and gets "invalid cursor"
  }
}

/** Sets a dotted place in an object. */
function setField(target: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  let place = target;
  for (const name of names.slice(0, -1)) place = (place[name] ??= {}) as Record<string, unknown>;
  place[names.at(-1) as string] = value;
}
