/**
 * A limit that is told otherwise than by 429. GitHub, Google and others tell it by 403, with the headers of a quota
 * that is spent or in well-known words. It may come with any other status, in words, or by a code, that mean nothing
 * else. Pure. Used by: `default-rules.ts`.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 * @see https://developers.google.com/workspace/drive/api/guides/handle-errors
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { waitInBody } from '../../contracts/answers/wait-in-body.ts';
import { toldWaitMs } from '../../contracts/values/reset-time.ts';
import { errorNames, hasStatusInside } from './error-names.ts';

/** Where no time is told; GitHub asks for it after its secondary limits. */
const LEAST_WAIT_MS = 60_000;
const SEEN_OF_TEXT = 2_000;
const WORDS =
  /rate[ _-]?limit|too many (?:requests|calls)|request limit (?:exceeded|reached)|(?:quota|(?:user|daily)[ _-]?limit)[ _-]?(?:was |has been |is )?(?:exceeded|exhausted|reached)|exceeded (?:your|the|its)[^.]{0,30}(?:quota|limit)|throttl(?:ed|ing|e[ _-]?exceeded)|abuse detection|\bslow down\b|\bover[ _-](?:qps|rate|quer(?:y|ies))\b|concurrent (?:request|call|connection)s? limit/i;
/** What is full does not become empty by waiting: room, and what a plan allows of seats, users, projects. */
const FULL = /\b(?:storage|disk|mailbox|space)[ _-]?(?:quota|limit)|storageQuota/i;
const HAD =
  '(?:seat|user|member|collaborator|licen[cs]e|contact|subscriber|project|workspace|team|device|domain|plan|account|object|record|item|row|file)s?';
const OF_A_PLAN = new RegExp(
  `\\b${HAD}(?:'s?)?[ _-]?(?:quota|limit|count)|(?:limit|quota|maximum|number) of (?:your |the )?${HAD}\\b|\\b\\d[\\d,.]* ${HAD}\\b|too many ${HAD}\\b`,
  'i',
);
/** The same words beside one of these are of calls: "User rate limit exceeded". */
const OF_CALLS =
  /\brate\b|rate[ _-]?limit|\brequests\b|\brequest[ _-]?(?:limit|quota|rate)|\bcalls?\b|\bquer(?:y|ies)\b|throttl|\bslow down\b|concurrent|\b(?:daily|hourly)|\bper[ _-]?(?:second|minute|hour|day)\b|\btry again (?:in|after|later)\b/i;
/** Under 400 or 422 the same words may speak of what was asked for ("exceeded the limit of 50 rows"), and waiting would help nothing. */
const CLEAR_WORDS =
  /rate[ _-]?limit(?:ing)?[ _-]?(?:of )?(?:'?\d{1,9}'? )?(?:was |has been |is )?(?:exceeded|reached|hit)|rate[ _-]?limited|exceeded[^.]{0,30}rate limit|too[ _-]?many[ _-]?(?:requests|calls)|request limit (?:exceeded|reached)|(?<![a-z])rate[ _-]exceeded\b|\bthrottled\b|reduce your (?:request )?rate\b|\b(?:request|call|api|rate|daily|hourly|complexity|cost)s? (?:quota|budget)[ _-]?(?:was |has been |is )?(?:exceeded|exhausted|reached)|concurrent (?:access|request|call|connection)s? limit (?:was |has been |is )?(?:exceeded|reached)|limit of concurrent (?:request|call|connection)s|throttle[ _-]?exceeded|(?:exceeded|too many)[^.]{0,30}concurrent (?:request|call|connection)s|bandwidth limit exceeded/i;
/** What AWS, Azure and others call it, as `errorNames` has it. `LimitExceeded` is none: it may be the number of tables. */
const NAME =
  /^(?:(?:ec2|request)?throttl(?:ed|ing)|slowdown|toomany(?:requests|calls)|(?:user)?ratelimit(?:ed|exceeded|reached)?|request(?:limit|rate)exceeded|(?:provisioned)?throughputexceeded|bandwidthlimitexceeded|server(?:too)?busy|resourceexhausted|overquerylimit|(?:daily|hourly|request|rate|api|query|call|complexity)s?(?:quota|budget)(?:exceeded|exhausted|reached))$/;
const COUNTER = /^(?:x-)?rate-?limit-(limit|remaining|reset|reset-after)(?:-.+)?$/;

/** @returns undefined for a refusal that is none of a limit. */
export function toldLimit(answer: Answer, reason: string): Outcome | undefined {
  const { headers, text } = answer;
  const counters = Object.entries(headers).flatMap(([name, value]) => {
    const of = COUNTER.exec(name)?.[1];
    return of === undefined ? [] : [{ of, value: value.trim() }];
  });
  const has = (of: string, value: RegExp): boolean => counters.some((each) => each.of === of && value.test(each.value));
  // A plan of 0 calls is no limit that passes.
  const isSpent =
    (has('remaining', /^0+$/) && !has('limit', /^0+$/)) ||
    /(?:^|[;,\s])r(?:emaining)?=0\b/.test(headers['ratelimit'] ?? '');
  const said = text.slice(0, SEEN_OF_TEXT);
  const isSaid = WORDS.test(said) && !FULL.test(said) && (!OF_A_PLAN.test(said) || OF_CALLS.test(said));
  if (!isSpent && !saysWhen(answer) && !isSaid && !isNamedLimit(answer)) return undefined;
  // When the quota is whole again is told by its headers, which the limiter reads.
  const isTold =
    saysWhen(answer) ||
    waitInBody(answer) !== undefined ||
    (isSpent && (has('reset', /./) || has('reset-after', /./) || 'ratelimit' in headers));
  return { kind: 'limited', reason, ...(isTold ? {} : { afterMs: LEAST_WAIT_MS }) };
}

/**
 * For as long as a header says, else for a moment that grows, as under 429.
 * @returns undefined where its words say nothing of a limit.
 */
export function limitInWords(answer: Answer, reason: string): Outcome | undefined {
  const isSaid = CLEAR_WORDS.test(answer.text.slice(0, SEEN_OF_TEXT)) || isNamedLimit(answer);
  return isSaid || (answer.status < 300 && hasStatusInside(answer, 429)) ? { kind: 'limited', reason } : undefined;
}

/** `Retry-After`, or what others call it: there is a time when it takes calls again. */
export function saysWhen({ headers }: Answer): boolean {
  return toldWaitMs(Object.entries(headers), Date.now()) !== undefined;
}

/** By a code alone: words beside it may be a row's. */
export function isNamedLimit(answer: Answer): boolean {
  return errorNames(answer).some((name) => NAME.test(name));
}
