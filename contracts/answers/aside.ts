/**
 * Rows that were set aside because they did not fit. It has what is kept of each, and how it is put back into its page.
 * Then the schema of the whole answer can read it again. Used by: `activities/page/set-aside.ts` and
 * `client/quarantine.ts`.
 */

/** Names of the fields that lead to the list in the body of an answer; `[]` where the body is the list. */
export type Place = readonly string[];

export interface AsideRow {
  /** Key of the row where it can be read, else a short name for its content. */
  readonly name: string;
  /** What did not fit, within the row: `author.id`; '' for the row itself. */
  readonly path: string;
  readonly reason: string;
  /** The row as it came, as JSON; null when it can't be written down, and so not be read again. */
  readonly row: string | null;
  /** The answer that it came in, without rows, as JSON; null where the row was the whole answer. */
  readonly frame: string | null;
  readonly place: Place | null;
}

/** The body with other rows at its list. It is not changed itself. */
export function withRows(body: unknown, place: Place, rows: readonly unknown[]): unknown {
  const [name, ...rest] = place;
  if (name === undefined) return rows;
  return { ...(body as object), [name]: withRows((body as Record<string, unknown>)[name], rest, rows) };
}

/** The list at a place; undefined when there is none. */
export function rowsAt(body: unknown, place: Place): readonly unknown[] | undefined {
  const found = place.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined,
    body,
  );
  return Array.isArray(found) ? found : undefined;
}

/** The answer as it would be if this were its only row. */
export function bodyOfAside({ row, frame, place }: Pick<AsideRow, 'row' | 'frame' | 'place'>): unknown {
  const parsed: unknown = JSON.parse(row ?? 'null');
  return frame === null || place === null ? parsed : withRows(JSON.parse(frame), place, [parsed]);
}
