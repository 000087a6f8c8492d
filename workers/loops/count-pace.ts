/**
 * Counts what this worker does, and adds it to what all workers did every five seconds. A worker that is killed takes its last seconds
 * with it. Next: `db/stores/operate/pace-store.ts`.
 */
import type { Log, Meter } from '../../activities/index.ts';
import { addPace, createTellOnce, type Pool } from '../../db/index.ts';
import { every } from './interval.ts';

const INTERVAL_MS = 5_000;

export interface PaceCounter {
  readonly meter: Meter;
  /** @returns a function that ends it; it resolves when everything is written, or can't be. */
  start(pool: Pool, log: Log): () => Promise<void>;
}

export function createPaceCounter(): PaceCounter {
  let done = { calls: 0, refused: 0, rows: 0 };
  const tellOnce = createTellOnce(() => {
    const told = done;
    if (told.calls + told.rows === 0) return undefined;
    done = { calls: 0, refused: 0, rows: 0 };
    return told;
  });
  const write = (pool: Pool): Promise<void> => tellOnce((told, telling) => addPace(pool, told, telling));
  return {
    meter: {
      called: ({ outcome }) => {
        done.calls++;
        if (outcome === 'limited') done.refused++;
      },
      stored: (rows) => {
        done.rows += rows;
      },
      reported: () => {},
    },
    start: (pool, log) => {
      const stop = every(INTERVAL_MS, 'writing down the pace', log, () => write(pool).then(() => false));
      return async () => {
        await stop();
        await write(pool).catch((error: unknown) =>
          log.warn({ error: String(error) }, 'the pace of the last seconds could not be written'),
        );
      };
    },
  };
}

/** One meter that tells several. */
export function tellAll(meters: readonly Meter[]): Meter {
  return {
    called: (call) => meters.forEach((meter) => meter.called(call)),
    stored: (rows) => meters.forEach((meter) => meter.stored(rows)),
    reported: (status) => meters.forEach((meter) => meter.reported(status)),
  };
}
