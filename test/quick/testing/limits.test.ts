import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { FakeApi, LimitHeaders } from '../../../testing/index.ts';
import { startFakeApi } from '../../../testing/index.ts';
import type { LimitKind, LimitNumbers } from '../../../testing/fake-api/limits/limit-counters.ts';
import { createCounter } from '../../../testing/fake-api/limits/limit-counters.ts';

interface Taken {
  readonly at: number;
  readonly cost: number;
}

/** Units that count at `now`, straight from the definition of each kind, over the whole log of calls let in. */
const model: Record<
  Exclude<LimitKind, 'concurrent' | 'aligned' | 'calendar'>,
  (log: Taken[], now: number, numbers: LimitNumbers) => number
> = {
  fixed: (log, now, { perMs, phaseMs = 0 }) => {
    const window = (at: number) => Math.floor((at - phaseMs) / perMs);
    return sum(log.filter(({ at }) => window(at) === window(now)));
  },
  sliding: (log, now, { perMs }) => sum(log.filter(({ at }) => at > now - perMs)),
  'token-bucket': (log, now, { max, perMs, burst = max }) => {
    let level = burst;
    let last = 0;
    for (const { at, cost } of log) {
      level = Math.min(burst, level + ((at - last) * max) / perMs) - cost;
      last = at;
    }
    return burst - Math.min(burst, level + ((now - last) * max) / perMs);
  },
};
const sum = (log: readonly Taken[]) => log.reduce((total, { cost }) => total + cost, 0);

describe('limit counters', () => {
  for (const kind of ['fixed', 'sliding', 'token-bucket'] as const) {
    it(`lets in exactly the calls that a brute-force model of ${kind} lets in`, () => {
      const calls = fc.array(
        fc.record({ gapMs: fc.integer({ min: 0, max: 700 }), cost: fc.integer({ min: 0, max: 4 }) }),
        {
          minLength: 1,
          maxLength: 120,
        },
      );
      const numbers = fc.record({
        max: fc.integer({ min: 1, max: 12 }),
        perMs: fc.integer({ min: 1, max: 2_000 }),
        phaseMs: fc.integer({ min: 0, max: 2_000 }),
        burst: fc.integer({ min: 1, max: 20 }),
      });
      fc.assert(
        fc.property(calls, numbers, (attempts, limit) => {
          const capacity = kind === 'token-bucket' ? limit.burst : limit.max;
          const counter = createCounter(kind, () => limit, 0);
          const log: Taken[] = [];
          let now = 0;
          for (const { gapMs, cost } of attempts) {
            now += gapMs;
            const used = model[kind](log, now, limit);
            expect(counter.used(now)).toBeCloseTo(used, 4);
            const fits = used + cost <= capacity + 1e-6;
            expect(counter.room(now) >= cost).toBe(fits);
            const freeInMs = counter.freeInMs(now, cost);
            if (cost > capacity) expect(freeInMs).toBe(Number.POSITIVE_INFINITY);
            else if (fits) expect(freeInMs).toBeCloseTo(0, 3);
            else {
              // The promise holds, and not a moment earlier.
              expect(model[kind](log, now + freeInMs + 1e-3, limit) + cost).toBeLessThanOrEqual(capacity + 1e-2);
              if (freeInMs > 0.01)
                expect(model[kind](log, now + freeInMs - 0.01, limit) + cost).toBeGreaterThan(capacity);
            }
            if (fits) {
              counter.take(now, cost);
              log.push({ at: now, cost });
            }
          }
        }),
        { numRuns: 150 },
      );
    });
  }

  it('begin at multiples of their length of the time of day, or at midnights of a zone, whatever the summer time', () => {
    // The server began at 00:00:10.5 of the day on which Berlin goes over to summer time.
    const epochMs = Date.parse('2026-03-28T23:00:10.500Z');
    const hourMs = 3_600_000;
    const minute = createCounter(
      'aligned',
      () => ({ max: 5, perMs: 60_000 }),
      0,
      () => epochMs,
    );
    minute.take(0, 5);
    expect(minute.freeInMs(0, 1)).toBe(49_500);
    expect(minute.room(49_499)).toBe(0);
    expect(minute.room(49_500)).toBe(5);
    const day = createCounter(
      'calendar',
      () => ({ max: 5, perMs: 1, per: 'day', zone: 'Europe/Berlin' }),
      0,
      () => epochMs,
    );
    day.take(0, 5);
    expect(day.freeInMs(0, 1)).toBe(23 * hourMs - 10_500);
    expect(day.room(23 * hourMs - 10_501)).toBe(0);
    expect(day.room(23 * hourMs - 10_500)).toBe(5);
    const month = createCounter(
      'calendar',
      () => ({ max: 5, perMs: 1, per: 'month', zone: 'UTC' }),
      0,
      () => epochMs,
    );
    month.take(0, 1);
    expect(month.wholeInMs(0)).toBe(Date.parse('2026-04-01T00:00:00Z') - epochMs);
    const week = createCounter(
      'calendar',
      () => ({ max: 5, perMs: 1, per: 'week', zone: 'UTC' }),
      0,
      () => epochMs,
    );
    week.take(0, 1);
    expect(week.wholeInMs(0)).toBe(Date.parse('2026-03-30T00:00:00Z') - epochMs);
  });

  it('give back what a call turned out not to cost', () => {
    for (const kind of ['fixed', 'sliding', 'token-bucket'] as const) {
      const counter = createCounter(kind, () => ({ max: 10, perMs: 1_000_000 }), 0);
      counter.take(0, 8);
      counter.take(5, 1);
      counter.settle(0, -6);
      expect(counter.used(6), kind).toBeCloseTo(3, 1);
      counter.settle(5, 4);
      expect(counter.used(7), kind).toBeCloseTo(7, 1);
    }
  });

  it('keeps the log of a sliding window short however long it runs', () => {
    const counter = createCounter('sliding', () => ({ max: 10, perMs: 1_000 }), 0);
    for (let now = 0; now < 5_000_000; now += 100) if (counter.room(now) >= 1) counter.take(now, 1);
    expect(counter.used(4_999_900)).toBe(10);
  });
});

describe('limits of a fake third party', () => {
  let api: FakeApi;
  afterEach(() => api.stop());
  const get = (path: string, headers: Record<string, string> = {}) => fetch(`${api.url}${path}`, { headers });
  const statuses = async (paths: readonly string[], headers?: Record<string, string>) => {
    const seen: number[] = [];
    for (const path of paths) seen.push((await get(path, headers)).status);
    return seen;
  };

  it('refuses the calls above a limit and reports each as a violation with key, use and maximum', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({ id: 'me' }));
    api.limit({ name: 'per-token', by: 'token', max: 2, perMs: 60_000 });
    expect(await statuses(['/me', '/me', '/me'], { authorization: 'Bearer a' })).toEqual([200, 200, 429]);
    expect(await statuses(['/me'], { authorization: 'Bearer b' })).toEqual([200]);
    const report = api.report();
    expect(report).toMatchObject({ calls: 4, ok: 3, refused: 1, violationCount: 1 });
    expect(report.violations[0]).toMatchObject({ limit: 'per-token', key: 'a', used: 2, max: 2, cost: 1, path: '/me' });
  });

  it('charges all limits of a call or, when one refuses, none', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({})).object('/search', () => ({}));
    const app = api.limit({ name: 'app', max: 10, perMs: 60_000 });
    api.limit({ name: 'search', max: 1, perMs: 60_000, on: '/search' });
    expect(await statuses(['/search', '/search', '/search', '/me'])).toEqual([200, 429, 429, 200]);
    expect(app.used()).toBe(2);
    expect(api.report().violations.map(({ limit }) => limit)).toEqual(['search', 'search']);
  });

  it('has other numbers for keys with a plan of their own, and takes back what a call did not cost', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({ id: 'me' }));
    const limit = api.limit({
      name: 'points',
      by: 'token',
      max: 10,
      maxFor: (key) => (key === 'pro' ? 30 : undefined),
      perMs: 60_000,
      cost: () => 10,
      actualCost: () => 4,
    });
    const free = { authorization: 'Bearer free' };
    expect(await statuses(['/me', '/me'], free)).toEqual([200, 429]);
    await expect.poll(() => limit.used('free')).toBe(4);
    expect(await statuses(['/me', '/me', '/me', '/me', '/me'], { authorization: 'Bearer pro' })).toContain(200);
    await expect.poll(() => limit.used('pro')).toBeGreaterThanOrEqual(20);
  });

  it('counts refused calls too when told so', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    const strict = api.limit({ name: 'strict', max: 1, perMs: 60_000, countsRefused: true });
    await statuses(['/me', '/me', '/me']);
    expect(strict.used()).toBe(3);
  });

  it('takes the address from X-Forwarded-For, the cost from the call and the key from any of its parts', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    const cost = (call: { query: URLSearchParams }) => Number(call.query.get('limit') ?? 1);
    const limit = api.limit({ name: 'ip', by: ['ip', 'path'], max: 100, perMs: 60_000, cost });
    expect(await statuses(['/me?limit=60', '/me?limit=60'], { 'x-forwarded-for': '10.0.0.1, 9.9.9.9' })).toEqual([
      200, 429,
    ]);
    expect(await statuses(['/me?limit=60'], { 'x-forwarded-for': '10.0.0.2' })).toEqual([200]);
    expect(limit.used('10.0.0.1 /me')).toBe(60);
  });

  it('counts calls in flight for a concurrent limit and gives the place back when they end', async () => {
    api = await startFakeApi();
    const gates: (() => void)[] = [];
    api.route('GET', '/slow', async () => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return { body: {} };
    });
    const limit = api.limit({ name: 'two', kind: 'concurrent', max: 2 });
    const both = [get('/slow'), get('/slow')];
    await expect.poll(() => gates.length).toBe(2);
    expect((await get('/slow')).status).toBe(429);
    for (const open of gates) open();
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
    await expect.poll(() => limit.used()).toBe(0);
  });

  it('changes its numbers at run time and can be taken away', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    const limit = api.limit({ name: 'app', max: 1, perMs: 60_000 });
    expect(await statuses(['/me', '/me'])).toEqual([200, 429]);
    limit.set({ max: 2 });
    expect(await statuses(['/me', '/me'])).toEqual([200, 429]);
    limit.remove();
    expect(await statuses(['/me', '/me'])).toEqual([200, 200]);
    expect(limit.violations()).toBe(2);
  });

  it('only counts violations when it is not enforced', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    api.limit({ name: 'watched', max: 1, perMs: 60_000, enforced: false });
    expect(await statuses(['/me', '/me', '/me'])).toEqual([200, 200, 200]);
    expect(api.report()).toMatchObject({ violationCount: 2, refused: 0, ok: 3 });
  });

  it('answers with the refusal of its own when one is given', async () => {
    api = await startFakeApi();
    api.object('/me', () => ({}));
    const refusal = (_call: unknown, { freeInMs }: { freeInMs: number }) => ({
      status: 403,
      body: { code: 32, message: `quota, wait ${Math.ceil(freeInMs / 1_000)} s` },
    });
    api.limit({ name: 'quota', max: 0, perMs: 60_000, refusal });
    const answer = await get('/me');
    expect(answer.status).toBe(403);
    expect(api.report().refused).toBe(1);
    expect(await answer.json()).toMatchObject({ code: 32 });
  });

  const said: Record<Exclude<LimitHeaders, 'none'>, (headers: Headers) => void> = {
    ietf: (headers) => {
      expect(headers.get('ratelimit-policy')).toBe('"app";q=1;w=60');
      expect(headers.get('ratelimit')).toMatch(/^"app";r=0;t=(5\d|60)$/);
    },
    'ietf-old': (headers) => {
      expect(headers.get('ratelimit-limit')).toBe('1');
      expect(headers.get('ratelimit-remaining')).toBe('0');
      expect(Number(headers.get('ratelimit-reset'))).toBeGreaterThan(50);
    },
    'x-ratelimit': (headers) =>
      expect(Number(headers.get('x-ratelimit-reset'))).toBeCloseTo(Date.now() / 1_000 + 60, -1),
    'x-ratelimit-ms': (headers) =>
      expect(Math.abs(Number(headers.get('x-ratelimit-reset')) - Date.now() - 60_000)).toBeLessThan(10_000),
    'x-ratelimit-delta': (headers) => expect(Number(headers.get('x-ratelimit-reset'))).toBeGreaterThan(50),
    'retry-after-seconds': (headers) => expect(Number(headers.get('retry-after'))).toBeGreaterThan(50),
    'retry-after-ms': (headers) => expect(Number(headers.get('retry-after-ms'))).toBeGreaterThan(50_000),
    'retry-after-date': (headers) => {
      const waitMs = Date.parse(headers.get('retry-after') as string) - Date.now();
      expect(waitMs).toBeGreaterThan(50_000);
      expect(waitMs).toBeLessThan(62_000);
    },
  };
  for (const [dialect, check] of Object.entries(said)) {
    it(`says its refusal in the dialect ${dialect}, and nothing when it is hidden`, async () => {
      api = await startFakeApi();
      api.object('/me', () => ({}));
      const shared = { max: 1, perMs: 60_000, headers: dialect as LimitHeaders };
      const spoken = api.limit({ name: 'app', ...shared });
      await get('/me');
      check((await get('/me')).headers);
      spoken.remove();
      api.limit({ name: 'hidden', hidden: true, ...shared });
      await get('/me');
      const names = [...(await get('/me')).headers.keys()];
      expect(names.filter((name) => /limit|retry/.test(name))).toEqual([]);
    });
  }
});
