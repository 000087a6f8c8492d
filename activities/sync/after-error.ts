/**
 * What follows when a function of the user's, or our own code, has thrown at a page. Used by: `fetch-page.ts`, `activities/batch/fetch-batch.ts`.
 */
import { SettingsMistake } from '../../contracts/account.ts';
import type { PageFact } from '../../contracts/messages.ts';
import type { LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import { isInfrastructure } from '../call/infrastructure.ts';
import { thrown } from '../call/thrown.ts';
import { again, end } from './apply-decision.ts';
import type { Asked } from './attempt.ts';
import { logThrown, UserCodeError } from './user-code.ts';

/**
 * The user's functions, or ours, have thrown: that costs a real attempt and, when the budget is spent, fails the list with the
 * reason. Nothing is repeated for ever because of it.
 */
export function afterError(asked: Asked, unit: LoadedUnit, error: unknown, calls: 0 | 1): Promise<PageFact> {
  if (isInfrastructure(error)) throw error;
  // No retry mends it, and nothing was called.
  if (error instanceof SettingsMistake) return end(asked, unit.pages, 'failed', error.message, calls);
  const message = redact((error instanceof UserCodeError ? error : unexpected(error)).message);
  const cause = error instanceof UserCodeError ? error.cause : error;
  logThrown(asked, cause, message);
  return again(asked, unit.pages, unit.attempts, { do: 'again', costs: 'attempt', reason: message }, calls);
}

function unexpected(error: unknown): { message: string } {
  const { name, message } = thrown(error);
  return { message: `an unexpected ${name}: ${message}` };
}

export function backoffText({ error, attempts }: LoadedUnit): string {
  const what = error ?? 'its last call failed';
  return `${what}; the next call follows after a wait (${attempts} attempt${attempts === 1 ? '' : 's'} so far)`;
}
