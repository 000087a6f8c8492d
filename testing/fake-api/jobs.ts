/**
 * Jobs: POST makes one, GET tells how it stands, DELETE cancels it, and its results are where it says. Every job is kept, so that a test sees what was made
 * twice. Used by: `fake-api.ts`. A failure behind the commit is scripted: `api.script('POST /reports', ['reset-after'])`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FakeCall } from './call.ts';
import type { Route } from './routes.ts';

/** One job at the third party. */
export interface FakeJob {
  readonly id: string;
  /** Of its header `idempotency-key`, or the field `key` of its body. */
  readonly key: string | undefined;
  /** The body as it was sent. */
  readonly body: unknown;
  /** 1 for the first job of this server. */
  readonly number: number;
  /** Times that it was asked for. */
  polls: number;
  /** Times that it was cancelled; once it ends as failed. */
  cancels: number;
}

export interface JobServerOptions {
  /** Times that a job says `running` before it is done. Default 1. */
  readonly polls?: number;
  /** `Retry-After` of each such answer, in seconds. Default none. */
  readonly askAgainSeconds?: number;
  /** How a job ends. Default `done`. */
  readonly ends?: (job: FakeJob) => 'done' | 'failed' | 'expired' | 'gone';
  /** Where its results are. Default none are told. */
  readonly results?: (job: FakeJob) => readonly string[];
  /** A second job with the key of another one is that one. Default false. */
  readonly honoursKeys?: boolean;
  /** Jobs that may be under way at once; more are answered with `{ busy: true }`. Default any number. */
  readonly most?: number;
  /** Time between the commit and the answer, in milliseconds. Default 0. */
  readonly answerAfterMs?: number;
}

export interface JobServer {
  /** All jobs that were made, in order. */
  made(): readonly FakeJob[];
}

/** Answers are `{ id, status, results?, error? }`; a look-up by `GET pattern?key=` is `{ jobs: [{ id, key }] }`. */
export function createJobs(pattern: string, options: JobServerOptions): { routes: Route[]; handle: JobServer } {
  const { polls = 1, ends = () => 'done', askAgainSeconds, results } = options;
  const jobs: FakeJob[] = [];
  const isDone = (job: FakeJob): boolean => job.polls > polls || job.cancels > 0;
  const make = async (call: FakeCall) => {
    const body = call.body as { key?: string } | undefined;
    const header = call.headers['idempotency-key'];
    const key = typeof header === 'string' ? header : body?.key;
    const known = options.honoursKeys ? jobs.find((job) => job.key !== undefined && job.key === key) : undefined;
    if (!known && jobs.filter((job) => !isDone(job)).length >= (options.most ?? Number.POSITIVE_INFINITY))
      return { status: 200, body: { busy: true } };
    const number = jobs.length + 1;
    const job = known ?? { id: `job-${number}`, key, body, number, polls: 0, cancels: 0 };
    if (!known) jobs.push(job);
    await delay(options.answerAfterMs ?? 0, undefined, { ref: false });
    return { status: 202, body: { id: job.id, status: 'running' } };
  };
  const poll = (id: string | undefined) => {
    const job = jobs.find((each) => each.id === id);
    if (!job) return { status: 404, body: { error: 'no_such_job' } };
    job.polls++;
    if (!isDone(job))
      return {
        ...(askAgainSeconds === undefined ? {} : { headers: { 'retry-after': String(askAgainSeconds) } }),
        body: { id: job.id, status: 'running' },
      };
    const status = job.cancels > 0 ? 'failed' : ends(job);
    if (status === 'gone') return { status: 404, body: { error: 'no_such_job' } };
    if (status !== 'done') return { body: { id: job.id, status, error: `it has ${status}` } };
    return { body: { id: job.id, status, ...(results ? { results: results(job) } : {}) } };
  };
  const cancel = (id: string | undefined) => {
    const job = jobs.find((each) => each.id === id);
    if (!job) return { status: 404, body: { error: 'no_such_job' } };
    job.cancels++;
    return { status: 204 };
  };
  const lookUp = ({ query }: FakeCall) => {
    const found = jobs.filter(({ key }) => key === query.get('key'));
    return { body: { jobs: found.map(({ id, key }) => ({ id, key })) } };
  };
  return {
    routes: [
      { method: 'POST', pattern, answer: make },
      { method: 'GET', pattern, answer: lookUp },
      { method: 'DELETE', pattern: `${pattern}/:id`, answer: (_, params) => cancel(params['id']) },
      { method: 'GET', pattern: `${pattern}/:id`, answer: (_, params) => poll(params['id']) },
    ],
    handle: { made: () => [...jobs] },
  };
}
