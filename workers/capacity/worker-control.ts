/**
 * What an operator wants of this worker from afar: other calls at once, or that it drains and ends, as by SIGTERM. It looks when it says
 * that it is there. Used by: `workers/create-worker.ts`; asked for by `client/workers/workers.ts`.
 */
import type { CallPlaces, Log } from '../../activities/index.ts';
import type { WorkerWish } from '../../db/index.ts';

/**
 * @param drain false while the worker has not begun.
 * @returns what makes the worker do as it is asked; to be called again and again, also when nothing has changed.
 */
export function createControl(
  places: CallPlaces,
  startedWith: number,
  drain: () => boolean,
  log: Log,
): (wish: WorkerWish) => void {
  let isDraining = false;
  return ({ concurrency, isDraining: isAsked }) => {
    const wanted = concurrency ?? startedWith;
    if (wanted !== places.count()) {
      log.info({ concurrency: wanted, startedWith }, 'an operator has set how many calls at once this worker makes');
      places.set(wanted);
    }
    if (!isAsked || isDraining) return;
    isDraining = drain();
    if (isDraining) log.info({}, 'an operator has asked this worker to drain: it takes no new work, and ends');
  };
}
