/** Which part of a list is asked for. Only the database would refuse the rest, in words that name nothing. Used by `db/stores` and `limiter/admin`. */

const MOST = 1_000;

/** @throws TypeError when it is not a whole number from 1 to 1,000. */
export function checkLimit(limit: number): void {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= MOST))
    throw new TypeError(`\`limit\` is ${limit}; it must be a whole number from 1 to 1,000.`);
}

/** @throws TypeError when it is no id that a database can have. @param of what the id is of: `an act`. */
export function checkPlace(after: number | null, of: string): void {
  if (after !== null && !(Number.isSafeInteger(after) && after >= 0))
    throw new TypeError(`\`after\` is ${after}; pass the \`id\` of ${of}.`);
}

/** An id or a sequence as text, of a size that a bigint holds. */
export const WHOLE_NUMBER = /^\d{1,18}$/;
