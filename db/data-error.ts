/**
 * Tells a value that Postgres can't hold from a database that is down: the one fails again however often it is sent.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */

/** Data exceptions (22: NUL in text, a number out of range) and program limits (54: an index row that is too large). */
const CLASSES = ['22', '54'];

/** True when Postgres refused what it was sent. Sending the same again is pointless. */
export function isDataError(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' && code.length === 5 && CLASSES.includes(code.slice(0, 2));
}
