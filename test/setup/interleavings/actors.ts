/**
 * Those who meet at one list: two workers, an attempt that was given up and still runs, and what ends or holds the run. Each is a value,
 * and takes one statement of the storage core at a time, so that a test can put them in any order. Used by `every-order.ts` and
 * `random-orders.ts`.
 */
import {
  commitPage,
  deferUnit,
  endUnit,
  finishNode,
  finishRun,
  loadUnit,
  newChange,
  nextUnits,
  setRunState,
  type PageToCommit,
  type Pool,
} from '../../../db/index.ts';
import { storePlainPages } from '../../../db/stores/sync/insert-only-pages.ts';
import { endOpenUnits } from '../../../db/stores/run/run-ending-store.ts';
import { pageToCommit } from '../page-to-commit.ts';
import { NODE, RESOURCE, type Place } from './one-list.ts';

export const PAGES = 3;
export const ROWS_OF_A_PAGE = 2;
/** Longer than any test: it passes when the test says so. */
const DELAY_MS = 3_600_000;

export type Actor = Worker | LateAttempt | Canceller | Deadline | Pauser;

/** Walks the list as a workflow and its calls do. */
export interface Worker {
  readonly who: 'worker';
  /** Stores plain pages by the statement for them, and makes its next call by what it remembers. */
  readonly isFast: boolean;
  readonly at: 'take' | 'look' | 'recall' | 'store' | 'store-alone' | 'end' | 'done';
  /** Of the page in hand: those before it. */
  readonly pages: number;
}

/** An activity that was timed out and is repeated, while it still waits for its answer. */
export interface LateAttempt {
  readonly who: 'late attempt';
  readonly at: 'look' | 'answer' | 'done';
  readonly pages: number;
}

/** The client marks the run, the workflow ends it. */
export interface Canceller {
  readonly who: 'canceller';
  readonly at: 'mark' | 'end-run' | 'done';
}

export interface Deadline {
  readonly who: 'deadline';
  readonly at: 'end-units' | 'end' | 'done';
}

export interface Pauser {
  readonly who: 'pauser';
  readonly at: 'pause' | 'resume' | 'done';
}

/** It takes the list up. */
export const fastWorker: Worker = { who: 'worker', isFast: true, at: 'take', pages: 0 };
/** It has had the list in hand from before. */
export const slowWorker: Worker = { who: 'worker', isFast: false, at: 'look', pages: 0 };
export const lateAttempt: LateAttempt = { who: 'late attempt', at: 'look', pages: 0 };
export const canceller: Canceller = { who: 'canceller', at: 'mark' };
export const deadline: Deadline = { who: 'deadline', at: 'end-units' };
export const pauser: Pauser = { who: 'pauser', at: 'pause' };

export interface Moved {
  readonly actor: Actor;
  /** A call to the third party has begun: because the database allowed it, or by what was remembered. */
  readonly call?: 'allowed' | 'remembered';
  /** How many calls have been told to the database. */
  readonly told?: number;
  /** A page was stored. */
  readonly hasStored?: true;
}

/** What the third party may answer a late attempt. */
export const ANSWERS = ['page', 'failure', 'not-found'] as const;
export type Answer = (typeof ANSWERS)[number];

/** Steps that differ by how the third party answers; one for all others. */
export function answersOf(actor: Actor): readonly Answer[] {
  return actor.who === 'late attempt' && actor.at === 'answer' ? ANSWERS : ['page'];
}

/** It changes nothing in the database. */
export function isReading({ at }: Actor): boolean {
  return at === 'look' || at === 'recall';
}

/** Its next step is one statement, whose transaction may stay open for a while. */
export function isHoldable(actor: Actor): boolean {
  return !isReading(actor) && actor.at !== 'end';
}

/** Where an actor is whose step was done, while the answer to it was lost: it takes it once more, plain pages by the statement for all. */
export function afterLostAnswer(actor: Actor): Actor {
  return actor.who === 'worker' && actor.at === 'store' ? { ...actor, at: 'store-alone' } : actor;
}

/** Takes the actor's next step. @param change its number; the same one where the step is taken once more. */
export function move(db: Pool, place: Place, actor: Actor, answer: Answer, change = newChange()): Promise<Moved> {
  switch (actor.who) {
    case 'worker':
      return moveWorker(db, place, actor, change);
    case 'late attempt':
      return moveAttempt(db, place, actor, answer, change);
    case 'canceller':
      return moveCanceller(db, place, actor);
    case 'deadline':
      return moveDeadline(db, place, actor);
    case 'pauser':
      return movePauser(db, place, actor);
  }
}

async function moveWorker(db: Pool, place: Place, actor: Worker, change: number): Promise<Moved> {
  const to = (at: Worker['at'], pages = actor.pages): Worker => ({ ...actor, at, pages });
  switch (actor.at) {
    case 'take': {
      const units = await nextUnits(db, place.run, [{ node: NODE, inHand: [], room: 1 }]);
      return { actor: to(units.length > 0 ? 'look' : 'end') };
    }
    case 'look': {
      const found = await look(db, place);
      if (found === 'over') return { actor: to('done') };
      if (found === 'ended') return { actor: to('end') };
      if (found === 'held') return { actor };
      return { actor: to('store', found), call: 'allowed' };
    }
    case 'recall':
      return { actor: to('store'), call: 'remembered' };
    case 'store': {
      if (!actor.isFast || actor.pages === PAGES - 1) return storeAlone(db, place, actor, change);
      const [stored] = await storePlainPages(db, [pageAfter(place, actor.pages, change)]);
      if (!stored) return { actor: to('store-alone') };
      const next = stored.isRunning ? to('recall', actor.pages + 1) : to('look');
      return { actor: next, told: 1, hasStored: true };
    }
    case 'store-alone':
      return storeAlone(db, place, actor, change);
    case 'end':
      await end(db, place);
      return { actor: to('done') };
    case 'done':
      return { actor };
  }
}

async function storeAlone(db: Pool, place: Place, actor: Worker, change: number): Promise<Moved> {
  const stored = await commitPage(db, pageAfter(place, actor.pages, change));
  const next: Worker = { ...actor, at: stored.stale || !stored.ended ? 'look' : 'end' };
  return { actor: next, told: 1, ...(stored.stale ? {} : { hasStored: true }) };
}

async function moveAttempt(db: Pool, place: Place, actor: LateAttempt, answer: Answer, change: number): Promise<Moved> {
  if (actor.at === 'look') {
    const found = await look(db, place);
    if (typeof found !== 'number') return { actor: { ...actor, at: 'done' } };
    return { actor: { ...actor, at: 'answer', pages: found }, call: 'allowed' };
  }
  const done: LateAttempt = { ...actor, at: 'done' };
  const fence = { unit: place.unit, run: place.run, node: NODE, pages: actor.pages, change };
  if (answer === 'failure') {
    await deferUnit(db, fence, { costs: 'attempt', calls: 1, delayMs: DELAY_MS, why: 'status 500' });
    return { actor: done, told: 1 };
  }
  if (answer === 'not-found') {
    await endUnit(db, fence, 'failed', 'status 404', 1);
    return { actor: done, told: 1 };
  }
  const stored = await commitPage(db, pageAfter(place, actor.pages, change));
  return { actor: done, told: 1, ...(stored.stale ? {} : { hasStored: true }) };
}

async function moveCanceller(db: Pool, place: Place, actor: Canceller): Promise<Moved> {
  if (actor.at === 'mark') {
    await setRunState(db, place.run, 'paused');
    return { actor: { ...actor, at: 'end-run' } };
  }
  await finishRun(db, place.run, { cancelled: true });
  return { actor: { ...actor, at: 'done' } };
}

async function moveDeadline(db: Pool, place: Place, actor: Deadline): Promise<Moved> {
  if (actor.at === 'end-units') {
    await endOpenUnits(db, place.run, 'its deadline has passed');
    return { actor: { ...actor, at: 'end' } };
  }
  await end(db, place);
  return { actor: { ...actor, at: 'done' } };
}

/** Two transactions, as at the end of a walk. */
async function end(db: Pool, { run }: Place): Promise<void> {
  await finishNode(db, run, NODE, 0);
  await finishRun(db, run, {});
}

async function movePauser(db: Pool, place: Place, actor: Pauser): Promise<Moved> {
  await setRunState(db, place.run, actor.at === 'pause' ? 'paused' : 'running');
  return { actor: { ...actor, at: actor.at === 'pause' ? 'resume' : 'done' } };
}

/** What the database says before a call: pages so far when it may be made. */
async function look(db: Pool, { run, unit }: Place): Promise<number | 'over' | 'ended' | 'held'> {
  const names = { parentResource: null, resource: RESOURCE, endpoint: 'items' };
  const found = await loadUnit(db, { unit, run, node: NODE }, names);
  if (!found) return 'over';
  if (found.runState === 'paused' || found.retryInMs > 0) return 'held';
  if (found.runState !== 'running') return 'over';
  return found.state === 'running' || found.state === 'waiting' ? found.pages : 'ended';
}

export const keyOf = (page: number, row: number): string => `${page}-${row}`;

/** What the third party has behind so many pages. */
function pageAfter({ run, unit, account }: Place, pages: number, change: number): PageToCommit {
  const records = Array.from({ length: ROWS_OF_A_PAGE }, (_, row) => [keyOf(pages, row), { row }] as const);
  const isLast = pages === PAGES - 1;
  return pageToCommit(
    { unit, run, node: NODE, account, resource: RESOURCE },
    {
      pages,
      change,
      records,
      position: { cursor: String(pages + 1) },
      mayHaveLanes: false,
      expectsNew: true,
      end: isLast ? { kind: 'complete' } : null,
    },
  );
}
