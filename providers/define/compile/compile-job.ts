/**
 * A job as it is run, and what is wrong with its definition, in words. Used by: `compile-endpoint.ts`.
 */
import type { z } from 'zod';
import type { Answer } from '../../../contracts/answers/answer.ts';
import { jsonOf } from '../../../contracts/answers/answer-json.ts';
import type { Outcome } from '../../../contracts/answers/outcome.ts';
import { hostMistake } from '../../../contracts/hosts.ts';
import type { Pagination } from '../../pagination/pagination.ts';
import { defaultOutcome } from '../../rules/default-rules.ts';
import { troubleWhenDone, troubleWhileRunning } from '../../rules/job-trouble.ts';
import type { Classify } from '../../rules/rules.ts';
import { defaultWriteOutcome, strictWriteOutcome } from '../../rules/write-rules.ts';
import type { AnyJobOptions, JobOptions } from '../job-options.ts';
import {
  asyncFunctions,
  missingFunctions,
  unknownOptions,
  wrongObject,
  type NamesOf,
} from '../../../contracts/values/option-mistakes.ts';

/** Calls of a job, as limits name them: `report.submit`. */
export type JobCall = 'submit' | 'poll' | 'lookup' | 'cancel';

type Options = JobOptions<unknown, z.ZodType, z.ZodType>;

/** How one is made is stated where it has no `known`. */
export interface Job
  extends
    Omit<Options, 'submitted' | 'submit' | 'id' | 'polled' | 'pollMs' | 'longestMs' | 'maxJobs'>,
    Required<Pick<Options, 'submit' | 'id'>> {
  readonly pollMs: { readonly first: number; readonly most: number };
  readonly longestMs: number;
  readonly maxJobs: number;
  /** @throws ZodError when the answer has another shape than the schema says. */
  readonly parseSubmitted: (json: unknown) => unknown;
  readonly parsePolled: (json: unknown) => unknown;
  readonly decide: (call: JobCall, answer: Answer) => Outcome;
  /** What speaks against the state that the definition has read. */
  readonly troubleWhileRunning: (answer: Answer) => string | undefined;
  readonly troubleWhenDone: (answer: Answer) => string | undefined;
}

const defaults = { first: 1_000, most: 60_000, longestMs: 86_400_000, maxJobs: 3 };

export function compileJob(
  options: AnyJobOptions,
  rules: { own?: Classify | undefined; provider?: Classify | undefined },
): Job {
  const { submitted, polled, pollMs, longestMs = defaults.longestMs, maxJobs = defaults.maxJobs, ...rest } = options;
  const { own, provider } = rules;
  const { first = defaults.first, most = Math.max(first, defaults.most) } = pollMs ?? {};
  const idempotent = options.whenUnknown === 'submit-again';
  return {
    // The schemas of the endpoint have typed these functions; from here on inputs are checked at run time.
    ...(rest as unknown as Job),
    pollMs: { first, most },
    longestMs,
    maxJobs,
    parseSubmitted: (json) => submitted?.parse(json),
    parsePolled: (json) => polled.parse(json),
    troubleWhileRunning,
    troubleWhenDone,
    decide: (call, answer) =>
      call === 'submit' || call === 'cancel'
        ? (own?.(answer) ??
          strictWriteOutcome(provider?.(answer), answer) ??
          defaultWriteOutcome(answer, { idempotent: idempotent && call === 'submit', isRead: true }))
        : (own?.(answer) ?? provider?.(answer) ?? (isData(answer) ? { kind: 'ok' } : defaultOutcome(answer))),
  };
}

/** A job that has failed says so with fields of an error: `state` reads them. */
function isData(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300 && !answer.error && answer.text !== '' && jsonOf(answer).ok;
}

const JOB_OPTIONS = {
  known: true,
  submitted: true,
  polled: true,
  submit: true,
  id: true,
  poll: true,
  state: true,
  cancel: true,
  isBusy: true,
  whenUnknown: true,
  pollMs: true,
  longestMs: true,
  maxJobs: true,
} satisfies NamesOf<AnyJobOptions>;

const OF_MADE = ['submitted', 'submit', 'id', 'cancel', 'isBusy', 'whenUnknown'] as const;

const EXAMPLES = { cancel: '(id) => del(path`/reports/${id}`)', isBusy: '(answer) => answer.busy' };

const POLL_MS = { first: true, most: true } satisfies NamesOf<NonNullable<AnyJobOptions['pollMs']>>;

/** What is wrong with `job` and `openHosts` of an endpoint. */
export function jobMistakes(job: AnyJobOptions | undefined, { kind, range }: Pagination): string[] {
  if (job === undefined) return [];
  const isKnown = job.known !== undefined;
  const mistakes = [
    ...missingFunctions(job, isKnown ? ['known', 'poll', 'state'] : ['submit', 'id', 'poll', 'state']),
    ...asyncFunctions(job),
    ...unknownOptions(job, JOB_OPTIONS),
    ...(isKnown ? OF_MADE.filter((name) => job[name] !== undefined) : []).map(
      (name) => `\`${name}\` is of a job that is made; with \`known\` it is there already, and is only asked for`,
    ),
  ];
  for (const name of isKnown ? (['polled'] as const) : (['submitted', 'polled'] as const))
    if (typeof (job[name] as { parse?: unknown } | undefined)?.parse !== 'function')
      mistakes.push(`\`${name}\` is missing; it must be the zod schema of an answer`);
  for (const name of ['cancel', 'isBusy'] as const)
    if (job[name] !== undefined && typeof job[name] !== 'function')
      mistakes.push(`\`${name}\` must be a function, e.g. ${EXAMPLES[name]}`);
  const { whenUnknown, pollMs, longestMs = 1, maxJobs = 1 } = job;
  const isLookup = typeof whenUnknown === 'object' && missingFunctions(whenUnknown, ['lookup', 'found']).length === 0;
  if (whenUnknown !== undefined && whenUnknown !== 'submit-again' && !isLookup)
    mistakes.push('`whenUnknown` must be "submit-again" or { lookup: (input, of) => …, found: (answer) => … }');
  const notObject = wrongObject(job, 'pollMs', '{ first: 1_000, most: 60_000 }');
  const { first = 1, most = Number.MAX_SAFE_INTEGER } = pollMs ?? {};
  if (notObject.length > 0) mistakes.push(...notObject);
  else {
    if (!([first, most].every(Number.isFinite) && first >= 1 && most >= first))
      mistakes.push(`pollMs must have 1 ≤ first ≤ most, not ${first} and ${most}`);
    mistakes.push(...unknownOptions(pollMs ?? {}, POLL_MS).map((text) => `pollMs: ${text}`));
  }
  if (!(longestMs >= 1)) mistakes.push(`longestMs is ${longestMs}; it must be 1 or more`);
  if (!(Number.isInteger(maxJobs) && maxJobs >= 1 && maxJobs <= 100))
    mistakes.push(`maxJobs is ${maxJobs}; it must be a whole number from 1 to 100`);
  if (!['single', 'cursor', 'link'].includes(kind) || range)
    mistakes.push(
      'results are read in order; `paginate` must be of kind "single", "cursor" or "link", without `range`',
    );
  return mistakes.map((text) => `job: ${text}`);
}

export function openHostMistakes(hosts: readonly string[] | undefined): string[] {
  if (hosts === undefined) return [];
  if (!Array.isArray(hosts) || hosts.length === 0)
    return ['openHosts must name hosts that are asked without credentials, e.g. ["*.s3.example"]'];
  return (hosts as readonly string[]).map(hostMistake).filter((mistake) => mistake !== undefined);
}
