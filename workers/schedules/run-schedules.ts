/**
 * Starts the runs of accounts that are due. Any worker of the task queue claims some hundred at a time, starts each as the app would,
 * and gives it its next time. Next: `start-fleets.ts`, `client/sync/start-due.ts`; `db/stores/schedule/due-store.ts` has the table.
 */
import type { Log } from '../../activities/index.ts';
import { placeAllAccounts } from '../../client/schedules/place-accounts.ts';
import { standingOfStart, startDue } from '../../client/sync/start-due.ts';
import type { StartOptions } from '../../client/sync/start-sync.ts';
import type { ClientParts } from '../../client/start-workflow.ts';
import { claimDue, releaseDue, settleDue, type DueAccount, type SettledDue } from '../../db/index.ts';
import type { Sync } from '../../providers/index.ts';
import { every } from '../loops/interval.ts';
import { askedOf, settledAs, type Scheduled } from './asked-of-due.ts';
import { startFleets } from './start-fleets.ts';

const INTERVAL_MS = 2_000;
/** Accounts come and go; nobody waits for it. */
const PLACE_INTERVAL_MS = 10_000;
/** Of each schedule, in one statement. */
const ROOM = 300;
/** Starts at once: more would not be faster at the server. */
const AT_ONCE = 16;
/** A worker that was killed is replaced after this long. */
const LEASE_MS = 60_000;
/** Later than this after the claim nothing is begun: another worker may have taken over by the time it is through. */
const BEGIN_WITHIN_MS = 20_000;
/** Until it is looked again whether a run in the way has ended. */
const AGAIN_MS = 30_000;
/** The same for one that was cancelled: its end is near. */
const ENDING_AGAIN_MS = 5_000;

export interface SchedulerOptions {
  /** In milliseconds, as all of these. */
  readonly leaseMs?: number;
  readonly intervalMs?: number;
  readonly placeIntervalMs?: number;
}

/** @returns a function that ends it. */
export function startScheduling(
  parts: ClientParts,
  syncs: readonly Sync[],
  log: Log,
  { leaseMs = LEASE_MS, intervalMs = INTERVAL_MS, placeIntervalMs = PLACE_INTERVAL_MS }: SchedulerOptions = {},
): () => Promise<void> {
  const { pool, taskQueue } = parts;
  const known = new Map<string, Scheduled>(
    syncs.flatMap((sync) => sync.definition.schedules.map((each) => [each.id, { ...each, sync }] as const)),
  );
  if (known.size === 0) return () => Promise.resolve();
  const schedules = [...known.keys()];
  const stopPlacing = every(placeIntervalMs, 'giving new accounts their times', log, async () => {
    await placeAllAccounts(pool, taskQueue, false);
    return false;
  });
  const stopStarting = every(intervalMs, 'starting what is due', log, async () => {
    const due = await claimDue(pool, { schedules, taskQueue, room: ROOM, leaseMs });
    const until = performance.now() + Math.min(BEGIN_WITHIN_MS, leaseMs / 3);
    const inFleets = await startFleets(parts, known, due);
    const waiting = due.filter((each) => !inFleets.has(each));
    const failures: unknown[] = [];
    let isAnswered = false;
    const work = async (): Promise<void> => {
      // A server that is away is away for all of them.
      const isUseful = (): boolean => performance.now() < until && (isAnswered || failures.length < AT_ONCE);
      while (waiting.length > 0 && isUseful()) {
        const next = waiting.shift() as DueAccount;
        try {
          await carryOut(parts, known.get(next.schedule) as Scheduled, next, log);
          isAnswered = true;
        } catch (error) {
          // It keeps its lease and its id: what got through is found when it is taken up again.
          failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await releaseDue(pool, waiting);
    if (failures.length > 0)
      throw new Error(`${failures.length} of ${due.length} starts failed`, { cause: failures[0] });
    return due.length >= ROOM && waiting.length === 0;
  });
  return async () => {
    await Promise.all([stopPlacing(), stopStarting()]);
  };
}

/** @throws Error when a server is away. */
async function carryOut(parts: ClientParts, scheduled: Scheduled, due: DueAccount, log: Log): Promise<void> {
  const { schedule, account } = due;
  const settled = await startOne(parts, scheduled, due);
  if (!settled) return releaseDue(parts.pool, [{ ...due, mayBeStarted: false }]);
  await settleDue(parts.pool, [settled]);
  if (settled.outcome === 'failed')
    log.error({ schedule, account, error: settled.error }, 'a scheduled run could not be started');
}

/** @returns undefined when it is to be started by another id. @throws Error when a server is away. */
async function startOne(parts: ClientParts, scheduled: Scheduled, due: DueAccount): Promise<SettledDue | undefined> {
  const { account, startId, nowMs } = due;
  const { sync, spec } = scheduled;
  const settled = settledAs(scheduled, due);
  const before = due.mayBeStarted
    ? await standingOfStart(parts, { sync: sync.definition.name, account, startId })
    : 'not';
  if (before === 'over') return undefined;
  if (before === 'started') return { ...settled, outcome: 'started' };
  const asked = askedOf(scheduled, due);
  if ('outcome' in asked) return asked;
  const options: StartOptions<unknown> = {
    account,
    ...asked,
    mode: spec.mode,
    priority: spec.priority,
    ...(spec.overlap === 'join' ? {} : { ifRunning: 'refuse' }),
  };
  try {
    const outcome = await startDue(parts, sync, options, startId);
    if (outcome === 'ending') return { ...settled, nextMs: nowMs + ENDING_AGAIN_MS, isCatchUp: true, outcome: 'busy' };
    if (outcome !== 'busy') return { ...settled, outcome };
  } catch (error) {
    if (!isMistake(error)) throw error;
    return { ...settled, outcome: 'failed', error: (error as Error).message };
  }
  if (spec.overlap === 'skip') return { ...settled, outcome: 'skipped' };
  // One start waits, however many times come by; when the run in the way has ended, it is a run of its own.
  return { ...settled, nextMs: nowMs + AGAIN_MS, isCatchUp: true, outcome: 'busy' };
}

/** What was asked for can't be started, whoever tries. */
function isMistake(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return error instanceof TypeError || code === INVALID_ARGUMENT || cause?.code === INVALID_ARGUMENT;
}

/** Of gRPC. */
const INVALID_ARGUMENT = 3;
