/**
 * What a process counts, and adds to rows from time to time so that it is added once: it goes under a number, and as it is until the
 * database has answered. What comes meanwhile waits. Next: `db/functions/limiter/report/is-told-first.sql`.
 */
import { randomUUID } from 'node:crypto';

/** Names one telling. `sluice.is_told_first` says whether it was stored before. */
export interface Telling {
  readonly teller: string;
  readonly serial: number;
}

export type TellOnce<T> = (store: (what: T, telling: Telling) => Promise<void>) => Promise<void>;

/** @param take what was counted since it was taken last; undefined = nothing. One `store` at a time is on its way. */
export function createTellOnce<T>(take: () => T | undefined): TellOnce<T> {
  const teller = randomUUID();
  let serial = 0;
  let unanswered: { readonly what: T; readonly telling: Telling } | undefined;
  let running: Promise<void> = Promise.resolve();

  const tellAll = async (store: Parameters<TellOnce<T>>[0]): Promise<void> => {
    for (;;) {
      if (unanswered === undefined) {
        const what = take();
        if (what === undefined) return;
        unanswered = { what, telling: { teller, serial: ++serial } };
      }
      await store(unanswered.what, unanswered.telling);
      unanswered = undefined;
    }
  };
  return (store) => {
    const run = (): Promise<void> => tellAll(store);
    running = running.then(run, run);
    return running;
  };
}
