import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, LearnedLimit } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let database: TestDatabase;
const limiters: Limiter[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  for (let i = 0; i < 3; i++) limiters.push(createLimiter({ pool: database.pool }));
});
afterAll(async () => {
  for (const limiter of limiters) await limiter.stop();
  await database.drop();
});

const limit: LearnedLimit = { kind: 'learned', name: 'token', startPerSecond: 5 };
const charge = (scope: string): Charge => ({ limit, key: `test/token/${scope}`, cost: 1 });
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const row = async (scope: string) =>
  (await database.pool.query(`select * from sluice.limit_bucket where key = $1`, [`test/token/${scope}`])).rows[0];

/** A third party that allows `perSecond` with a burst of `burst`, and tells nobody. */
function hiddenTokenBucket(perSecond: number, burst: number) {
  let tokens = burst;
  let at = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - at) / 1_000) * perSecond);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

async function callFor(ms: number, scope: string, callers: number, accepts: () => boolean) {
  const endsAt = performance.now() + ms;
  const counts = { ok: 0, refused: 0 };
  const loop = async (index: number) => {
    for (let serial = 0; performance.now() < endsAt; serial++) {
      const limiter = limiters[index % limiters.length]!;
      const answer = await limiter.acquire({
        callKey: `${scope}-${index}-${serial}`,
        account: 'a',
        charges: [charge(scope)],
        maxWaitMs: ms,
      });
      if (!answer.granted) {
        await sleep(Math.min(answer.retryAfterMs, endsAt - performance.now()));
        serial--;
        continue;
      }
      const accepted = accepts();
      await sleep(20);
      counts[accepted ? 'ok' : 'refused'] += 1;
      await limiter.report(answer.permit, { result: accepted ? 'ok' : 'refused' });
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, index) => loop(index)));
  return counts;
}

describe('a limit that nobody published', () => {
  it('is found by several workers together, with few refusals', async () => {
    const { ok, refused } = await callFor(12_000, 'hidden', 12, hiddenTokenBucket(10, 5));
    expect(ok).toBeGreaterThan(12 * 10 * 0.4);
    expect(refused).toBeLessThan(ok * 0.2);
    const learned = await row('hidden');
    expect(learned.rate).toBeGreaterThan(2);
    expect(learned.rate).toBeLessThan(20);
    expect(learned.epoch).toBeGreaterThanOrEqual(1);
  }, 30_000);

  it('is found although its callers are sent away, and come back a little late', async () => {
    const slowStart: Charge = { ...charge('bouncing'), limit: { kind: 'learned', name: 'token' } };
    const accepts = hiddenTokenBucket(20, 10);
    const endsAt = performance.now() + 10_000;
    const counts = { ok: 0, refused: 0 };
    const loop = async (index: number) => {
      for (let maxWaitMs = 50; performance.now() < endsAt;) {
        const answer = await limiters[index % 3]!.acquire({
          callKey: `bouncing-${index}`,
          account: `account-${index}`,
          charges: [slowStart],
          maxWaitMs,
        });
        maxWaitMs = answer.granted ? 50 : 500;
        if (!answer.granted) {
          await sleep(answer.retryAfterMs + 20 + 40 * Math.random());
          continue;
        }
        const accepted = accepts();
        counts[accepted ? 'ok' : 'refused'] += 1;
        await limiters[index % 3]!.report(answer.permit, { result: accepted ? 'ok' : 'refused' });
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => loop(index)));
    // All that can be had is 210. Who starts at one call a second and sleeps as long as that rate says gets ten.
    expect(counts.ok).toBeGreaterThan(30);
    expect(counts.refused).toBeLessThan(10);
  }, 30_000);

  it('keeps no token for a call that overslept its turn', async () => {
    // A call a second, of a limit that no try before has used: a machine that is held up for less changes nothing, and it begins at no rate
    // that another key of its limit has learned.
    const slow: Charge = { limit: { ...limit, startPerSecond: 1 }, key: `test/overslept-${randomUUID()}/a`, cost: 1 };
    const ask = (callKey: string, maxWaitMs: number) =>
      limiters[0]!.acquire({ callKey, account: callKey, charges: [slow], maxWaitMs });
    expect(await ask('first', 0)).toMatchObject({ granted: true });
    expect(await ask('sleeper', 0)).toMatchObject({ granted: false });
    // Behind the sleeper, so its turn is in two seconds; the sleeper's place would hold for longer.
    expect(await ask('present', 3_800)).toMatchObject({ granted: true });
    // The place is not lost: its turn is the next.
    expect(await ask('late', 0)).toMatchObject({ granted: false });
    expect(await ask('sleeper', 3_800)).toMatchObject({ granted: true });
  });

  it.each(['ev_ok', 'ev_refused', 'ev_stale'])(
    'hears of what is reported while its law is stepped, and of the time that this tells: %s',
    async (what) => {
      const scope = `meanwhile-${what}`;
      await limiters[0]!.acquire({ callKey: scope, account: 'a', charges: [charge(scope)] });
      await expect.poll(async () => (await row(scope)).law).not.toBeNull();
      const { id, ...before } = await row(scope);
      await database.pool.query(
        `update sluice.limit_bucket set law_due_us = null, ev_ok = 0, ev_fresh = 0, ev_retry_ms = 4000 where id = $1`,
        [id],
      );
      await database.pool.query(`update sluice.limit_bucket set ${what} = 1 where id = $1`, [id]);
      const write = ({ ev_ok: ok = 0, ev_refused: refused = 0, ev_stale: stale = 0 } = {}): Promise<unknown> =>
        database.pool.query(
          `select sluice.limit_law_write(b.id, b.law_version, b.law, 0, 2, 1, false, null, b.epoch, null, $2, $3, $4, $5, $6, $7, 0, $8, 0, $9, 0, 0, null)
             from sluice.limit_bucket b where b.id = $1`,
          [id, before.win_us, before.guard_us, before.slot_us, before.slots, before.slots_ahead, ok, refused, stale],
        );
      await write();
      expect(await row(scope)).toMatchObject({ [what]: 1, ev_retry_ms: 4000 });
      await write({ [what]: 1 });
      expect(await row(scope)).toMatchObject({ [what]: 0, ev_retry_ms: null });
    },
  );

  it('is decreased once by a burst of refusals that were in flight together', async () => {
    await limiters[0]!.acquire({ callKey: 'warm', account: 'a', charges: [charge('burst')] });
    await expect.poll(async () => (await row('burst')).law).not.toBeNull();
    await database.pool.query(
      `update sluice.limit_bucket set rate = 1000, burst = 100, tokens = 100, law_due_us = null where key = 'test/token/burst'`,
    );
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        limiters[i % 3]!.acquire({ callKey: `burst-${i}`, account: 'a', charges: [charge('burst')] }),
      ),
    );
    const permits = answers.flatMap((answer) => (answer.granted ? [answer.permit] : []));
    expect(permits).toHaveLength(60);
    const before = await row('burst');
    await Promise.all(permits.map((permit, i) => limiters[i % 3]!.report(permit, { result: 'refused' })));
    await expect.poll(async () => (await row('burst')).epoch).toBe(before.epoch + 1);
    // Nor by those that come late.
    await limiters[1]!.report(permits[0]!, { result: 'refused' });
    for (const limiter of limiters) await limiter.stop();
    expect((await row('burst')).epoch).toBe(before.epoch + 1);
    const { rows } = await database.pool.query(
      `select count(*)::int n from sluice.limit_event where bucket_id = $1 and type = 'learned'`,
      [before.id],
    );
    expect(rows[0].n).toBe(1);
  });
});
