import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter, type Observation, type Permit } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let database: TestDatabase;
let limiter: Limiter;
let serial = 0;
beforeAll(async () => {
  database = await createTestDatabase({ max: 2 });
  limiter = createLimiter({ pool: database.pool });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

const minute: WindowLimit = { kind: 'window', name: 'minute', max: 100, perMs: 60_000 };
const hour: WindowLimit = { kind: 'window', name: 'hour', max: 1_000, perMs: 3_600_000 };
const charge = (limit: WindowLimit, scope: string, cost = 1): Charge => ({
  limit,
  key: `answers/${limit.name}/${scope}`,
  cost,
});
const ask = (charges: Charge[]) =>
  limiter.acquire({ callKey: `call-${++serial}`, account: 'a', charges, maxWaitMs: 0 });
async function take(charges: Charge[]): Promise<Permit> {
  const answer = await ask(charges);
  if (!answer.granted) throw new Error(`not granted: ${answer.wait.detail}`);
  return answer.permit;
}
const used = async (limit: WindowLimit, scope: string) => (await limiter.show(`answers/${limit.name}/${scope}`))?.used;
const reported = async (permit: Permit, observation: Observation) => limiter.report(permit, observation);

describe('the real cost', () => {
  it('gives back what was reserved too much, and charges what was too little', async () => {
    const permit = await take([charge(minute, 'cost', 10)]);
    await reported(permit, { result: 'ok', actualCost: { minute: 3 } });
    await expect.poll(() => used(minute, 'cost')).toBe(3);
    await reported(await take([charge(minute, 'cost', 10)]), { result: 'ok', actualCost: { minute: 25 } });
    await expect.poll(() => used(minute, 'cost')).toBe(28);
  });
});

describe('what the third party says about its quota', () => {
  it('counts what others used, at once', async () => {
    const permit = await take([charge(minute, 'others')]);
    await reported(permit, { result: 'ok', quotas: [{ max: 100, remaining: 40, resetAfterMs: 30_000 }] });
    await expect.poll(() => used(minute, 'others')).toBe(60);
    expect(await limiter.show('answers/minute/others')).toMatchObject({ usedByOthers: 59 });
  });

  it('does not count our own calls a second time, in whatever order the answers come', async () => {
    const permits = await Promise.all(Array.from({ length: 30 }, () => take([charge(minute, 'order')])));
    // The first answer was counted when the server had seen one call, the last when it had seen all.
    const answers = permits.map((permit, i) => ({ permit, remaining: 99 - i }));
    for (const { permit, remaining } of [...answers.slice(15), ...answers.slice(0, 15)]) {
      await reported(permit, { result: 'ok', quotas: [{ max: 100, remaining, resetAfterMs: 60_000 }] });
    }
    await limiter.report(permits[0]!, { result: 'refused', limit: 'none', blockForMs: 1 }); // sends what was collected
    expect(await used(minute, 'order')).toBe(30);
  });

  it('lowers a limit at once when the third party has a lower one, and keeps the reserve', async () => {
    const reserved: WindowLimit = { ...minute, reserve: 0.5 };
    await reported(await take([charge(reserved, 'drift')]), {
      result: 'ok',
      quotas: [{ limit: 'minute', max: 60, remaining: 59 }],
    });
    await expect.poll(async () => (await limiter.show('answers/minute/drift'))?.max).toBe(30);
    expect((await limiter.show('answers/minute/drift'))?.events).toMatchObject([{ type: 'drift' }]);
  });

  it('raises a limit only after ten answers in a row', async () => {
    for (let i = 0; i < 9; i++) {
      await reported(await take([charge(minute, 'raise')]), {
        result: 'ok',
        quotas: [{ limit: 'minute', max: 200, remaining: 150 }],
      });
      await expect
        .poll(
          async () =>
            (
              await database.pool.query(
                `select higher_seen from sluice.limit_bucket where key = 'answers/minute/raise'`,
              )
            ).rows[0].higher_seen,
        )
        .toBe(i + 1);
    }
    expect((await limiter.show('answers/minute/raise'))?.max).toBe(100);
    await reported(await take([charge(minute, 'raise')]), {
      result: 'ok',
      quotas: [{ limit: 'minute', max: 200, remaining: 150 }],
    });
    await expect.poll(async () => (await limiter.show('answers/minute/raise'))?.max).toBe(200);
  });
});

describe('a refusal', () => {
  it('closes the limit that it names, and no other', async () => {
    const charges = [charge(hour, 'named'), charge(minute, 'named')];
    await reported(await take(charges), { result: 'refused', limit: 'hour', blockForMs: 60_000 });
    expect(await limiter.show('answers/hour/named')).toMatchObject({ state: 'blocked' });
    expect(await limiter.show('answers/minute/named')).toMatchObject({ state: 'free' });
  });

  it('without a time backs off twice as long each time, once per burst', async () => {
    const permits = await Promise.all(Array.from({ length: 20 }, () => take([charge(minute, 'burst')])));
    await Promise.all(permits.map((permit) => reported(permit, { result: 'refused' })));
    const first = (await limiter.show('answers/minute/burst'))!;
    expect(first.events.filter((event) => event.type === 'refused')).toHaveLength(1);
    expect(first.untilMs).toBeLessThanOrEqual(250);
    const again = async (): Promise<number> => {
      const answer = await limiter.acquire({
        callKey: 'burst-again',
        account: 'a',
        charges: [charge(minute, 'burst')],
        maxWaitMs: 10_000,
      });
      if (!answer.granted) throw new Error(answer.wait.detail);
      await reported(answer.permit, { result: 'refused' });
      return (await limiter.show('answers/minute/burst'))?.untilMs ?? 0;
    };
    const second = await again();
    expect(second).toBeGreaterThan(250);
    expect(second).toBeLessThanOrEqual(500);
    const third = await again();
    expect(third).toBeGreaterThan(500);
    expect(third).toBeLessThanOrEqual(1_000);
  });

  it('waits until the reset that its headers tell, of the limit that they speak of', async () => {
    const charges = [charge(hour, 'reset'), charge(minute, 'reset')];
    await reported(await take(charges), {
      result: 'refused',
      quotas: [{ max: 1_000, remaining: 0, resetAfterMs: 1_800_000 }],
    });
    expect(await limiter.show('answers/minute/reset')).toMatchObject({ state: 'free' });
    const row = (await limiter.show('answers/hour/reset'))!;
    expect(row.state).toBe('blocked');
    expect(row.untilMs).toBeGreaterThan(1_790_000);
    // A quota that is not used up says nothing about when.
    await reported(await take([charge(minute, 'other')]), {
      result: 'refused',
      quotas: [{ max: 1_000, remaining: 900, resetAfterMs: 1_800_000 }],
    });
    expect((await limiter.show('answers/minute/other'))?.untilMs).toBeLessThanOrEqual(250);
  });

  it('that asks for ten hours blocks the key for ten hours, and callers look in more often', async () => {
    await reported(await take([charge(hour, 'long')]), { result: 'refused', blockForMs: 36_000_000 });
    const answer = await ask([charge(hour, 'long')]);
    expect(answer).toMatchObject({ granted: false, retryAfterMs: 900_000, wait: { cause: 'blocked' } });
    expect(!answer.granted && answer.wait.untilMs).toBeGreaterThan(35_990_000);
  });

  it('does not come with a failure, which blocks the key only when it says for how long', async () => {
    await reported(await take([charge(hour, 'failed')]), { result: 'failed' });
    expect(await limiter.show('answers/hour/failed')).toMatchObject({ state: 'free' });
    await reported(await take([charge(hour, 'failed')]), { result: 'failed', blockForMs: 5_000, reason: '503' });
    const row = (await limiter.show('answers/hour/failed'))!;
    expect(row).toMatchObject({ state: 'blocked', blockedReason: '503' });
    expect(row.events.map((event) => event.type)).toEqual(['blocked']);
  });
});

describe('waiting', () => {
  it('is never told to come back at once', async () => {
    const limit: WindowLimit = { kind: 'window', name: 'tiny', max: 1, perMs: 100, guardMs: 10 };
    await take([charge(limit, 'zero')]);
    for (let i = 0; i < 20; i++) {
      const answer = await limiter.acquire({
        callKey: 'zero',
        account: 'a',
        charges: [charge(limit, 'zero')],
        maxWaitMs: 0,
      });
      if (answer.granted) break;
      expect(answer.retryAfterMs).toBeGreaterThanOrEqual(100);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  it('of thousands holds two connections at most, and others are served meanwhile', async () => {
    const limit: WindowLimit = { kind: 'window', name: 'crowd', max: 1, perMs: 3_000 };
    await take([charge(limit, 'crowd')]);
    const crowd = Promise.all(
      Array.from({ length: 3_000 }, (_, i) =>
        limiter.acquire({
          callKey: `crowd-${i}`,
          account: `a${i % 7}`,
          charges: [charge(limit, 'crowd')],
          maxWaitMs: 1_000,
        }),
      ),
    );
    const startedAt = performance.now();
    expect(
      (
        await limiter.acquire({
          callKey: 'else',
          account: 'a',
          charges: [{ ...charge(minute, 'else'), key: 'other/minute/else' }],
        })
      ).granted,
    ).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(database.pool.totalCount).toBeLessThanOrEqual(2);
    const answers = await crowd;
    expect(answers.filter((answer) => answer.granted).length).toBeLessThanOrEqual(1);
    const estimates = answers.flatMap((answer) => (answer.granted ? [] : [answer.retryAfterMs]));
    // Spread over the hours that it takes, not all at once.
    expect(new Set(estimates.map((ms) => Math.round(ms / 3_000))).size).toBeGreaterThan(200);
  });

  it('ends when its caller gives up, and the place stays until it is abandoned', async () => {
    const limit: WindowLimit = { kind: 'window', name: 'abort', max: 1, perMs: 5_000 };
    await take([charge(limit, 'abort')]);
    const controller = new AbortController();
    const waiting = limiter.acquire({
      callKey: 'aborted',
      account: 'a',
      charges: [charge(limit, 'abort')],
      maxWaitMs: 20_000,
      signal: controller.signal,
    });
    await expect.poll(async () => (await limiter.show('answers/abort/abort'))?.waiting).toBe(1);
    controller.abort();
    expect((await waiting).granted).toBe(false);
    expect((await limiter.show('answers/abort/abort'))?.waiting).toBe(1);
    await limiter.abandon('aborted');
    expect((await limiter.show('answers/abort/abort'))?.waiting).toBe(0);
  });

  it('with one key twice is one place and two answers', async () => {
    const charges = [charge(minute, 'twice')];
    const answers = await Promise.all([1, 2].map(() => limiter.acquire({ callKey: 'twice', account: 'a', charges })));
    expect(answers.every((answer) => answer.granted)).toBe(true);
    expect(await used(minute, 'twice')).toBe(2);
  });
});
