/**
 * Rows that do not fit, set aside so that the others of their page can be stored. Where the rows are in a body is told
 * by the issues of its schema, or by the only list of their number. Either is believed only when the body without some
 * of them, read by the same schema, has so many fewer. Used by: `read-page.ts`. Next: `contracts/answers/aside.ts` says
 * what is kept of such a row.
 */
import { hash } from 'node:crypto';
import { rowsAt, withRows, type AsideRow, type Place } from '../../contracts/answers/aside.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { keyOfRow } from '../../contracts/values/row-key.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';
import type { Issue } from '../bodies/parse-body.ts';

/** The rows of a body before the schema, in their order. */
export interface RawRows {
  readonly rows: readonly unknown[];
  /** Null: the whole body is the one row. */
  readonly place: Place | null;
  readonly body: unknown;
}

export interface Misfit {
  /** Within the row; '' for all of it. */
  readonly path: string;
  readonly reason: string;
}

/** A body whose schema refused some of its rows, without them. */
export interface Cut {
  readonly response: unknown;
  /** Of the rows that fit. */
  readonly items: readonly unknown[];
  readonly raw: RawRows;
  /** By their places among all rows. */
  readonly misfits: ReadonlyMap<number, Misfit>;
}

type ItemsOf = (response: unknown) => readonly unknown[];

/** Lists are looked for so deep in a body. */
const DEEPEST_PLACE = 5;

/** @returns undefined when more than rows does not fit. */
export function cutMisfits(
  endpoint: Pick<Endpoint, 'parseResponse' | 'paginate'>,
  body: unknown,
  issues: readonly Issue[],
  itemsOf: ItemsOf,
): Cut | undefined {
  if (endpoint.paginate.isOneRow) {
    const misfits = new Map([[0, misfitOf(issues[0] as Issue, 0)]]);
    return { response: undefined, items: [], raw: { rows: [body], place: null, body }, misfits };
  }
  const misfits = new Map<number, Misfit>();
  let place: Place | undefined;
  for (const issue of issues) {
    const depth = issue.path.findIndex((name) => typeof name === 'number');
    if (depth === -1) return undefined;
    const here = issue.path.slice(0, depth).map(String);
    if (place && place.join('\0') !== here.join('\0')) return undefined;
    place = here;
    const index = Number(issue.path[depth]);
    if (!misfits.has(index)) misfits.set(index, misfitOf(issue, depth + 1));
  }
  const rows = place && rowsAt(body, place);
  if (!place || !rows) return undefined;
  const good = rows.filter((_, index) => !misfits.has(index));
  const read = readBack(endpoint, withRows(body, place, good), itemsOf);
  if (read?.items.length !== good.length || good.length + misfits.size !== rows.length) return undefined;
  return { ...read, raw: { rows, place, body }, misfits };
}

/** Where the rows of a body are that its schema has accepted. @returns undefined when that can't be told. */
export function findRawRows(
  endpoint: Pick<Endpoint, 'parseResponse' | 'paginate'>,
  body: unknown,
  count: number,
  itemsOf: ItemsOf,
): RawRows | undefined {
  if (endpoint.paginate.isOneRow) return { rows: [body], place: null, body };
  for (const place of listsIn(body, [])) {
    const rows = rowsAt(body, place) ?? [];
    if (rows.length !== count) continue;
    const read = readBack(endpoint, withRows(body, place, rows.slice(0, 1)), itemsOf);
    if (read?.items.length === 1) return { rows, place, body };
  }
  return undefined;
}

/** @param keyOf the definition's key of a row; the row has not been read by a schema. */
export function asideRow(raw: RawRows, index: number, misfit: Misfit, keyOf: (row: unknown) => unknown): AsideRow {
  const row = raw.rows[index];
  const text = asJson(row);
  const frame = raw.place === null ? null : asJson(withRows(raw.body, raw.place, []));
  const isKept = text !== null && (raw.place === null || frame !== null);
  return {
    ...misfit,
    name: nameOf(row, keyOf) ?? `#${hash('sha1', text ?? `${index} ${misfit.reason}`, 'base64').slice(0, 16)}`,
    row: isKept ? text : null,
    frame: isKept ? frame : null,
    place: raw.place,
  };
}

function misfitOf({ path, message }: Issue, from: number): Misfit {
  return { path: cleanText(path.slice(from).map(String).join('.'), 200), reason: cleanText(message, 500) };
}

function readBack(
  endpoint: Pick<Endpoint, 'parseResponse'>,
  body: unknown,
  itemsOf: ItemsOf,
): { response: unknown; items: readonly unknown[] } | undefined {
  try {
    const response = endpoint.parseResponse(body);
    return { response, items: itemsOf(response) };
  } catch {
    return undefined; // more than these rows does not fit
  }
}

function* listsIn(value: unknown, place: Place): Generator<Place> {
  if (Array.isArray(value)) yield place;
  else if (typeof value === 'object' && value !== null && place.length < DEEPEST_PLACE)
    for (const [name, field] of Object.entries(value)) yield* listsIn(field, [...place, name]);
}

function nameOf(row: unknown, keyOf: (row: unknown) => unknown): string | undefined {
  try {
    return keyOfRow(keyOf(row), row);
  } catch {
    return undefined; // it is named after its content
  }
}

/** Null for what no JSON text can be made of: it is nested too deep. */
function asJson(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}
