/**
 * A list that has to be ordered before it can be read. A job is made, asked for until it is done, and its results are
 * read like any other list. One that is there already is only asked for. Somebody else has ordered it, or where its
 * content lies is told by a call of its own.
 * Next: `compile/compile-job.ts`; `activities/job/` runs it.
 */
import type { z } from 'zod';
import type { AccountFacts } from '../../contracts/account.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import type { AnswerFacts, Guards } from '../pagination/options.ts';

/** What is known when a job is made. */
export interface JobFacts<Settings = unknown> extends AccountFacts<Settings> {
  /** Names this job: the same over retries, kills and restarts. Send it where the third party takes an idempotency key. A UUID. */
  readonly key: string;
}

/** How a job stands, as an answer tells it. */
export type JobState =
  /** `askAgainMs`: when the third party wants to be asked again, in milliseconds. Default: its `Retry-After`, else by `pollMs`. */
  | { readonly state: 'running'; readonly askAgainMs?: number | undefined }
  /**
   * `results`: addresses or names of its parts, which `request` gets one by one as `page.job.result`; an empty list: there are no rows.
   * Default: one part, read by the id of the job alone. `rows`: how many there are, where the third party says so: a list that brings
   * fewer ends as `truncated`.
   */
  | {
      readonly state: 'done';
      readonly results?: readonly string[] | undefined;
      readonly rows?: number | null | undefined;
    }
  /** It is made anew, up to `maxJobs`. */
  | { readonly state: 'failed' | 'expired'; readonly reason?: string | undefined };

type Id = string | number | null | undefined;

export interface JobOptions<Input, Submitted extends z.ZodType, Polled extends z.ZodType, Settings = unknown> {
  /**
   * The id of a job that is there already, in the place of `submit`, `submitted` and `id`. It is asked for at once, and
   * never made. For exports that somebody else orders, and for files whose address is told by a call of its own.
   */
  readonly known?: (input: Input, of: AccountFacts<Settings>) => Id;
  /** The answer to `submit`. */
  readonly submitted?: Submitted;
  /** The answer to `poll`. */
  readonly polled: Polled;
  /** Makes the job. */
  readonly submit?: (input: Input, of: JobFacts<Settings>) => RequestSpec;
  /** The id of the job that was made. */
  readonly id?: (answer: z.output<Submitted>, facts: AnswerFacts<Input>) => Id;
  /** Asks how the job stands. */
  readonly poll: (id: string, input: Input, of: AccountFacts<Settings>) => RequestSpec;
  readonly state: (answer: z.output<Polled>, facts: AnswerFacts<Input>) => JobState;
  /**
   * Ends a job that nobody wants any more: its run was cancelled or ended without it, or it was not done after `longestMs`. Sent once at most,
   * also after a crash, within seconds. Default: such a job is left to the third party.
   */
  readonly cancel?: (id: string, input: Input, of: AccountFacts<Settings>) => RequestSpec;
  /** The answer to `submit` says that another job must end first: asked again later, which costs no attempt. */
  readonly isBusy?: (answer: z.output<Submitted>, facts: AnswerFacts<Input>) => boolean;
  /**
   * When a worker or an answer was lost while a job was being made. `submit-again`: the third party makes no second one for the same
   * `key`, or a second one does no harm. A look-up: is there one with this `key` (or the newest)? Default: the list fails and says so.
   */
  readonly whenUnknown?:
    | 'submit-again'
    | {
        readonly lookup: (input: Input, of: JobFacts<Settings>) => RequestSpec;
        /** From the body of the look-up; undefined: there is none, so it is made. Not believed of an answer that has more pages, or came full. */
        readonly found: (answer: unknown, input: Input, of: JobFacts<Settings>) => Id;
        /** `{ 'more-told': false }`: the page that is read surely has it, e.g. of a list whose newest come first. */
        readonly guards?: Partial<Pick<Guards, 'more-told'>>;
      };
  /** Milliseconds between two questions: `first`, then half more each time, up to `most`. Default 1,000 and 60,000. */
  readonly pollMs?: { readonly first?: number; readonly most?: number };
  /** A job that is not done after so long has failed, in milliseconds. Default 24 hours. */
  readonly longestMs?: number;
  /** Jobs that are made for one list before it fails, ≥ 1. Default 3. */
  readonly maxJobs?: number;
}

export type AnyJobOptions = JobOptions<never, z.ZodType, z.ZodType, never>;
