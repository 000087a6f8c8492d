import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, InflightLimit, Priority, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter, type Permit } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let database: TestDatabase;
let limiter: Limiter;
beforeAll(async () => {
  database = await createTestDatabase();
  limiter = createLimiter({ pool: database.pool });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

interface Demand {
  readonly account: string;
  readonly callers: number;
  readonly weight?: number;
  readonly priority?: Priority;
}

/** Lets accounts compete for one limit for a while; returns what each got after the first window, which is for who comes first. */
async function compete(charge: Charge, demands: readonly Demand[], runMs: number) {
  const served = new Map<string, number>(demands.map(({ account }) => [account, 0]));
  const countsFrom = performance.now() + 600;
  const endsAt = countsFrom + runMs;
  const loop = async ({ account, weight = 1, priority = 'bulk' }: Demand, index: number) => {
    for (let serial = 0; performance.now() < endsAt; serial++) {
      const callKey = `${charge.key}-${account}-${index}-${serial}`;
      const answer = await limiter.acquire({ callKey, account, charges: [charge], weight, priority, maxWaitMs: 5_000 });
      if (!answer.granted) {
        await new Promise((resolve) => setTimeout(resolve, answer.retryAfterMs));
        serial--; // the same call comes back, and has kept its place
      }
      if (answer.granted && performance.now() > countsFrom && performance.now() < endsAt)
        served.set(account, served.get(account)! + 1);
      if (answer.granted && charge.limit.kind === 'inflight') {
        await new Promise((resolve) => setTimeout(resolve, 20));
        await limiter.report(answer.permit, { result: 'ok' });
      }
    }
  };
  await Promise.all(
    demands.flatMap((demand) => Array.from({ length: demand.callers }, (_, index) => loop(demand, index))),
  );
  return served;
}

const jain = (values: readonly number[]) =>
  values.reduce((a, b) => a + b, 0) ** 2 / (values.length * values.reduce((a, b) => a + b * b, 0));

const fast: WindowLimit = { kind: 'window', name: 'fast', max: 20, perMs: 200, guardMs: 100 };
const inflight: InflightLimit = { kind: 'inflight', name: 'inflight', max: 3, leaseMs: 5_000 };

describe('accounts that share a limit', () => {
  it('get the same, though one of them asks ten times as much', async () => {
    const demands = Array.from({ length: 8 }, (_, i) => ({ account: `a${i}`, callers: i === 0 ? 40 : 4 }));
    const served = await compete({ limit: fast, key: 'fair/fast/equal', cost: 1 }, demands, 6_000);
    expect([...served.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(200);
    expect(jain([...served.values()])).toBeGreaterThan(0.98);
  });

  it('get shares by weight', async () => {
    const served = await compete(
      { limit: fast, key: 'fair/fast/weights', cost: 1 },
      [
        { account: 'light', callers: 40 },
        { account: 'heavy', callers: 40, weight: 3 },
      ],
      6_000,
    );
    const ratio = served.get('heavy')! / served.get('light')!;
    expect(ratio).toBeGreaterThan(2.6);
    expect(ratio).toBeLessThan(3.4);
  });

  it('wait while an interactive call overtakes bulk work, and background work goes last', async () => {
    const served = await compete(
      { limit: fast, key: 'fair/fast/classes', cost: 1 },
      [
        { account: 'person', callers: 2, priority: 'interactive' },
        { account: 'bulk', callers: 30 },
        { account: 'background', callers: 30, priority: 'background' },
      ],
      4_000,
    );
    expect(served.get('bulk')!).toBeGreaterThan(3 * served.get('background')!);
    expect(served.get('person')!).toBeGreaterThan(10);
  });
});

describe('calls in flight', () => {
  const open = async (scope: string, callKey: string) =>
    limiter.acquire({
      callKey,
      account: 'a',
      charges: [{ limit: inflight, key: `fair/inflight/${scope}`, cost: 1 }],
      maxWaitMs: 0,
    });

  it('are limited, and the next one goes when one ends', async () => {
    const permits: Permit[] = [];
    for (const key of ['1', '2', '3', '4']) {
      const answer = await open('x', key);
      if (answer.granted) permits.push(answer.permit);
    }
    expect(permits).toHaveLength(3);
    await limiter.report(permits[0]!, { result: 'failed' });
    await expect.poll(async () => (await open('x', '4')).granted, { interval: 20 }).toBe(true);
    expect((await open('x', '5')).granted).toBe(false);
  });

  it('of a worker that died are given back after their lease', async () => {
    const short: InflightLimit = { ...inflight, max: 1, leaseMs: 600 };
    const charges: Charge[] = [{ limit: short, key: 'fair/inflight/lease', cost: 1 }];
    const first = await limiter.acquire({ callKey: 'dead', account: 'a', charges });
    expect(first.granted).toBe(true);
    const startedAt = performance.now();
    const second = await limiter.acquire({ callKey: 'next', account: 'a', charges, maxWaitMs: 5_000 });
    expect(second.granted).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThan(500);
  });

  it('use nearly all of the room when many wait', async () => {
    const served = await compete(
      { limit: inflight, key: 'fair/inflight/busy', cost: 1 },
      [{ account: 'a', callers: 12 }],
      4_000,
    );
    // Three at a time, each about 20 ms and the way there and back.
    expect(served.get('a')!).toBeGreaterThan(100);
  });
});
