/**
 * Errors that an answer of success tells inside of what it brings. They are `userErrors` of GraphQL, entries that have
 * failed among others, the last line of an export that broke off. Pure. Used by: `default-rules.ts` for lists,
 * `write-rules.ts` for writes.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { isFields, type Fields } from '../../contracts/values/json-text.ts';
import { envelopeOf, isErrorByStatus, isFlaggedFalse, isTold, saysTrouble, tellsError } from './envelopes.ts';
import { isListOfErrors, saysSevere } from './listed-errors.ts';
import { plainName } from './plain-name.ts';

/** `userErrors`, `customerUserErrors`, `mutationErrors`: a mutation was refused. */
const REFUSALS = /(user|mutation)errors$/;
const STATUSES = ['status', 'statuscode', 'code', 'httpstatus', 'httpstatuscode'];
/** `partialFailureError`, `insertErrors`, `ValidationErrors`; not what went wrong some time ago, as a thing's own fields tell it. */
const ERRORS_OF = /^(?!last|latest|previous|past|recent).*errors?$/;
/** What was sent and not taken: `notCreated` of JMAP, `unprocessedItems`, `Failed` of a batch. */
const NOT_TAKEN =
  /^(not(created|updated|destroyed|deleted|saved|inserted|added|sent)|(failed|unprocessed|rejected)(entries|ids|items|keys|messages|records|requests|rows)?)$/;
/** `partialSuccess`, as a name or as a word; as the state of a thing it is the thing's own. */
const IN_PART = /^partial ?(success|failure)$/;
const STATES = ['status', 'state'];
/** Outcomes by the names of what was sent: `sync_status: { "a": "ok", "b": { "error": … } }`. */
const OUTCOMES = /(status(es)?|results?|outcomes?|responses?)$/;
/** Objects within each other that are looked into. */
const MOST_DEPTH = 4;
/** Entries of each list of an answer to a write that are looked at. */
const MOST_ENTRIES = 1_000;
/** How an export says in its last line that it broke off. */
const ERROR_LINE =
  /^\W{0,3}((fatal|internal|server|export|query)\s+)?(error|exception|failure)\b.{0,40}?[:!(]|^\s*<(!doctype|html)\b/i;

/** "ERR 301: no credit", "ERROR". */
const ERROR_WORDS =
  /^\W{0,3}((fatal|internal|server)\s+)?(error|err|exception|failure|failed|fail|nok)\b(\s*([:!(]|#?\d|\W*$)|\s+-\s)/i;

/** @returns what is wrong with a list, in words. */
export function troubleInList({ status, data }: Answer, body: unknown): string | undefined {
  if (hasRefusals(body, MOST_DEPTH)) return 'it has rows and `userErrors`';
  if (status === 207 && listsIn(body).some((entries) => entries.some(hasFailed)))
    return 'some of its entries have failed';
  if (listsIn(body).some((calls) => calls.some(isErrorOfCall))) return 'one of its calls has failed';
  return listsIn(body).some((rows) => hasStrayError(rows, data !== undefined && rows === body))
    ? 'one of its rows is an error'
    : undefined;
}

/** A list with entries stands anywhere in it, other than one of errors. */
export function hasRows(body: unknown, depth = MOST_DEPTH): boolean {
  if (Array.isArray(body)) return body.length > 0;
  if (!isFields(body) || depth === 0) return false;
  return Object.entries(body).some(
    ([name, value]) => !ERRORS_OF.test(plainName(name)) && !isListOfErrors(value) && hasRows(value, depth - 1),
  );
}

/** @returns why a write is not known to have worked, in words. */
export function troubleInWrite({ status }: Answer, body: unknown): string | undefined {
  if (isFields(body) && (isFlaggedFalse(body) || isErrorByStatus(body))) return 'it says that it has not succeeded';
  // Of answers in words, as old interfaces give them.
  if (typeof body === 'string' && ERROR_WORDS.test(body.slice(0, 100))) return 'its words are an error';
  if (hasRefusals(body, MOST_DEPTH)) return 'it has `userErrors`';
  if (isFields(body) && (tellsError(body) || saysTrouble(body) || Object.values(body).some(saysSevere)))
    return 'it tells an error';
  const isBad = status === 207 ? hasFailed : hasSurelyFailed;
  const lists = [...listsIn(body), ...outcomesIn(body)];
  if (lists.some((entries) => entries.some((entry) => isBad(entry) || isErrorOfCall(entry))))
    return 'a part of it has failed';
  return tellsInside(body, MOST_DEPTH) ? 'it tells an error inside' : undefined;
}

/** A field of errors, of what was not taken, or that says that only a part was done, anywhere in it. */
function tellsInside(body: unknown, depth: number): boolean {
  if (depth < 0) return false;
  if (Array.isArray(body)) return body.slice(0, MOST_ENTRIES).some((entry) => tellsInside(entry, depth - 1));
  if (!isFields(body)) return false;
  return Object.entries(body).some(([name, value]) => {
    const plain = plainName(name);
    const isOf = ERRORS_OF.test(plain) || NOT_TAKEN.test(plain);
    const isMuch = Array.isArray(value) ? value.length > 0 : isFields(value);
    const isInPart = IN_PART.test(plain)
      ? isTold(value)
      : typeof value === 'string' && !STATES.includes(plain) && IN_PART.test(plainName(value));
    return isInPart || (isOf && isMuch && isTold(value)) || tellsInside(value, depth - 1);
  });
}

function outcomesIn(body: unknown): (readonly unknown[])[] {
  if (!isFields(body)) return [];
  return Object.entries(body).flatMap(([name, value]) =>
    isFields(value) && OUTCOMES.test(plainName(name)) ? [Object.values(value)] : [],
  );
}

/** `["error", { "type": "serverFail" }, "c1"]`: how several calls in one are answered, as JMAP has it. */
function isErrorOfCall(entry: unknown): boolean {
  return Array.isArray(entry) && entry[0] === 'error' && isFields(entry[1]);
}

/** An entry of an answer that says of itself no more than 200: a `code` may be anything's, but for that of an answer within. */
function hasSurelyFailed(entry: unknown): boolean {
  if (!isFields(entry)) return false;
  const isWithin = 'body' in entry || 'headers' in entry;
  const isBadStatus = Object.entries(entry).some(
    ([name, value]) =>
      typeof value === 'number' && isStatusOfError(name, value) && (isWithin || plainName(name) !== 'code'),
  );
  return isBadStatus || isFlaggedFalse(entry) || saysTrouble(entry) || tellsError(entry);
}

function isStatusOfError(name: string, value: unknown): boolean {
  return STATUSES.includes(plainName(name)) && Number(value) >= 400 && Number(value) <= 599;
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
  return (
    Object.entries(entry).some(([name, value]) => isStatusOfError(name, value)) ||
    isFlaggedFalse(entry) ||
    tellsError(entry)
  );
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
