import { describe, expect, inject, it } from 'vitest';
import { runChaos } from '../../../scripts/chaos/run-chaos.ts';
import { drawSchedule } from '../../../scripts/chaos/schedule.ts';
import { isLongForm } from '../../setup/long-form.ts';

/** Chosen for schedules in which every process is killed and two are frozen; `npm run chaos` plays others. */
const [SEED, MINUTES, LEAST_CALLS] = isLongForm ? [32, 3, 600] : [5384, 0.5, 300];
/** The faults, the recovery, and the start of nine processes on a busy machine. */
const LIMIT_MS = MINUTES * 60_000 + 240_000;

describe('syncs while workers, Temporal, Postgres and the third party are killed and frozen', () => {
  it('draws the same schedule from the same seed, and another from another', () => {
    expect(drawSchedule(SEED, MINUTES)).toEqual(drawSchedule(SEED, MINUTES));
    expect(drawSchedule(SEED, MINUTES)).not.toEqual(drawSchedule(SEED + 1, MINUTES));
    const killed = new Set(
      drawSchedule(SEED, MINUTES).flatMap(({ kind, victim }) => (kind === 'kill' ? [victim] : [])),
    );
    expect([...killed].sort()).toEqual(['postgres', 'temporal', 'third-party', 'worker-1', 'worker-2']);
  });

  it(
    'end with every row, within the limit, with hardly a call made twice, and none waits for ever',
    async () => {
      const lines: string[] = [];
      const result = await runChaos({
        seed: SEED,
        minutes: MINUTES,
        builtFolder: inject('builtFolder'),
        log: (line) => lines.push(line),
      });
      const again = `npm run chaos -- --seed ${SEED} --minutes ${MINUTES}`;
      expect(result.faults, `${lines.join('\n')}\nAgain: ${again}`).toEqual([]);
      expect(result.accounts).toBeGreaterThanOrEqual(3);
      expect(result.kills).toBeGreaterThan(4);
      expect(result.book.calls).toBeGreaterThan(LEAST_CALLS);
    },
    LIMIT_MS,
  );
});
