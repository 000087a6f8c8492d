/**
 * Errors that an answer of success tells inside of what it brings: `userErrors` of GraphQL, entries that have failed among others, the last line
 * of an export that broke off. Pure. Used by: `default-rules.ts` for lists, `write-rules.ts` for writes.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { isFields, type Fields } from '../../contracts/values/json-text.ts';
import { envelopeOf, isFlaggedFalse, plainName, tellsError } from './envelopes.ts';

/** `userErrors`, `customerUserErrors`, `mutationErrors`: a mutation was refused. */
const REFUSALS = /(user|mutation)errors$/;
const STATUSES = ['status', 'statuscode', 'code', 'httpstatus', 'httpstatuscode'];
/** Objects within each other that are looked into. */
const MOST_DEPTH = 4;
/** How an export says in its last line that it broke off. */
const ERROR_LINE =
  /^\W{0,3}((fatal|internal|server|export|query)\s+)?(error|exception|failure)\b.{0,40}?[:!(]|^\s*<(!doctype|html)\b/i;

/** @returns what is wrong with a list, in words. */
export function troubleInList({ status, data }: Answer, body: unknown): string | undefined {
  if (hasRefusals(body, MOST_DEPTH)) return 'it has rows and `userErrors`';
  if (status === 207 && listsIn(body).some((entries) => entries.some(hasFailed)))
    return 'some of its entries have failed';
  return listsIn(body).some((rows) => hasStrayError(rows, data !== undefined && rows === body))
    ? 'one of its rows is an error'
    : undefined;
}

/** @returns why a write is not known to have worked, in words. */
export function troubleInWrite({ status }: Answer, body: unknown): string | undefined {
  if (isFields(body) && isFlaggedFalse(body)) return 'it says that it has not succeeded';
  if (hasRefusals(body, MOST_DEPTH)) return 'it has `userErrors`';
  const isBad = status === 207 ? hasFailed : (entry: unknown) => isFields(entry) && isFlaggedFalse(entry);
  return listsIn(body).some((entries) => entries.some(isBad)) ? 'a part of it has failed' : undefined;
}

function hasRefusals(body: unknown, depth: number): boolean {
  if (!isFields(body)) return false;
  return Object.entries(body).some(([name, value]) =>
    Array.isArray(value)
      ? value.length > 0 && REFUSALS.test(plainName(name))
      : depth > 0 && hasRefusals(value, depth - 1),
  );
}

/** The answer itself, or what stands one level deeper. */
function listsIn(body: unknown): (readonly unknown[])[] {
  return (isFields(body) ? Object.values(body) : [body]).filter((value) => Array.isArray(value));
}

function hasFailed(entry: unknown): boolean {
  if (!isFields(entry)) return false;
  const isStatusOfError = Object.entries(entry).some(
    ([name, value]) => STATUSES.includes(plainName(name)) && Number(value) >= 400 && Number(value) <= 599,
  );
  return isStatusOfError || isFlaggedFalse(entry) || tellsError(entry);
}

/** A row that is nothing but an error, among rows that have other fields. Where all are like it they are what was asked for. */
function hasStrayError(rows: readonly unknown[], isOfLines: boolean): boolean {
  const objects = rows.filter(isFields);
  const [first, second] = objects;
  if (!first) return false;
  const names = Object.keys(second && isError(first) ? second : first);
  if (objects.some((row) => !names.some((name) => name in row) && isError(row))) return true;
  if (!isOfLines) return false;
  // `null`, a text: a line that is no row.
  return objects.length < rows.length || (isErrorLine(rows.at(-1)) && (rows.length === 1 || !isErrorLine(rows[0])));
}

function isError(row: Fields): boolean {
  return envelopeOf(row, false) === 'error';
}

/** Of CSV, where each row has all fields: the message stands in the first one. */
function isErrorLine(row: unknown): boolean {
  const [cell] = isFields(row) ? Object.values(row) : [];
  return typeof cell === 'string' && ERROR_LINE.test(cell.slice(0, 100));
}
