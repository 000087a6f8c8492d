/**
 * How a page goes on when the third party has refused its credentials, or when there are none: the same call again with
 * new ones, later, or a pause until the account's user has connected it again.
 * Next stop: `activities/credentials/credentials.ts`.
 */
import type { FetchPageInput, PageFact } from '../../contracts/messages.ts';
import { countAttempt } from '../../db/stores/sync/unit-store.ts';
import { finish, notNow, tryAgain, type Attempt } from './attempt.ts';
import { pauseUntilReconnected, type Access } from '../credentials/credentials.ts';

/** A refused call is a real attempt, so a third party that refuses every token ends the unit and no loop. */
export async function goOnWith(access: Access | undefined, attempt: Attempt, reason: string): Promise<PageFact> {
  const { deps, request, sync } = attempt;
  switch (access?.state) {
    case undefined:
      return tryAgain(attempt, reason, undefined);
    case 'ready': {
      const attempts = await countAttempt(deps.pool, request.unit, true);
      if (attempts >= sync.provider.maxAttempts)
        return finish(attempt, 'failed', `${reason} (${attempts} attempts, with new credentials too)`, 0);
      return { unit: request.unit, state: 'more' };
    }
    case 'busy':
      return tryAgain(attempt, `${reason}; ${access.reason}`, access.retryAfterMs);
    case 'needs-reconnect':
      await countAttempt(deps.pool, request.unit, false);
      return pauseForUser(attempt);
  }
}

/** Nothing is sent until `accounts.reconnected()`; the run says why. */
export async function pauseForUser({ deps, request }: Attempt): Promise<PageFact> {
  const reason = await pauseUntilReconnected(deps, request.runId);
  if (reason === undefined) return notNow(request, 'the account has just been connected', 0);
  return pausedFor(request, reason);
}

/** @param reason why the account must be connected again; null for a run that its operator has paused. */
export function pausedFor({ unit, context }: FetchPageInput, reason: string | null): PageFact {
  if (reason === null) return { unit, state: 'paused' };
  const because = `account "${context.account}" must be connected again: ${reason}`;
  return { unit, state: 'paused', because, atMs: Date.now() };
}
