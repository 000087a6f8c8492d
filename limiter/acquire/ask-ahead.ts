/**
 * A permit that is asked for while the page before is still being stored: the way to the database and back is over by the time at which
 * the call may be made. Used by: `activities/sync/fetch-page.ts`, which gives it back when no call is made.
 */
import type { Limiter } from '../create-limiter.ts';
import type { AcquireRequest, AcquireResult } from '../types.ts';

export interface PermitAhead {
  /** @returns what was asked for, once; undefined when this call takes something else. */
  take(ask: AcquireRequest): Promise<AcquireResult> | undefined;
  /** Nothing was sent with it. Does nothing when it was taken. */
  giveBack(): void;
}

/** A place among calls in flight is not taken ahead: others could use it meanwhile. */
export function mayBeAskedAhead({ charges }: AcquireRequest): boolean {
  return charges.every(({ limit }) => limit.kind !== 'inflight');
}

export function askAhead(limiter: Pick<Limiter, 'acquire' | 'report'>, ask: AcquireRequest): PermitAhead {
  const asked = limiter.acquire(ask);
  let isLeft = true;
  const giveBack = (): void => {
    if (!isLeft) return;
    isLeft = false;
    asked
      .then((answer) => (answer.granted ? limiter.report(answer.permit, { result: 'not-sent' }) : undefined))
      // The store is away: what it holds of the permit ends by itself.
      .catch(() => {});
  };
  return {
    take(wanted) {
      if (!isLeft) return undefined;
      if (takes(wanted) !== takes(ask)) {
        giveBack();
        return undefined;
      }
      isLeft = false;
      return asked;
    },
    giveBack,
  };
}

function takes({ callKey, charges, endpoint, account }: AcquireRequest): string {
  return JSON.stringify([callKey, charges, endpoint, account]);
}
