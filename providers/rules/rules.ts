/**
 * Error rules as data: `rules([when(status(429), limited()), …])`. The first rule that matches decides; without a match
 * the defaults for HTTP in `default-rules.ts` do. Rules see the answer before its body is parsed and are pure, so a
 * table of recorded answers tests them. Next: `default-rules.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { checkKnown, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import type { Outcome, PermanentCause } from '../../contracts/answers/outcome.ts';

export type Match = (answer: Answer) => boolean;
/** What is known of a meaning, or of rules, before any answer comes. */
interface NamesLimits {
  /** Limits that are named: a name that is none is a mistake of the definition. */
  readonly limits?: readonly string[];
}
export interface Decide extends NamesLimits {
  (answer: Answer): Outcome;
}
export interface Rule {
  readonly match: Match;
  readonly decide: Decide;
}
/** Decides an outcome, or leaves it to the next ones by returning undefined. */
export interface Classify extends NamesLimits {
  (answer: Answer): Outcome | undefined;
}

/** The first matching rule decides. @throws TypeError for what is no list of rules. */
export function rules(list: readonly Rule[]): Classify {
  const wrong = Array.isArray(list)
    ? list.findIndex((rule: Partial<Rule> | undefined) => !rule?.match || !rule.decide)
    : 0;
  if (wrong >= 0)
    throw new TypeError(
      `rules() takes a list of what when() gives; its entry ${wrong} is none. Write rules([when(status(429), limited()), …]).`,
    );
  const classify = (answer: Answer): Outcome | undefined => {
    const outcome = list.find((rule) => rule.match(answer))?.decide(answer);
    // when(status(404), body(/gone/)): a match stands where its meaning should.
    if (outcome !== undefined && typeof (outcome as Partial<Outcome> | null)?.kind !== 'string')
      throw new TypeError(
        `A rule gave ${JSON.stringify(outcome)}, which means nothing. Write when(status(404), skip()): matches, and at last what they mean.`,
      );
    return outcome;
  };
  return Object.assign(classify, { limits: list.flatMap(({ decide }) => decide.limits ?? []) });
}

/** All of the matches must hold. @throws TypeError for what is no match, and without a meaning. */
export function when(...parts: [...Match[], Outcome | Decide]): Rule {
  const decide = parts.at(-1) as Outcome | Decide;
  const matches = parts.slice(0, -1) as Match[];
  const means = typeof decide === 'function' || typeof (decide as Outcome | undefined)?.kind === 'string';
  if (!means || !matches.every((match) => typeof match === 'function'))
    throw new TypeError('when() takes matches, and at last what they mean. Write when(status(429), limited()).');
  return {
    match: (answer) => matches.every((match) => match(answer)),
    decide:
      typeof decide === 'function' ? decide : namingLimit(() => decide, 'limit' in decide ? decide.limit : undefined),
  };
}

function namingLimit(decide: Decide, limit: string | undefined): Decide {
  return limit === undefined ? decide : Object.assign(decide, { limits: [limit] });
}

// ── What to look at ──────────────────────────────────────────────────────────────────────────────────────────────────

/** The status is one of these. @throws TypeError for what is no number: no answer would match it. */
export function status(...codes: number[]): Match {
  if (codes.length === 0 || !codes.every(Number.isInteger))
    throw new TypeError(`status() takes numbers, not ${JSON.stringify(codes)}. Write status(429, 503).`);
  return (answer) => codes.includes(answer.status);
}

/** What patterns get to see of a body and of a header, in characters: outside text may be made to keep a pattern busy. */
const SEEN_OF_BODY = 32_768;
const SEEN_OF_HEADER = 4_096;
const SEEN_IN_REASON = 1_000;

/** The body's text matches, e.g. `body(/rate limit/i)`. The first 32,768 characters are looked at. @throws TypeError for what is no pattern. */
export function body(pattern: RegExp): Match {
  if (!(pattern instanceof RegExp))
    throw new TypeError(`body() takes a pattern, not ${JSON.stringify(pattern)}. Write body(/rate limit/i).`);
  return (answer) => matches(pattern, answer.text.slice(0, SEEN_OF_BODY));
}

/** A header is present, equals a string, or matches a pattern. */
export const header =
  (name: string, expected?: string | RegExp): Match =>
  (answer) => {
    const value = answer.headers[name.toLowerCase()];
    if (value === undefined) return false;
    if (expected === undefined) return true;
    return typeof expected === 'string' ? value === expected : matches(expected, value.slice(0, SEEN_OF_HEADER));
  };

/** From the beginning, whatever a pattern with the flag `g` was used for before. */
function matches(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(text);
}

/**
 * A field of a JSON body, by path (`error.code`), is one of these values; without values, it is there and not null. Bodies that are not
 * JSON never match. @throws TypeError for what is no path.
 */
export function bodyField(path: string, ...values: (string | number | boolean | null)[]): Match {
  checkPath('bodyField', path);
  return (answer) => {
    const value = fieldAt(answer, path);
    return values.length === 0 ? value !== undefined && value !== null : values.includes(value as string);
  };
}

function checkPath(helper: string, path: unknown): void {
  if (typeof path === 'string' && path !== '') return;
  const found = path === '' ? 'an empty text' : JSON.stringify(path);
  throw new TypeError(`${helper}() takes the path of a field, not ${found}. Write e.g. ${helper}('data.items').`);
}

/** `error.code` or `code` of a JSON body is one of these values: the most common shape of error bodies. */
export const bodyCode =
  (...codes: (string | number)[]): Match =>
  (answer) =>
    ['error.code', 'code', 'error'].some((path) => codes.includes(fieldAt(answer, path) as string));

/**
 * The JSON body's field at `path` is an empty list: for services that answer an expired token with an empty page.
 * @throws TypeError for what is no path.
 */
export function emptyList(path: string): Match {
  checkPath('emptyList', path);
  return (answer) => {
    const value = fieldAt(answer, path);
    return Array.isArray(value) && value.length === 0;
  };
}

/** The opposite of a match. */
export const not =
  (match: Match): Match =>
  (answer) =>
    !match(answer);

/** Any of the matches. */
export const anyOf =
  (...matches: Match[]): Match =>
  (answer) =>
    matches.some((match) => match(answer));

// ── What it means ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface LimitedOptions {
  /** The declared limit that was hit. Default: the one that its headers say is empty, else the one that is nearest to full. */
  readonly limit?: string;
  /** How long to wait, in milliseconds, when the answer says it by none of the usual headers and names; a longer `Retry-After` holds. */
  readonly afterMs?: (answer: Answer) => number | undefined;
  readonly reason?: string;
}

const LIMITED: NamesOf<LimitedOptions> = { limit: true, afterMs: true, reason: true };

/** Refused because of a limit: blocks the key for everybody. `Retry-After` and quota headers are read by themselves. */
export function limited(options: LimitedOptions = {}): Decide {
  // `{ afterMS: 500 }` would wait as if nothing was said.
  checkKnown('limited()', Object(options) as object, LIMITED);
  if (typeof options !== 'object' || (options.afterMs !== undefined && typeof options.afterMs !== 'function'))
    throw new TypeError(
      'limited() takes { limit, afterMs, reason }, `afterMs` a function of the answer. Write limited({ afterMs: () => 500 }).',
    );
  const decide = (answer: Answer): Outcome => {
    const afterMs = options.afterMs?.(answer);
    return {
      kind: 'limited',
      reason: options.reason ?? describe(answer),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(afterMs === undefined ? {} : { afterMs }),
    };
  };
  return namingLimit(decide, options.limit);
}

export function retry(options: { readonly afterMs?: number; readonly reason?: string } = {}): Decide {
  checkKnown('retry()', Object(options) as object, { afterMs: true, reason: true });
  if (typeof options !== 'object' || (options.afterMs !== undefined && !Number.isFinite(options.afterMs)))
    throw new TypeError(
      'retry() takes { afterMs, reason }, `afterMs` a number of milliseconds. Write retry({ afterMs: 5_000 }).',
    );
  return (answer) => ({
    kind: 'retry',
    reason: options.reason ?? describe(answer),
    ...(options.afterMs === undefined ? {} : { afterMs: options.afterMs }),
  });
}

/** A good answer, whatever its status: its body is parsed, and not looked at for errors. */
export const accept = (): Decide => () => ({ kind: 'ok' });
/**
 * The token, link or id that the list was asked from (`incremental: 'checkpoint'`) is not known any more: the list is read from its
 * beginning. 410 says so without a rule.
 */
export const checkpointExpired = (reason?: string): Decide => because('checkpoint-expired', reason);
/** A good page from which something is missing, e.g. data and errors of GraphQL: its rows are stored, its list ends as `flawed`. */
export const flawed = (reason?: string): Decide => because('flawed', reason);
export const refreshAuth = (reason?: string): Decide => because('refresh-auth', reason);
/**
 * The answer looks like success and may be what an expired token gets, e.g. an empty list where there should be rows. The
 * token is refreshed and the call repeated; the same answer to a token that was refreshed in the last minute is true.
 */
export const suspectAuth =
  (reason?: string): Decide =>
  (answer) => ({ kind: 'refresh-auth', isDoubt: true, reason: reason ?? describe(answer) });
export const skip = (reason?: string): Decide => because('skip', reason);
export const endOfData = (reason?: string): Decide => because('end-of-data', reason);
/** The third party has forgotten the cursor that an earlier page gave: the list goes on by its `onDeadCursor`. */
export const deadCursor = (reason?: string): Decide => because('dead-cursor', reason);
/**
 * More rows than the third party gives in one list. Its `range` is halved, and each half is a list; one that can't be
 * is `capped`.
 */
export const capped = (reason?: string): Decide => because('capped', reason);
export const shrinkPage = (reason?: string): Decide => because('shrink-page', reason);
export const unknownWrite = (reason?: string): Decide => because('unknown-write', reason);

const CAUSES: readonly PermanentCause[] = ['config', 'auth', 'gone', 'bug'];

/** @throws TypeError for a cause that there is not. */
export function permanent(cause: PermanentCause, reason?: string): Decide {
  if (!CAUSES.includes(cause))
    throw new TypeError(`permanent() takes ${CAUSES.join(', ')}, not ${JSON.stringify(cause)}.`);
  return (answer) => ({ kind: 'permanent', cause, reason: reason ?? describe(answer) });
}

function because(
  kind:
    | 'flawed'
    | 'checkpoint-expired'
    | 'refresh-auth'
    | 'skip'
    | 'end-of-data'
    | 'dead-cursor'
    | 'capped'
    | 'shrink-page'
    | 'unknown-write',
  reason: string | undefined,
): Decide {
  return (answer) => ({ kind, reason: reason ?? describe(answer) });
}

/** One line about an answer for people: status and the first words of the body, never its headers. */
export function describe(answer: Answer): string {
  const { status, error, text } = answer;
  if (error) return cleanText(`${status >= 400 ? `HTTP ${status}, ` : ''}${error.code}: ${error.message}`, 300);
  const seen = text.slice(0, SEEN_IN_REASON);
  const words = seen
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return cleanText(`HTTP ${status}${words ? `: ${words}` : namesIn(seen)}`, 210);
}

/** XML that says it by names alone: `<error><valid-sync-token/></error>`. */
function namesIn(text: string): string {
  const names = [...text.matchAll(/<([a-z_][\w:.-]*)/gi)].map(([, name]) => name);
  return names.length === 0 || /^html$/i.test(names[0] as string) ? '' : `: ${names.join(' ')}`;
}

function fieldAt(answer: Answer, path: string): unknown {
  const json = jsonOf(answer);
  return json.ok ? readPath(json.value, path.split('.')) : undefined;
}

/** The names of a path may have dots themselves: `error..tag`, `@odata.count`. The first name that is there is taken. */
function readPath(value: unknown, names: readonly string[]): unknown {
  if (names.length === 0) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  for (let count = 1; count <= names.length; count++) {
    const name = names.slice(0, count).join('.');
    if (Object.hasOwn(fields, name)) return readPath(fields[name], names.slice(count));
  }
  return undefined;
}
