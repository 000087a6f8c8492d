/**
 * Writes down what the answer to a call of a list means. While the database is away, the answer is kept and this goes on trying: a
 * call that was answered is not made again because its page could not be stored at once. Each change names the page that it was
 * made for, so one that comes late changes nothing. It has a number of its own, so one that is repeated, since its answer was lost,
 * is done once. Used by whatever has an answer in hand. Next: `db/stores/sync/unit-store.ts`.
 */
import { STORING_PATIENCE_MS } from '../../contracts/messages.ts';
import { whileAway } from '../action/recorded.ts';
import type { UnitFence } from '../../db/stores/sync/unit-store.ts';
import { fenceOf, type Asked } from './attempt.ts';

/** @throws what `write` throws when waiting does not mend it, or when the database stays away for a minute. */
export function writeDown<T>({ deps: { isStopping } }: Pick<Asked, 'deps'>, write: () => Promise<T>): Promise<T> {
  return whileAway({ patienceMs: STORING_PATIENCE_MS, isEnding: isStopping }, write);
}

/** The same for a change of the unit that was asked for. @param pages as the caller saw them; undefined: as the workflow was told last. */
export function changeUnit<T>(
  asked: Asked,
  pages: number | undefined,
  change: (fence: UnitFence) => Promise<T>,
): Promise<T> {
  const fence = fenceOf(asked, pages);
  return writeDown(asked, () => change(fence));
}
