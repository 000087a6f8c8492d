/**
 * What people do to the runs of one account, drawn at random: starts of every kind, pauses, resumes, cancellations, retries, from two
 * clients at the same time. Used by `test/temporal/faults/operator-acts.test.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { array, constant, constantFrom, boolean, integer, oneof, record, sample, tuple } from 'fast-check';
import { SyncBusy, type Sluice } from '../../client/index.ts';
import type { Sync } from '../../providers/index.ts';

export interface Act {
  readonly kind: 'start' | 'start, cut often' | 'queue' | 'cancel' | 'pause' | 'resume' | 'retryFailed' | 'startAgain';
  /** After the one before it has resolved. */
  readonly afterMs: number;
}

export interface Drawn {
  readonly isTree: boolean;
  /** Acts of two clients at the same time. The second has none: each pause and cancellation of the first is looked at. */
  readonly acts: readonly [readonly Act[], readonly Act[]];
}

const act = record<Act>({
  kind: constantFrom(
    ...(['start', 'start', 'start, cut often', 'queue'] as const),
    ...(['cancel', 'cancel', 'pause', 'pause', 'resume', 'resume', 'retryFailed', 'startAgain'] as const),
  ),
  afterMs: oneof(integer({ min: 0, max: 20 }), integer({ min: 0, max: 200 })),
});
const acts = array(act, { minLength: 8, maxLength: 10 });
const drawn = record<Drawn>({
  isTree: boolean(),
  acts: oneof(tuple(acts, constant([])), tuple(acts, acts)),
});

/** The same for the same seed. */
export function drawActs(seed: number, count: number): Drawn[] {
  return sample(drawn, { seed, numRuns: count });
}

// What somebody is told who asks for something that is not there, or goes on already.
const REFUSED = [/is going on/, /There is no run/, /No run of/, /is over/];

/** @param onStopped is told after a pause or a cancellation has resolved. @throws Error for an answer that nobody expects. */
export async function carryOut(
  sluice: Sluice,
  sync: Sync<{ id: string }>,
  account: string,
  acts: readonly Act[],
  onStopped: (how: string) => Promise<void>,
): Promise<void> {
  const handle = sluice.run({ sync, account });
  const input = { id: account };
  const of: { readonly [kind in Act['kind']]: () => Promise<unknown> } = {
    start: () => sluice.start(sync, { account, input }),
    'start, cut often': () => sluice.start(sync, { account, input, maxHistoryEvents: 20 }),
    queue: () => sluice.start(sync, { account, input, ifRunning: 'queue' }),
    cancel: () => handle.cancel(),
    pause: () => handle.pause(),
    resume: () => handle.resume(),
    retryFailed: () => handle.retryFailed(),
    startAgain: () => handle.startAgain(),
  };
  for (const { kind, afterMs } of acts) {
    await sleep(afterMs);
    const isDone = await of[kind]().then(
      () => true,
      (error: unknown) => {
        if (error instanceof SyncBusy || REFUSED.some((known) => known.test(String(error)))) return false;
        throw error;
      },
    );
    if (isDone && (kind === 'cancel' || kind === 'pause')) await onStopped(kind);
  }
}
