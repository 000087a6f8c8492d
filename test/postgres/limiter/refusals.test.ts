/** Refusals of known limits in the real limiter, its clock played: minutes pass in seconds. The law itself: `test/quick/limiter/refusal-law.test.ts`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, LimitSpec } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter, type Observation } from '../../../limiter/index.ts';
import { chargesFor, inflight, learned } from '../../../providers/limits.ts';
import { createCounter } from '../../../testing/fake-api/limits/limit-counters.ts';
import { seededRandom } from '../../../testing/fake-api/random.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { playClock, type PlayedClock } from '../../setup/played-clock.ts';

let database: TestDatabase;
let limiter: Limiter;
let clock: PlayedClock;
let serial = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  clock = await playClock(database.pool);
  limiter = createLimiter({ pool: database.pool, maxRetryAfterMs: 1e9, sweep: { everyMs: 0 } });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

const call = { endpoint: 'items', account: 'a', tenant: 't', settings: undefined, ip: 'here', input: {}, pageSize: 1 };
const charge = (limit: LimitSpec): Charge => ({ limit, key: `refusals/${limit.name}/app`, cost: 1 });

/** One caller, one call after the other, `everyMs` apart where nothing holds it up. @returns calls accepted and refused. */
async function callFor(
  forMs: number,
  everyMs: number,
  charges: readonly Charge[],
  answer: (nowMs: number) => Observation,
): Promise<{ accepted: number; refused: number; refusedAtMs: number[] }> {
  const endMs = clock.nowMs() + forMs;
  const counts = { accepted: 0, refused: 0, refusedAtMs: [] as number[] };
  for (let callKey = `call-${++serial}`; clock.nowMs() < endMs;) {
    const acquired = await limiter.acquire({ callKey, account: 'a', charges, maxWaitMs: 0 });
    if (!acquired.granted) {
      await clock.pass(acquired.retryAfterMs);
      continue;
    }
    callKey = `call-${++serial}`;
    const observation = answer(clock.nowMs());
    await clock.pass(everyMs);
    await limiter.report(acquired.permit, observation);
    if (observation.result === 'refused') {
      counts.refused++;
      counts.refusedAtMs.push(clock.nowMs());
    } else counts.accepted++;
  }
  return counts;
}

/** As many callers as there are lists: whoever may, calls, and all answers come 100 ms later. */
async function callTogether(
  forMs: number,
  atOnce: number,
  account: string,
  charges: readonly Charge[],
  answer: (nowMs: number) => Observation,
): Promise<void> {
  const endMs = clock.nowMs() + forMs;
  const keys = Array.from({ length: atOnce }, (_, n) => `${account}-${n}`);
  while (clock.nowMs() < endMs) {
    const asked = await Promise.all(
      keys.map((callKey) => limiter.acquire({ callKey, account, charges, maxWaitMs: 0 })),
    );
    const permits = asked.flatMap((each) => (each.granted ? [each.permit] : []));
    const answers = permits.map(() => answer(clock.nowMs()));
    await clock.pass(100);
    await Promise.all(permits.map((permit, n) => limiter.report(permit, answers[n]!)));
    const waits = asked.flatMap((each) => (each.granted ? [] : [each.retryAfterMs]));
    if (permits.length === 0) await clock.pass(Math.max(10, Math.min(...waits)));
  }
}

describe('single refusals without a time', () => {
  it('hardly hold up a provider without limits: 2 % of the calls, whatever their rate', async () => {
    const random = seededRandom(7);
    const charges = chargesFor([], { ...call, provider: 'now-and-then' });
    const { accepted, refused } = await callFor(100_000, 125, charges, () => ({
      result: random() < 0.02 ? 'refused' : 'ok',
    }));
    expect(refused).toBeGreaterThan(5);
    expect(accepted + refused).toBeGreaterThan(0.95 * 800);
    expect(await limiter.show('now-and-then/unlimited/a')).toMatchObject({ kind: 'none' });
  });
});

describe('a window whose quota others use, too', () => {
  it('is given out less of once it has been refused, and the third party refuses hardly any more', async () => {
    const limit: LimitSpec = { kind: 'window', name: 'shared', max: 60, perMs: 10_000 };
    const counter = createCounter('fixed', () => ({ max: 60, perMs: 10_000 }), 0);
    let othersAtMs = clock.nowMs();
    const answer = (nowMs: number): Observation => {
      for (; othersAtMs <= nowMs; othersAtMs += 333) if (counter.room(othersAtMs) >= 1) counter.take(othersAtMs, 1);
      if (counter.room(nowMs) < 1) return { result: 'refused' };
      counter.take(nowMs, 1);
      return { result: 'ok' };
    };
    const first = await callFor(60_000, 100, [charge(limit)], answer);
    expect(first.refused).toBeGreaterThan(0);
    const then = await callFor(120_000, 100, [charge(limit)], answer);
    expect(then.refused / (then.refused + then.accepted)).toBeLessThan(0.02);
    expect(then.accepted).toBeGreaterThan(0.7 * 12 * 30);
    const row = (await limiter.show('refusals/shared/app'))!;
    expect(row).toMatchObject({ declaredMax: 60 });
    expect(row.max).toBeLessThan(50);
    expect(row.events.map(({ type }) => type)).toContain('refused');
    expect(row.text).toMatch(/of \d+ used in 10 s, evenly at [\d.]+ a (second|minute), 60 declared/);
  });
});

describe('more calls at once than the third party takes, or than others leave', () => {
  it.each([
    [10, 4, 8],
    [10, 1, 8],
    [30, 12, 25],
  ])('are found out within seconds: %i declared, %i taken, %i wanted', async (max, taken, wanted) => {
    const name = `at-once-${taken}`;
    const limit: LimitSpec = { kind: 'inflight', name, max };
    const counts = { accepted: 0, refused: 0 };
    let atMs = 0;
    let open = 0;
    const answer = (nowMs: number): Observation => {
      open = nowMs === atMs ? open + 1 : 1; // all answers of a moment are of calls that were on their way together
      atMs = nowMs;
      const isRefused = open > taken;
      counts[isRefused ? 'refused' : 'accepted']++;
      return { result: isRefused ? 'refused' : 'ok' };
    };
    const startedMs = clock.nowMs();
    while (counts.accepted < 60 * taken && clock.nowMs() - startedMs < 600_000)
      await callTogether(1, wanted, name, [charge(limit)], answer);
    expect(counts.refused).toBeLessThan(3 * wanted);
    // Callers who wait for their turn come back by a tenth of a second: that makes most of it.
    expect(clock.nowMs() - startedMs).toBeLessThan(120_000);
    const { max: found = 0 } = (await limiter.show(`refusals/${name}/app`)) ?? {};
    expect(found).toBeGreaterThan(0.6 * taken);
    expect(found).toBeLessThanOrEqual(taken + 1);
  });
});

describe('a bucket that was declared too large, whose burst is a single call', () => {
  it('is given out less of, too: hardly a call is refused any more', async () => {
    const charges = [charge({ kind: 'bucket', name: 'leaky', perSecond: 10, burst: 1 })];
    const counter = createCounter('token-bucket', () => ({ max: 3, perMs: 1_000, burst: 1 }), clock.nowMs());
    const answer = (nowMs: number): Observation => {
      if (counter.room(nowMs) < 1) return { result: 'refused', blockForMs: 1_000 };
      counter.take(nowMs, 1);
      return { result: 'ok' };
    };
    await callFor(60_000, 20, charges, answer);
    const { accepted, refused } = await callFor(120_000, 20, charges, answer);
    expect(refused / (accepted + refused)).toBeLessThan(0.04);
    expect(accepted).toBeGreaterThan(0.5 * 3 * 120);
  });
});

describe('a window that is given out evenly since it was refused', () => {
  /** Refuses in crowds, so that what is given out goes evenly. */
  async function evenly(name: string): Promise<{ charges: Charge[]; key: string }> {
    const charges = [charge({ kind: 'window', name, max: 100, perMs: 10_000 })];
    const counter = createCounter('fixed', () => ({ max: 55, perMs: 10_000 }), 0);
    await callFor(60_000, 50, charges, (nowMs) => {
      if (counter.room(nowMs) < 1) return { result: 'refused' };
      counter.take(nowMs, 1);
      return { result: 'ok' };
    });
    const key = `refusals/${name}/app`;
    const { max, ratePerSecond } = (await limiter.show(key))!;
    expect(max).toBeLessThan(70);
    expect(ratePerSecond).toBeCloseTo(max! / 10, 5);
    return { charges, key };
  }

  it('goes at the rate of an override of its `max` at once, and at its own when that is taken back', async () => {
    const { charges, key } = await evenly('overridden');
    const before = (await limiter.show(key))!;
    await limiter.override(key, { max: 80 });
    expect(await limiter.show(key)).toMatchObject({ max: 80, ratePerSecond: 8 });
    await callFor(30_000, 20, charges, () => ({ result: 'ok' }));
    expect(await limiter.show(key)).toMatchObject({ max: 80, ratePerSecond: 8 });
    await limiter.override(key, {});
    const after = (await limiter.show(key))!;
    // Not all that is declared, which had been refused.
    expect(after.max).toBeLessThan(1.5 * before.max!);
    expect(after.ratePerSecond).toBeCloseTo(after.max! / 10, 5);
  });

  it('goes at the rate of what an answer says that the limit is', async () => {
    const { charges, key } = await evenly('corrected');
    await callFor(30_000, 100, charges, () => ({ result: 'ok', quotas: [{ limit: 'corrected', max: 5 }] }));
    const { max, ratePerSecond } = (await limiter.show(key))!;
    expect(max).toBeLessThanOrEqual(5);
    expect(ratePerSecond).toBeCloseTo(max! / 10, 5);
  });
});

describe('a known limit', () => {
  it.each(['ev_refused', 'ev_stale'])(
    'hears of a refusal that is reported while its law is stepped, and of the time that this tells: %s',
    async (what) => {
      const limit: LimitSpec = { kind: 'window', name: `meanwhile-${what}`, max: 100, perMs: 60_000 };
      await limiter.acquire({ callKey: limit.name, account: 'a', charges: [charge(limit)] });
      const of = `where key = 'refusals/${limit.name}/app'`;
      const set = `${what} = 1, ev_retry_ms = 4000, ev_counted = true, law = '{}'`;
      await database.pool.query(`update sluice.limit_bucket set ${set} ${of}`);
      const write = async (refused: number, stale: number): Promise<unknown> => {
        await database.pool.query(
          `select sluice.limit_refusals_write(id, law_version, law, null, null, 0, $1, $2, 0, null) from sluice.limit_bucket ${of}`,
          [refused, stale],
        );
        return (await database.pool.query(`select * from sluice.limit_bucket ${of}`)).rows[0];
      };
      expect(await write(0, 0)).toMatchObject({ [what]: 1, ev_retry_ms: 4000, ev_counted: true });
      const [refused, stale] = what === 'ev_refused' ? [1, 0] : [0, 1];
      expect(await write(refused, stale)).toMatchObject({ [what]: 0, ev_retry_ms: null, ev_counted: false });
    },
  );
});

describe('the reset that a refusal tells in its headers', () => {
  it.each<[string, { max?: number; remaining?: number }]>([
    ['with the limit as it is declared', { max: 100, remaining: 0 }],
    ['with nothing left of some limit', { remaining: 0 }],
    ['alone', {}],
  ])('is waited for, %s: not one call is made before it', async (name, hint) => {
    const limit: LimitSpec = { kind: 'window', name: `told ${name}`, max: 100, perMs: 60_000 };
    const counter = createCounter('fixed', () => ({ max: 20, perMs: 60_000 }), 0);
    const resets: number[] = [];
    const { refusedAtMs } = await callFor(300_000, 200, [charge(limit)], (nowMs) => {
      const resetAfterMs = counter.wholeInMs(nowMs);
      if (counter.room(nowMs) >= 1) {
        counter.take(nowMs, 1);
        return { result: 'ok' };
      }
      resets.push(nowMs + resetAfterMs);
      return { result: 'refused', quotas: [{ ...hint, resetAfterMs }] };
    });
    expect(refusedAtMs.length).toBeGreaterThan(0);
    for (const [index, atMs] of refusedAtMs.slice(1).entries()) expect(atMs).toBeGreaterThan(resets[index]!);
    // One in each window at most.
    expect(refusedAtMs.length).toBeLessThanOrEqual(6);
  });
});

describe('calls to which no limit applies', () => {
  it('have a limit that is learned when most of them are refused', async () => {
    const charges = chargesFor([], { ...call, provider: 'limited-after-all' });
    const counter = createCounter('token-bucket', () => ({ max: 2, perMs: 1_000, burst: 4 }), clock.nowMs());
    const answer = (nowMs: number): Observation => {
      if (counter.room(nowMs) < 1) return { result: 'refused' };
      counter.take(nowMs, 1);
      return { result: 'ok' };
    };
    await callFor(120_000, 50, charges, answer);
    expect(await limiter.show('limited-after-all/unlimited/a')).toMatchObject({ kind: 'learned' });
    const { accepted, refused } = await callFor(120_000, 50, charges, answer);
    expect(accepted).toBeGreaterThan(0.4 * 240);
    expect(refused).toBeLessThan(0.1 * accepted);
  });
});

describe('a refusal that names none of several limits', () => {
  const minute: LimitSpec = { kind: 'window', name: 'blame-minute', max: 100, perMs: 60_000 };
  const hour: LimitSpec = { kind: 'window', name: 'blame-hour', max: 10_000, perMs: 3_600_000 };
  const keyed = (limit: LimitSpec, of: string): Charge => ({ limit, key: `refusals/${limit.name}/${of}`, cost: 1 });
  const shown = (limit: LimitSpec, of: string) => limiter.show(`refusals/${limit.name}/${of}`);
  /** Counts what it takes in any minute, and refuses as it is told to. */
  const holding = (max: number, refusal: Partial<Observation>) => {
    const counter = createCounter('sliding', () => ({ max, perMs: 60_000 }), clock.nowMs());
    return (nowMs: number): Observation => {
      if (counter.room(nowMs) < 1) return { result: 'refused', ...refusal };
      counter.take(nowMs, 1);
      return { result: 'ok' };
    };
  };

  it('is held against the one of which its headers say that nothing is left, also where they say when to come again', async () => {
    const charges = [keyed(minute, 'told'), keyed(hour, 'told')];
    const told = { blockForMs: 5_000, quotas: [{ max: 100, remaining: 0 }] };
    const { refused } = await callFor(600_000, 200, charges, holding(50, told));
    expect(refused).toBeGreaterThan(3);
    expect((await shown(minute, 'told'))?.max).toBeLessThan(80);
    expect(await shown(hour, 'told')).toMatchObject({ max: 10_000, events: [] });
  });

  it('is held against the one that is nearest to full, where nothing is told', async () => {
    const charges = [keyed(minute, 'untold'), keyed(hour, 'untold')];
    const { accepted, refused } = await callFor(1_200_000, 200, charges, holding(50, {}));
    expect(refused / accepted).toBeLessThan(0.1);
    expect(accepted).toBeGreaterThan(0.8 * 50 * 20);
    expect((await shown(minute, 'untold'))?.max).toBeLessThan(80);
    expect(await shown(hour, 'untold')).toMatchObject({ max: 10_000, events: [] });
  });

  it('is held against none that is far shorter than the wait that it tells', async () => {
    const charges = [keyed(hour, 'long'), keyed(minute, 'long')];
    await callFor(1_000, 2_000, charges, () => ({ result: 'refused', blockForMs: 1_800_000 }));
    expect(await shown(hour, 'long')).toMatchObject({ state: 'blocked' });
    expect(await shown(minute, 'long')).toMatchObject({ state: 'free' });
  });
});

describe('calls for which no limit is declared, or one that is learned, whose answers tell one', () => {
  it.each([
    ['fixed', 10, 10_000, 16, []],
    ['fixed', 40, 5_000, 15, []],
    ['fixed', 50, 60_000, 40, []],
    ['sliding', 100, 10_000, 8, []],
    ['fixed', 20, 10_000, 12, [inflight('open', { by: ['account'], max: 6 })]],
    ['fixed', 50, 60_000, 39, [learned('l', { by: ['account'] })]],
  ] as const)(
    'do not run into it again and again: %s, %i in %i ms, %i at once',
    async (kind, max, perMs, atOnce, limits) => {
      const account = `told-${kind}-${max}-${atOnce}`;
      const charges = chargesFor(limits, { ...call, account, provider: 'told' });
      const counter = createCounter(kind, () => ({ max, perMs }), clock.nowMs());
      const startedMs = clock.nowMs();
      const taken: number[] = [];
      /** Of each refusal: in the how manieth window. */
      const refused: number[] = [];
      const answer = (nowMs: number): Observation => {
        const isRefused = counter.room(nowMs) < 1;
        if (!isRefused) counter.take(nowMs, 1);
        if (!isRefused) taken.push(nowMs);
        const remaining = Math.floor(counter.room(nowMs));
        // Of a window that slides: until the first call leaves it.
        const firstMs = taken.find((atMs) => atMs > nowMs - perMs) ?? nowMs;
        const resetAfterMs = perMs - (kind === 'fixed' ? (nowMs - startedMs) % perMs : nowMs - firstMs);
        if (isRefused) refused.push(Math.floor((nowMs - startedMs) / perMs));
        return { result: isRefused ? 'refused' : 'ok', quotas: [{ max, remaining, resetAfterMs }] };
      };
      await callTogether(20 * perMs, atOnce, account, charges, answer);
      // Nothing is known before the first refusal: what was on its way then is refused with it, and nearly nothing after
      // that window. Which window it is depends on the order in which the callers come. In some orders none is refused.
      const firstRefused = refused[0] ?? 0;
      expect(firstRefused).toBeLessThan(5);
      expect(refused.filter((at) => at > firstRefused).length).toBeLessThan(0.02 * taken.length);
      expect(taken.length).toBeGreaterThan(0.6 * 20 * max);
    },
    60_000,
  );
});

describe('calls for which no limit is declared, and of which several are refused together at the end of each window', () => {
  it.each([
    [10, 10_000, (waitMs: number) => ({ blockForMs: waitMs })],
    [40, 5_000, (waitMs: number) => ({ blockForMs: waitMs })],
    [10, 60_000, () => ({})],
  ] as const)('have a limit that is learned: %i in %i ms', async (max, perMs, tell) => {
    const account = `together-${max}-${perMs}`;
    const charges = chargesFor([], { ...call, account, provider: 'together' });
    const startedMs = clock.nowMs();
    const counter = createCounter('fixed', () => ({ max, perMs }), startedMs);
    const counts = { accepted: 0, refused: 0 };
    const answer = (nowMs: number): Observation => {
      const isRefused = counter.room(nowMs) < 1;
      counts[isRefused ? 'refused' : 'accepted'] += 1;
      if (isRefused) return { result: 'refused', ...tell(perMs - ((nowMs - startedMs) % perMs)) };
      counter.take(nowMs, 1);
      return { result: 'ok' };
    };
    await callTogether(12 * perMs, 8, account, charges, answer);
    expect(await limiter.show(`together/unlimited/${account}`)).toMatchObject({ kind: 'learned' });
    Object.assign(counts, { accepted: 0, refused: 0 });
    await callTogether(12 * perMs, 8, account, charges, answer);
    expect(counts.accepted).toBeGreaterThan(0.3 * 12 * max);
    expect(counts.refused).toBeLessThan(0.2 * counts.accepted);
  });
});
