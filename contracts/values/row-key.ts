/**
 * Keys of rows as they are stored: text that names one row and no other. What would make two rows one, or what no index takes, is
 * refused. Used by: `activities/sync/`, `client/quarantine.ts`.
 */

/** An index of Postgres takes 2,704 bytes for all columns together. */
const MOST_KEY_BYTES = 1_024;

/**
 * @param key as a definition's function gave it.
 * @throws TypeError that says what is wrong with it.
 */
export function keyText(key: unknown): string {
  if (typeof key === 'number') {
    if (Number.isFinite(key) && Math.abs(key) <= Number.MAX_SAFE_INTEGER) return String(key);
    throw new TypeError(
      `the key is the number ${key}, and different ids may have become this one. ` +
        'Ids beyond 2^53 come as text from the body: keep them as text',
    );
  }
  if (typeof key === 'bigint') return String(key);
  if (typeof key !== 'string') throw new TypeError(`the key is ${kindOf(key)}; it must be text or a number`);
  if (key === '') throw new TypeError('the key is empty');
  if (key.includes('\0') || !key.isWellFormed())
    throw new TypeError('the key has NUL or half a character in it, which no database stores as text');
  // A character has three bytes at most.
  const bytes = key.length * 3 <= MOST_KEY_BYTES ? 0 : Buffer.byteLength(key);
  if (bytes > MOST_KEY_BYTES)
    throw new TypeError(`the key has ${bytes} bytes; at most ${MOST_KEY_BYTES} are taken ("${key.slice(0, 40)}…")`);
  return key;
}

/** What `String()` makes of what is not there. */
const OF_NOTHING: ReadonlySet<unknown> = new Set(['null', 'undefined', 'NaN', '[object Object]']);

/**
 * The same for the row that it was made from: all rows that lack their id would be one.
 * @throws TypeError that says what is wrong with it.
 */
export function keyOfRow(key: unknown, row: unknown): string {
  const text = keyText(key);
  if (OF_NOTHING.has(text) && !JSON.stringify(row)?.includes(JSON.stringify(text)))
    throw new TypeError(
      `the key is "${text}", which is no text of the row: its id is missing, or is not what is asked for`,
    );
  return text;
}

function kindOf(value: unknown): string {
  if (value === null || typeof value === 'undefined' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : `of type ${typeof value}`;
}
