import { describe, expect, inject, it } from 'vitest';
import { runChaos } from '../../../scripts/chaos/run-chaos.ts';
import { drawSchedule } from '../../../scripts/chaos/schedule.ts';
import { isLongForm } from '../../setup/long-form.ts';

/**
 * Chosen for schedules with every kind of fault, and a worker that is frozen for longer than others wait for it. In the long one every
 * process is killed; `npm run chaos` plays others.
 */
const [SEED, MINUTES, LEAST_CALLS] = isLongForm ? [3, 3, 600] : [94_945, 0.5, 300];
/** The faults, the recovery, and the start of nine processes on a busy machine. */
const LIMIT_MS = MINUTES * 60_000 + 240_000;

describe('syncs while processes are killed, frozen and slow, runs paused and cancelled, and Postgres is put back', () => {
  it('draws the same schedule from the same seed, and another from another', () => {
    expect(drawSchedule(SEED, MINUTES)).toEqual(drawSchedule(SEED, MINUTES));
    expect(drawSchedule(SEED, MINUTES)).not.toEqual(drawSchedule(SEED + 1, MINUTES));
    const schedule = drawSchedule(SEED, MINUTES);
    const kinds = new Set(schedule.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['cancel', 'freeze', 'kill', 'pause', 'restore', 'slow']);
    expect(Math.max(...schedule.flatMap(({ kind, forMs }) => (kind === 'freeze' ? [forMs] : [])))).toBeGreaterThan(
      9_000,
    );
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
      expect(result.kills).toBeGreaterThan(2);
      expect(result.others).toBeGreaterThan(2);
      expect(result.book.calls).toBeGreaterThan(LEAST_CALLS);
    },
    LIMIT_MS,
  );
});
