import { randomUUID } from 'node:crypto';
/** What workers add up, and what is kept of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addPace, readPace } from '../../../db/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.drop());

describe('the pace of all workers', () => {
  it('is what they did together in the last minutes, in slots without gaps for an hour, a day and 90 days', async () => {
    await Promise.all(
      [1, 2, 3].map(() =>
        addPace(db.pool, { calls: 100, refused: 10, rows: 1_000 }, { teller: randomUUID(), serial: 1 }),
      ),
    );
    const hour = await readPace(db.pool);
    // 300 calls in 60 to 120 seconds.
    expect(hour.callsPerSecond).toBeGreaterThanOrEqual(300 / 120);
    expect(hour.callsPerSecond).toBeLessThanOrEqual(300 / 60);
    expect(hour.rowsPerSecond / hour.callsPerSecond).toBeCloseTo(10);
    expect(hour.refusalsPerSecond / hour.callsPerSecond).toBeCloseTo(0.1);
    for (const [span, slots] of [
      ['hour', 60],
      ['day', 96],
      ['quarter', 90],
    ] as const) {
      const pace = await readPace(db.pool, span);
      expect(pace.slots).toHaveLength(slots);
      expect(pace.slots.reduce((sum, { rows }) => sum + rows, 0)).toBe(3_000);
      const times = pace.slots.map(({ at }) => Date.parse(at));
      expect(new Set(times.slice(1).map((at, index) => at - (times[index] as number))).size).toBe(1);
    }
  });

  it('keeps minutes for a day and quarters of an hour for 90 days, and no more', async () => {
    await db.pool.query(`
      insert into sluice.pace (grain_s, at, calls, refused, rows) values
        (60, now() - interval '23 hours', 1, 0, 0), (60, now() - interval '25 hours', 1, 0, 0),
        (900, now() - interval '89 days', 1, 0, 0), (900, now() - interval '91 days', 1, 0, 0)`);
    await addPace(db.pool, { calls: 1, refused: 0, rows: 0 }, { teller: randomUUID(), serial: 1 });
    const { rows } = await db.pool.query<{ days: number }>(
      `select extract(day from now() - at)::int as days from sluice.pace where at < now() - interval '2 hours' order by 1`,
    );
    expect(rows.map(({ days }) => days)).toEqual([0, 89]);
  });
});
