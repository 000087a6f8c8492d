/**
 * Errors that are told under a status of success, in the envelopes that third parties put around their answers. They
 * are GraphQL's `errors`, `ok: false`, `success: false`, an `error` field, a `code`. What is found by itself is
 * conservative: a row may have such fields too. Pure. Used by: `default-rules.ts`, `inner-errors.ts`, `job-trouble.ts`, and
 * by rules of one's own through `envelope-matches.ts`.
 */
import { isFields, type Fields } from '../../contracts/values/json-text.ts';
import { isListOfErrors, saysSevere } from './listed-errors.ts';
import { plainName } from './plain-name.ts';

/** Wherever the usual envelopes have the code of an error. */
export function codesOf(body: Fields | undefined): unknown[] {
  const errors = Array.isArray(body?.['errors']) ? (body['errors'] as unknown[]).slice(0, 100) : [];
  return [body, body?.['error'], ...errors].flatMap((each) => {
    if (!isFields(each)) return [each];
    const { error, code, type, status, name, extensions, error_code, errorCode, '.tag': tag } = each;
    return [
      error,
      code,
      type,
      status,
      name,
      error_code,
      errorCode,
      tag,
      isFields(extensions) ? extensions['code'] : null,
    ];
  });
}

/** `error`: it is nothing but an error. `partial`: it says that something went wrong, and has more than that. */
export type Envelope = 'error' | 'partial';

/** Names that envelopes of errors have, as `plainName` writes them. Any other field that holds something is content. */
const ENVELOPE_NAMES: ReadonlySet<string> = new Set([
  'ok', 'success', 'succeeded', 'successful', 'issuccess', 'error', 'errors', 'iserror', 'err', 'fault', 'exception',
  'errormessage', 'errormsg', 'errmsg', 'errordescription', 'errorcode', 'errcode', 'errorid', 'errortype', 'errorsubcode',
  'errordetails', 'errorinfo', 'erroruri', 'faultstring', 'faultcode', 'code', 'subcode', 'status', 'statuscode', 'statustext',
  'statusmessage', 'state', 'result', 'resultcode', 'resultmessage', 'resultmsg', 'returncode', 'retcode', 'retmsg', 'ret', 'returnmsg', 'returnmessage',
  'message', 'messages', 'msg', 'detail', 'details', 'description', 'reason', 'title', 'type', 'instance', 'info', 'hint',
  'help', 'documentationurl', 'docs', 'moreinfo', 'requestid', 'reqid', 'traceid', 'correlationid', 'fbtraceid', 'logid',
  'timestamp', 'time', 'date', 'path', 'method', 'version', 'apiversion', 'jsonapi', 'extensions', 'retryafter', 'retryinms',
  'note', 'notes', 'notice', 'stat', 'ack', 'haserror', 'haserrors', 'timedout', 'took', 'incomplete', 'incompleteresults', 'partial', 'ispartial', 'partialresults',
  'terminatedearly', 'degraded', 'shards', 'clusters', 'partitions', 'warning', 'warnings', 'object', 'kind', 'resourcetype',
]); // prettier-ignore
/** Attributes that say how XML is read, and nothing of what it says: `xmlns:soap`, `xsi:schemaLocation`. */
const OF_XML = /^@(?:xmlns$|[\w.-]+:)/;
const FLAGS = ['ok', 'success', 'succeeded', 'successful', 'issuccess'];
const ERRORS = [
  'error',
  'errors',
  'err',
  'fault',
  'exception',
  'errormessage',
  'errormsg',
  'errmsg',
  'errorcode',
  'errcode',
  'faultstring',
];
const STATES = ['status', 'state', 'result', 'stat', 'ack'];
/** Flags that are bad news when they are true. */
const TROUBLES = ['haserror', 'haserrors', 'iserror'];
/** Flags of a list that is not all of what was asked for: a search that ran out of time, shards that did not answer. */
const LACKS = /^(timedout|terminatedearly|degraded|(is|has)?(partial|incomplete)(data|results?|response|content)?)$/;
/**
 * Lists of what could not be had beside those that could. They name what a call for many ids has failed for, or has
 * left for another one.
 */
const LEFT_OUT =
  /^(failures|(failed|unprocessed|unavailable|omitted)(ids|items|keys|sources|shards|records|rows|results)?)$/;
/** How a search tells of its parts: `{ "_shards": { "total": 5, "failed": 1 } }`. */
const PARTS = ['shards', 'clusters', 'partitions'];
/** Warnings beside a list that say that it is not all; others are about other things. */
const WARNINGS = ['warning', 'warnings'];
const OF_ROWS = '(results?|data|lists?|rows|records|responses?|answers?|contents?)';
const NOT_ALL = new RegExp(
  `\\b${OF_ROWS}\\b.{0,30}\\b(incomplete|partial|truncated|omitted)\\b|(^|[^a-z])(incomplete|partial|truncated)[\\s_-]+${OF_ROWS}([^a-z]|$)|` +
    `\\btime[ds]?[ _-]?out\\b|\\b(did not|didn't) (respond|answer)\\b`,
  'i',
);
/** Objects beside a list in which an answer speaks of itself. */
const ABOUT = ['meta', 'metadata', 'header', 'responseheader', 'responsestatus', 'status', 'result', 'response'];
const CODES = ['code', 'statuscode', 'resultcode', 'returncode', 'retcode', 'ret'];
const WORDS = ['message', 'msg', 'detail', 'title', 'reason', 'description', 'retmsg', 'resultmsg', 'resultmessage'];
const BAD = /^(error|err|fail|failed|failure|nok|ko)$/i;
/** Words beside an empty list that say why there is nothing, other than that there is nothing. */
const TROUBLE =
  /\b(errors? (has |have )?(occurred|happened)|internal (server )?error|exceptions?|too many requests|rate.?limit|throttl\w*|unauthori[sz]ed|forbidden|access denied|not allowed|time[ds]?.?out|unavailable|maintenance|expired|failed|failure)\b/i;
/** States of an answer that is not all that it should be. */
const LACKING =
  /^(degraded|partial(ly)?([ _-]\w+)?|incomplete|unavailable|unhealthy|overloaded|maintenance|time[ds]?[ _-]?out|aborted|interrupted|stale)$/i;
/** What the pages of a list are told by. */
const OF_PAGES = /next|prev|cursor|token|link|ur[il]$|href|pag(e|ing|ination)|offset|meta/;
const GOOD = /^(ok|okay|success|successful|succeed|succeeded|done|none|no error|null|成功|0+|2\d\d)$/i;

/**
 * What the body of a successful answer says of itself; undefined when nothing is wrong with it.
 * @param isList fields beside a list are the answer's: an object that is a row itself may have a code and a title.
 */
export function envelopeOf(body: unknown, isList: boolean): Envelope | undefined {
  if (!isFields(body)) return undefined;
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(body)) if (!OF_XML.test(name)) fields.set(plainName(name), value);
  const isAboutError = isList && aboutSaysError(fields);
  const isTrouble = isAboutError || saysError(fields) || (isList && saysItLacks(fields));
  const isEnvelope = (name: string, value: unknown): boolean =>
    ENVELOPE_NAMES.has(name) ||
    isEmpty(value, 3) ||
    isListOfErrors(value) ||
    (isAboutError && ABOUT.includes(name) && isAbout(value));
  const isOnlyError = [...fields].every(([name, value]) => isEnvelope(name, value));
  if (isTrouble) return isOnlyError ? 'error' : 'partial';
  if (isOnlyError && isList && saysErrorAlone(fields)) return 'error';
  // `{ response: { status: "error", … } }`, and what stands beside the header of SOAP
  if (fields.size === 2) fields.delete('header');
  const [only] = fields.values();
  if (fields.size !== 1 || !isFields(only)) return undefined;
  if (envelopeOf(only, isList) === 'error') return 'error';
  return isList && hasEntries(only) && isFlaggedFalse(only) ? 'partial' : undefined;
}

/** `ok`, `success` or the like is false. */
export function isFlaggedFalse(fields: Fields): boolean {
  return Object.entries(fields).some(
    ([name, value]) => FLAGS.includes(plainName(name)) && (value === false || value === 'false'),
  );
}

/** `hasErrors` or the like is true. */
export function saysTrouble(fields: Fields): boolean {
  return Object.entries(fields).some(
    ([name, value]) => TROUBLES.includes(plainName(name)) && (value === true || value === 'true'),
  );
}

/** An error is told by a field of its own: `error`, `errors`, `errorMessage` and the like. */
export function tellsError(fields: Fields): boolean {
  return Object.entries(fields).some(([name, value]) => isOfErrors(name) && isTold(value));
}

/** `{ "items": [], "meta": { "status": "error" } }`: what says it stands one level deeper, beside the list. */
function aboutSaysError(fields: ReadonlyMap<string, unknown>): boolean {
  return ABOUT.some((name) => {
    const about = fields.get(name);
    if (!isAbout(about)) return false;
    const told = new Map(Object.entries(about).map(([inner, value]) => [plainName(inner), value]));
    return (
      saysError(told) ||
      saysItLacks(told) ||
      isStatusOfError(told.get('code')) ||
      isStatusOfError(told.get('statuscode'))
    );
  });
}

/** An object without rows of its own: a list in it that has entries would be the list. */
function isAbout(value: unknown): value is Fields {
  return (
    isFields(value) &&
    !Object.entries(value).some(([name, each]) => Array.isArray(each) && each.length > 0 && !isOfErrors(name))
  );
}

function isOfErrors(name: string): boolean {
  return ERRORS.includes(plainName(name));
}

function isStatusOfError(code: unknown): boolean {
  return Number(code) >= 400 && Number(code) <= 599;
}

function saysItLacks(fields: ReadonlyMap<string, unknown>): boolean {
  const told = [...fields];
  return (
    told.some(([name, value]) => LACKS.test(name) && value === true) ||
    told.some(([name, value]) => LEFT_OUT.test(name) && isFilled(value)) ||
    PARTS.some((name) => lacksParts(fields.get(name))) ||
    WARNINGS.some((name) => warnsOfLacks(fields.get(name))) ||
    isInState(fields)
  );
}

function lacksParts(parts: unknown): boolean {
  return isFields(parts) && typeof parts['total'] === 'number' && Number(parts['failed']) > 0;
}

/** A text, a list of texts, or of objects with a code and words. */
function warnsOfLacks(told: unknown): boolean {
  if (isEmpty(told, 0)) return false;
  return [told]
    .flat()
    .slice(0, 20)
    .some((warning) => {
      const words = isFields(warning) ? Object.values(warning) : [warning];
      return words.some((text) => isText(text) && NOT_ALL.test(text.slice(0, 300)));
    });
}

/** `{ "items": [], "status": "degraded" }`. Where a thing's own fields are beside it, so is its state: an order may be `partial`. */
function isInState(fields: ReadonlyMap<string, unknown>): boolean {
  const isLacking = STATES.some((name) => isText(fields.get(name)) && LACKING.test(fields.get(name) as string));
  const isThings = ([name, value]: readonly [string, unknown]): boolean =>
    !ENVELOPE_NAMES.has(name) &&
    !OF_PAGES.test(name) &&
    !Array.isArray(value) &&
    (isText(value) || isFields(value)) &&
    !isEmpty(value, 3);
  return isLacking && ![...fields].some(isThings);
}

/** Whether a list with entries stands in it, as the answer itself or one level deeper. */
export function hasEntries(body: unknown): boolean {
  const places = isFields(body) ? Object.values(body) : [body];
  return places.some((value) => Array.isArray(value) && value.length > 0);
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : isFields(value) && Object.keys(value).length > 0;
}

function saysError(fields: ReadonlyMap<string, unknown>): boolean {
  return (
    FLAGS.some((name) => fields.get(name) === false || fields.get(name) === 'false') ||
    TROUBLES.some((name) => fields.get(name) === true || fields.get(name) === 'true') ||
    ERRORS.some((name) => isTold(fields.get(name))) ||
    [...fields.values()].some(saysSevere) ||
    [...STATES, ...CODES].some((name) => isText(fields.get(name)) && BAD.test(fields.get(name) as string))
  );
}

/**
 * An answer to a write that has nothing but fields of an envelope, and the status of an error or a flag of 0 among
 * them. A code with words is not enough: `{ "code": 1, "message": "sent" }`.
 */
export function isErrorByStatus(body: Fields): boolean {
  const fields = new Map(Object.entries(body).map(([name, value]) => [plainName(name), value]));
  if (![...fields].every(([name, value]) => ENVELOPE_NAMES.has(name) || isEmpty(value, 3))) return false;
  return hasStatusOfError(fields) || isFlaggedZero(fields);
}

function hasStatusOfError(fields: ReadonlyMap<string, unknown>): boolean {
  return ['status', ...CODES].some((name) => isStatusOfError(fields.get(name)));
}

function isFlaggedZero(fields: ReadonlyMap<string, unknown>): boolean {
  return FLAGS.some((name) => fields.get(name) === 0) || STATES.some((name) => fields.get(name) === false);
}

/**
 * What means an error only where nothing else is there. That is a code with words, an error status, a flag of 0, a
 * false state, words of trouble alone.
 */
function saysErrorAlone(fields: ReadonlyMap<string, unknown>): boolean {
  const told = WORDS.map((name) => fields.get(name)).find((value) => isText(value) && value !== '');
  const words = isText(told) ? told.slice(0, 200).trim() : '';
  const hasBadCode = CODES.some((name) => isTold(fields.get(name)));
  if (isFlaggedZero(fields) || hasStatusOfError(fields)) return true;
  return (hasBadCode && words !== '' && !GOOD.test(words.slice(0, 20).trim())) || TROUBLE.test(words);
}

/** An error is told: not null, false, empty, zero, or a word of success; of an object its code and words count. */
export function isTold(value: unknown): boolean {
  if (isEmpty(value, 2)) return false;
  if (typeof value === 'string' || typeof value === 'number') return !GOOD.test(String(value).slice(0, 20).trim());
  if (!isFields(value) || !('code' in value)) return true;
  const { code, message } = value;
  return isTold(code) || (isText(message) && message !== '' && !GOOD.test(message.slice(0, 20).trim()));
}

function isEmpty(value: unknown, depth: number): boolean {
  if (value === null || value === undefined || value === '' || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return depth > 0 && isFields(value) && Object.values(value).every((each) => isEmpty(each, depth - 1));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
