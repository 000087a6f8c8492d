/** What is kept of how limits are used: counted by the processes that call, bounded in keys and in time, and read with marks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge } from '../../../contracts/limits/limit.ts';
import { noteDeploy } from '../../../db/index.ts';
import { bucketId } from '../../../limiter/buckets/bucket-row.ts';
import { createLimiter } from '../../../limiter/create-limiter.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.drop());

const charge = (key: string): Charge => ({
  key,
  limit: { name: 'token', kind: 'window', max: 100, perMs: 3_600_000 },
  cost: 1,
});
const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

describe('the history of a limit', () => {
  it('has the calls and refusals of all processes, the use and the limit of each slot, and marks', async () => {
    const key = 'shop/token/t1';
    const processes = [createLimiter({ pool: db.pool }), createLimiter({ pool: db.pool })];
    for (const [of, limiter] of processes.entries())
      for (let call = 0; call < 5; call++) {
        const answer = await limiter.acquire({ callKey: `${of}/${call}`, charges: [charge(key)], account: 'a' });
        expect(answer.granted).toBe(true);
        if (!answer.granted) continue;
        // One is never sent.
        const result = call === 0 ? 'not-sent' : call === 4 && of === 1 ? 'refused' : 'ok';
        await limiter.report(answer.permit, { result });
      }
    await noteDeploy(db.pool, 'build-1');
    await noteDeploy(db.pool, 'build-1');
    await processes[0]!.override(key, { max: 50, forMs: 60_000 });
    await processes[0]!.pause(key, 'a test');
    await Promise.all(processes.map((limiter) => limiter.stop()));
    for (const [span, slots, stepMs] of [
      ['hour', 60, 60_000],
      ['day', 96, 900_000],
      ['quarter', 360, 21_600_000],
    ] as const) {
      const history = await processes[0]!.history(key, span);
      expect(history.slots).toHaveLength(slots);
      expect(history.stepMs).toBe(stepMs);
      expect(sum(history.slots.map(({ calls }) => calls))).toBe(8);
      expect(sum(history.slots.map(({ refused }) => refused))).toBe(1);
      const known = history.slots.filter(({ used }) => used !== null);
      expect(known.at(-1)).toMatchObject({ max: 50 });
      expect(known.at(-1)!.used).toBeGreaterThan(0);
      const kinds = history.marks.map(({ kind, text }) => `${kind}: ${text}`);
      expect(kinds.filter((each) => each === 'deploy: workers of build build-1 begin')).toHaveLength(1);
      expect(kinds.some((each) => each.startsWith('override: overridden, max: 50'))).toBe(true);
      expect(kinds.some((each) => each.startsWith('held: paused, reason: a test'))).toBe(true);
      // Oldest first.
      const times = history.marks.map(({ at }) => at);
      expect(times).toEqual(times.toSorted());
    }
    expect((await processes[0]!.history('shop/token/none')).slots.every(({ calls }) => calls === 0)).toBe(true);
  });

  it('takes in so many keys for each slot, refused ones first, and keeps those that it has', async () => {
    await db.pool.query('truncate sluice.limit_pace');
    const keys = Array.from({ length: 50 }, (_, index) => `many/token/${index}`);
    await db.pool.query(
      `insert into sluice.limit_bucket (id, key, kind, spec, rate) select id, key, 'learned', '{}', 5
         from unnest($1::bigint[], $2::text[]) row (id, key)`,
      [keys.map(bucketId), keys],
    );
    const note = (entries: readonly { calls: number; refused: number }[], from = 0) =>
      db.pool.query('select sluice.limit_note_use($1, 10)', [
        JSON.stringify(entries.map((each, index) => ({ id: bucketId(keys[from + index]!), ...each }))),
      ]);
    // Two minutes may meet here: then each has its own ten.
    const minutes = async () =>
      (await db.pool.query<{ n: number }>('select count(distinct at)::int n from sluice.limit_pace where grain_s = 60'))
        .rows[0]!.n;
    await note(Array.from({ length: 30 }, (_, index) => ({ calls: index, refused: index === 3 ? 1 : 0 })));
    await note([{ calls: 1_000, refused: 9 }], 40);
    await note([{ calls: 5, refused: 0 }], 29);
    const { rows } = await db.pool.query<{ key: string; calls: number }>(
      `select b.key, p.calls from sluice.limit_pace p join sluice.limit_bucket b on b.id = p.bucket_id where grain_s = 10800 order by calls`,
    );
    expect(rows).toHaveLength(10);
    expect(rows.map(({ key }) => key)).toContain('many/token/3');
    expect(rows.map(({ key }) => key)).not.toContain('many/token/40');
    expect(rows.at(-1)).toEqual({ key: 'many/token/29', calls: 34 });
    const { rows: all } = await db.pool.query<{ n: number }>(
      'select count(*)::int n from sluice.limit_pace where grain_s = 60',
    );
    expect(all[0]!.n).toBeLessThanOrEqual(10 * (await minutes()));
  });

  it('keeps minutes for a day and three hours for 90 days, and no more', async () => {
    await db.pool.query('truncate sluice.limit_pace');
    const id = bucketId('many/token/0');
    await db.pool.query(
      `insert into sluice.limit_pace (bucket_id, grain_s, at, calls, refused, waiting) values
         ($1, 60, now() - interval '23 hours', 1, 0, 0), ($1, 60, now() - interval '25 hours', 1, 0, 0),
         ($1, 10800, now() - interval '89 days', 1, 0, 0), ($1, 10800, now() - interval '91 days', 1, 0, 0)`,
      [id],
    );
    await db.pool.query('select sluice.limit_note_use($1, 10)', [JSON.stringify([{ id, calls: 1, refused: 0 }])]);
    const { rows } = await db.pool.query<{ hours: number }>(
      `select round(extract(epoch from now() - at) / 3600)::int as hours from sluice.limit_pace where at < now() - interval '4 hours' order by 1`,
    );
    expect(rows.map(({ hours }) => hours)).toEqual([23, 89 * 24]);
  });

  it('has no fewer than no calls in a slot in which calls of an earlier one were found not to be sent', async () => {
    const [id, key] = [bucketId('late/token/1'), 'late/token/1'];
    await db.pool.query(
      `insert into sluice.limit_bucket (id, key, kind, spec, rate) values ($1, $2, 'learned', '{}', 5)`,
      [id, key],
    );
    await db.pool.query('select sluice.limit_note_use($1, 10)', [JSON.stringify([{ id, calls: -3, refused: 0 }])]);
    const limiter = createLimiter({ pool: db.pool });
    const { slots } = await limiter.history(key);
    await limiter.stop();
    expect(slots.some(({ used, ratePerSecond }) => used !== null || ratePerSecond !== null)).toBe(true);
    expect(Math.min(...slots.map(({ calls }) => calls))).toBe(0);
  });

  it('is told while a process is at work, and costs nothing where it is not wanted', async () => {
    const silent = createLimiter({ pool: db.pool, history: { everyMs: 0 } });
    const telling = createLimiter({ pool: db.pool, history: { everyMs: 20 } });
    for (const [limiter, key] of [
      [silent, 'quiet/token/1'],
      [telling, 'loud/token/1'],
    ] as const)
      await limiter.acquire({ callKey: key, charges: [charge(key)], account: 'a' });
    const calls = async (key: string): Promise<number> =>
      sum((await telling.history(key)).slots.map((slot) => slot.calls));
    await expect.poll(() => calls('loud/token/1')).toBe(1);
    await Promise.all([silent.stop(), telling.stop()]);
    expect(await calls('quiet/token/1')).toBe(0);
  });
});
