import { describe, expect, it } from 'vitest';
import { runChaos } from '../../../scripts/chaos/run-chaos.ts';
import { drawSchedule } from '../../../scripts/chaos/schedule.ts';

/** Chosen for a schedule in which every process is killed and three are frozen; `npm run chaos -- --seed 32 --minutes 1` plays it. */
const SEED = 32;
const MINUTES = process.env['CI'] ? 3 : 1;
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
      const result = await runChaos({ seed: SEED, minutes: MINUTES, log: (line) => lines.push(line) });
      const again = `npm run chaos -- --seed ${SEED} --minutes ${MINUTES}`;
      expect(result.faults, `${lines.join('\n')}\nAgain: ${again}`).toEqual([]);
      expect(result.accounts).toBeGreaterThanOrEqual(3);
      expect(result.kills).toBeGreaterThan(4);
      expect(result.book.calls).toBeGreaterThan(600);
    },
    LIMIT_MS,
  );
});
