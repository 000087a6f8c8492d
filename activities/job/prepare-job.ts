/**
 * The job that a list is the result of: made once, asked for until it is done. What is known of it stands in the unit's
 * row before each step. That is `sending` before the first byte of its request, and its id before the first question. A
 * question that is answered with "not yet" is a wait, and no attempt: the row says until when, and nothing is held
 * meanwhile.
 * Used by: `activities/sync/fetch-page.ts`. Next: `job-call.ts`; `db/stores/sync/job-store.ts`.
 */
import { randomUUID } from 'node:crypto';
import type { JobResult, JobTold, UnitJob } from '../../contracts/job.ts';
import type { PageFact } from '../../contracts/messages.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import { duration } from '../../contracts/values/duration.ts';
import type { Job } from '../../providers/define/compile/compile-job.ts';
import { mayBeBehind } from '../../providers/pagination/told/look-up-told.ts';
import type { SendGate } from '../call/with-permit.ts';
import { parseBody } from '../bodies/parse-body.ts';
import { again, end, notNow } from '../sync/apply-decision.ts';
import type { Attempt } from '../sync/attempt.ts';
import { userCode } from '../sync/user-code.ts';
import { idOf, stateIn, toldWait } from './job-answers.ts';
import { callOfJob } from './job-call.ts';
import { leaveJob } from './leave-job.ts';
import { inKnownOrder, namesOf } from './result-order.ts';
import {
  cameLate,
  costsAttempt,
  decided,
  hasFailed,
  isGood,
  makeAnew,
  move,
  moveAndWait,
  notSent,
} from './move-job.ts';

/** The list may be read, or what its workflow hears instead. */
export type Prepared = { readonly results: readonly JobResult[]; readonly told: JobTold } | { readonly fact: PageFact };

/** A job that is held up by another one is asked for again after this, in milliseconds, where the answer does not say when. */
const BUSY_MS = 30_000;
/** No wait that an answer tells is believed beyond this, in milliseconds. */
const LONGEST_WAIT_MS = 86_400_000;
const POLL_GROWTH = 1.5;
/** A job that nobody has seen yet may be unknown to another machine of the third party for so long, in milliseconds. */
const NOT_THERE_YET_MS = 15_000;
const GIVEN_UP = 'it was given up';
const NOT_MADE = 'it was not made';

/** What an attempt at a job works with. */
interface Work {
  readonly attempt: Attempt;
  readonly job: Job;
  readonly signal: AbortSignal | undefined;
}

type Known<State extends UnitJob['state']> = Extract<UnitJob, { state: State }>;

/** @throws ApplicationFailure as `fetchPage` does, and UserCodeError. */
export async function prepareJob(attempt: Attempt, job: Job, signal: AbortSignal | undefined): Promise<Prepared> {
  const { job: known } = attempt.unit;
  if (known?.state === 'done' && known.parts === null) return { results: [{ id: known.id, result: '' }], told: known };
  // A job is made and asked for by durable calls: the loss of a workflow task would repeat it.
  if (attempt.request.mode === 'now') return { fact: notNow(attempt, 'its job is made by a call of its own', 0) };
  const work = { attempt, job, signal };
  switch (known?.state) {
    case undefined:
    case 'none': {
      const next = known?.state === 'none' ? known : { n: 1, key: randomUUID() };
      return job.known ? pollKnown(work, job.known, next) : { fact: await submit(work, next) };
    }
    case 'sending':
      return { fact: await resolve(work, known) };
    case 'left':
      // A worker was lost behind that: it is not cancelled twice.
      return { fact: await makeAnew(attempt, job, GIVEN_UP, 0) };
    case 'made':
    case 'done':
      return poll(work, known);
  }
}

/** It is there already: it is asked for at once. */
async function pollKnown(
  work: Work,
  idFor: NonNullable<Job['known']>,
  { n, key }: Pick<UnitJob, 'n' | 'key'>,
): Promise<Prepared> {
  const { attempt } = work;
  const { unit, input, of } = attempt;
  const id = userCode('`job.known`', () => idOf(idFor(input, of)));
  if (id === undefined) return { fact: await end(attempt, unit.pages, 'failed', '`job.known` gives no id', 0) };
  const now = { state: 'made', n, key, id, polls: 0 } as const;
  const known = await move(attempt, { was: unit.job, now, calls: 0, delayMs: null });
  if (known?.state !== 'made') return { fact: cameLate(attempt) };
  return poll({ ...work, attempt: { ...attempt, unit: { ...unit, job: known } } }, known);
}

async function submit({ attempt, job, signal }: Work, { n, key }: Pick<UnitJob, 'n' | 'key'>): Promise<PageFact> {
  const { input, of, unit } = attempt;
  const was = unit.job;
  let sending: UnitJob | undefined;
  const gate: SendGate = {
    open: async () => {
      sending = await move(attempt, { was, now: { state: 'sending', n, key }, calls: 0, delayMs: null });
      return sending !== undefined;
    },
    close: async () => {
      if (sending)
        await move(attempt, { was: sending, now: was ?? { state: 'none', n, key }, calls: 0, delayMs: null });
    },
  };
  const call = await callOfJob(attempt, {
    kind: 'submit',
    job,
    spec: () => job.submit(input, { ...of, key }),
    gate,
    signal,
  });
  if (!call.sent) return notSent(attempt, call);
  const sent = sending as UnitJob;
  const { outcome, answer, url } = call.value;
  const lost = (reason: string): Promise<PageFact> =>
    again(
      attempt,
      unit.pages,
      unit.attempts,
      { do: 'again', costs: 'attempt', reason: `it may have been made: ${reason}` },
      1,
    );
  const refused = async (): Promise<PageFact> => {
    const now = { state: 'none', n, key } as const;
    const set = await move(attempt, { was: sent, now, calls: 0, delayMs: null });
    return set ? decided(attempt, call) : cameLate(attempt);
  };
  if (outcome.kind === 'unknown-write') return lost(outcome.reason);
  if (!isGood(outcome)) return refused();
  const body = parseBody({ name: `${attempt.node.endpoint.name}.submit`, parseResponse: job.parseSubmitted }, answer);
  if (!body.ok) return lost(body.reason);
  const facts = { headers: answer.headers, url, input };
  const isBusy = userCode('`job.isBusy`', () => job.isBusy?.(body.value, facts) ?? false, 1);
  if (isBusy) {
    const delayMs = toldWait(answer.headers) ?? BUSY_MS;
    return moveAndWait(
      attempt,
      { was: sent, now: { state: 'none', n, key }, calls: 1, delayMs },
      'another job must end first',
    );
  }
  const id = userCode('`job.id`', () => idOf(job.id(body.value, facts)), 1);
  if (id === undefined) return lost('its answer has no id');
  return made(attempt, job, { was: sent, n, key, id }, 1);
}

/** A worker or an answer was lost while the job was being made. No other one is made while it may still be on its way. */
async function resolve(work: Work, known: Known<'sending'>): Promise<PageFact> {
  const { attempt, job, signal } = work;
  const { unit, node, input, of } = attempt;
  const { n, key } = known;
  // Where a second one does no harm, nothing has to be waited for.
  if (job.whenUnknown === 'submit-again') return submit(work, known);
  const leftMs = node.endpoint.totalTimeoutMs - (unit.jobAgeMs ?? 0);
  if (leftMs > 0)
    return notNow(attempt, 'its job was being made when its worker was lost; that may still be on its way', leftMs);
  if (job.whenUnknown === undefined) {
    const what = unit.error ?? 'a worker was lost while it was sent';
    const how = 'retryFailed() makes another one; `job.whenUnknown` of the endpoint could say how to find out';
    return end(attempt, unit.pages, 'failed', `it is not known whether its job was made (${what}); ${how}`, 0);
  }
  const { lookup, found, guards } = job.whenUnknown;
  const facts = { ...of, key };
  const spec = userCode('`job.whenUnknown.lookup`', () => lookup(input, facts));
  const call = await callOfJob(attempt, { kind: 'lookup', job, spec: () => spec, signal });
  if (!call.sent) return notSent(attempt, call);
  const { outcome, answer } = call.value;
  const isGone = outcome.kind === 'permanent' && outcome.cause === 'gone';
  if (!isGood(outcome) && !isGone) return decided(attempt, call);
  const notMade = { was: known, now: { state: 'none', n, key }, calls: 1, delayMs: null } as const;
  if (isGone) return moveAndWait(attempt, notMade, NOT_MADE);
  const body = parseBody({ name: `${node.endpoint.name}.lookup`, parseResponse: (json) => json }, answer);
  if (!body.ok) return costsAttempt(attempt, body.reason);
  const id = userCode('`job.whenUnknown.found`', () => idOf(found(body.value, input, facts)), 1);
  if (id !== undefined) return made(attempt, job, { was: known, n, key, id }, 1);
  if (outcome.kind === 'flawed') return costsAttempt(attempt, `its look-up: ${outcome.reason}`);
  const why = mayBeBehind({ spec, answer, body: body.json, guards });
  if (why !== undefined)
    return end(attempt, unit.pages, 'failed', `it is not known whether its job was made: ${why}`, 1);
  return moveAndWait(attempt, notMade, NOT_MADE);
}

async function poll({ attempt, job, signal }: Work, known: Known<'made' | 'done'>): Promise<Prepared> {
  const { input, of, unit, node } = attempt;
  const { id, n, key, at } = known;
  const call = await callOfJob(attempt, { kind: 'poll', job, spec: () => job.poll(id, input, of), signal });
  if (!call.sent) return { fact: await notSent(attempt, call) };
  const { outcome, answer, url } = call.value;
  const isGone = !job.known && outcome.kind === 'permanent' && outcome.cause === 'gone';
  const age = unit.jobAgeMs ?? 0;
  if (isGone && answer.status === 404 && known.state === 'made' && known.polls === 0 && age < NOT_THERE_YET_MS) {
    const delayMs = Math.min(job.pollMs.most, Math.max(job.pollMs.first, age));
    const why = `its job ${id} is not there yet: ${outcome.reason}`;
    return { fact: await moveAndWait(attempt, { was: known, now: known, calls: 1, delayMs }, why) };
  }
  if (isGone) return { fact: await makeAnew(attempt, job, `it is not known any more: ${outcome.reason}`, 1) };
  if (!isGood(outcome)) return { fact: await decided(attempt, call) };
  const body = parseBody({ name: `${node.endpoint.name}.poll`, parseResponse: job.parsePolled }, answer);
  if (!body.ok) return { fact: await costsAttempt(attempt, body.reason) };
  const state = userCode(
    '`job.state`',
    () => stateIn(job.state(body.value, { headers: answer.headers, url, input })),
    1,
  );
  switch (state.state) {
    case 'failed':
    case 'expired':
      return { fact: await hasFailed(attempt, job, state.reason ?? `the third party says that it has ${state.state}`) };
    case 'running': {
      const trouble = job.troubleWhileRunning(answer);
      if (trouble !== undefined) return { fact: await costsAttempt(attempt, `its job ${id}: ${trouble}`) };
      if ((unit.jobAgeMs ?? 0) > job.longestMs && known.state === 'made')
        return { fact: await giveUp({ attempt, job, signal }, known) };
      const polls = known.state === 'made' ? known.polls : 0;
      const { first, most } = job.pollMs;
      const told = state.askAgainMs ?? toldWait(answer.headers);
      const delayMs = Math.min(told ?? Math.min(most, first * POLL_GROWTH ** Math.min(polls, 50)), LONGEST_WAIT_MS);
      const now = { state: 'made', n, key, id, at, polls: polls + 1 } as const;
      return {
        fact: await moveAndWait(attempt, { was: known, now, calls: 1, delayMs }, `its job ${id} is being worked on`),
      };
    }
    case 'done': {
      const { rows } = state;
      const before = known.state === 'done' ? known : undefined;
      if ((state.results?.length ?? 0) < (before?.parts ?? 0))
        return { fact: await makeAnew(attempt, job, 'it has fewer results than before', 1) };
      const results = state.results && inKnownOrder(state.results, before?.names);
      if (state.results && !results)
        return { fact: await makeAnew(attempt, job, 'it has other results than before', 1) };
      const names = results && namesOf(results);
      const flaw = job.troubleWhenDone(answer);
      const told = {
        ...(typeof rows === 'number' ? { rows } : {}),
        ...(flaw === undefined ? {} : { flaw: cleanText(flaw, 500) }),
      };
      const now = {
        state: 'done',
        n,
        key,
        id,
        at,
        parts: results?.length ?? null,
        ...(names ? { names } : {}),
        ...told,
      } as const;
      const stored = await move(attempt, { was: known, now, calls: 1, delayMs: null });
      if (!stored) return { fact: cameLate(attempt) };
      return { results: results?.map((result) => ({ id, result })) ?? [{ id, result: '' }], told };
    }
  }
}

/** It takes too long: it is cancelled, where that can be said, and another one is made. */
async function giveUp({ attempt, job, signal }: Work, known: Known<'made'>): Promise<PageFact> {
  const reason = `it was not done after ${duration(job.longestMs)}`;
  if (!job.cancel) return hasFailed(attempt, job, reason);
  const asked = { ...known, polls: known.polls + 1 };
  const was = await move(attempt, { was: known, now: asked, calls: 1, delayMs: null });
  if (was?.state !== 'made') return cameLate(attempt);
  const left = await leaveJob(attempt, job, was, signal);
  if (left.state === 'later')
    return moveAndWait(attempt, { was, now: was, calls: 0, delayMs: left.afterMs }, `its job is cancelled: ${reason}`);
  return makeAnew({ ...attempt, unit: { ...attempt.unit, job: left.job } }, job, reason, 1);
}

/** The id is stored before the first question. */
async function made(
  attempt: Attempt,
  { pollMs }: Job,
  { was, n, key, id }: Pick<UnitJob, 'n' | 'key'> & { readonly was: UnitJob; readonly id: string },
  calls: 0 | 1,
): Promise<PageFact> {
  const now = { state: 'made', n, key, id, polls: 0 } as const;
  return moveAndWait(attempt, { was, now, calls, delayMs: pollMs.first }, `its job ${id} is being worked on`);
}
