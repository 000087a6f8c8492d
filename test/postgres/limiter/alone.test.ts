/** The limiter for code that is there already: `limitFetch`, `schedule`, and options by the names of other queues. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createLimiter,
  defineLimits,
  limitFetch,
  queueLimits,
  schedule,
  TurnNotCome,
  window,
  type Limiter,
} from '../../../limiter/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let db: TestDatabase;
let api: FakeApi;
let limiter: Limiter;
let other: Limiter;
beforeAll(async () => {
  db = await createTestDatabase();
  api = await startFakeApi();
  limiter = createLimiter({ pool: db.pool });
  other = createLimiter({ pool: db.pool });
});
afterAll(async () => {
  await limiter?.stop();
  await other?.stop();
  await api?.stop();
  await db?.drop();
});

const limitsOf = (name: string, max = 10, perMs = 500, guardMs = 100) =>
  defineLimits(name, [window('w', { by: ['app'], max, perMs, guardMs })]);

describe('fetch with limits', () => {
  it('of two processes keeps to one limit together, and gives every answer', async () => {
    api.object('/kept/:id', ({ id }) => ({ id }));
    const hidden = api.limit({ name: 'kept', by: 'app', kind: 'sliding', max: 10, perMs: 500, on: '/kept/*' });
    // As far apart as a busy machine's calls are on their way.
    const charges = limitsOf('kept', 10, 500, 500);
    const ours = [limiter, other].map((each) => limitFetch(each, { charges }));
    const ids = Array.from({ length: 24 }, (_, n) => n);
    const answers = await Promise.all(ids.map((n) => ours[n % 2]!(`${api.url}/kept/${n}`)));
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { id: string }[];
    expect(bodies.map(({ id }) => Number(id))).toEqual(ids);
    expect(hidden.violations()).toBe(0);
  });

  it('sends a refused call again when the third party said, its body as well, and tells the other process', async () => {
    const seen: string[] = [];
    api.route('POST', '/refuses', (call) => {
      seen.push(call.text);
      return seen.length === 1 ? { status: 429, headers: { 'retry-after': '1' }, body: {} } : { body: { ok: true } };
    });
    const charges = limitsOf('refuses', 100, 1_000);
    const startedAt = performance.now();
    const answer = await limitFetch(limiter, { charges })(`${api.url}/refuses`, {
      method: 'POST',
      body: 'the very body',
    });
    expect(answer.status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(seen).toEqual(['the very body', 'the very body']);
    api.route('GET', '/refused', () => ({ status: 429, headers: { 'retry-after': '30' }, body: {} }));
    expect((await limitFetch(limiter, { charges, retries: 0 })(`${api.url}/refused`)).status).toBe(429);
    const waiting = limitFetch(other, { charges, timeoutMs: 300 })(`${api.url}/refused`);
    await expect(waiting).rejects.toThrow(TurnNotCome);
    await expect(waiting).rejects.toThrow(/blocked|closed/);
  });

  it('does not write twice where 503 may have come after the write', async () => {
    let writes = 0;
    api.route('POST', '/gateway', () => (writes++, { status: 503, headers: { 'retry-after': '0' }, body: {} }));
    const answer = await limitFetch(limiter, { charges: limitsOf('gateway') })(`${api.url}/gateway`, {
      method: 'POST',
    });
    expect([answer.status, writes]).toEqual([503, 1]);
  });

  it('leaves its place when the caller ends it, and nothing is sent', async () => {
    let calls = 0;
    api.route('GET', '/left', () => (calls++, { body: {} }));
    const charges = limitsOf('left', 1, 60_000);
    const left = limitFetch(limiter, { charges });
    await left(`${api.url}/left`);
    await expect(left(`${api.url}/left`, { signal: AbortSignal.timeout(200) })).rejects.toThrow(/aborted|timeout/i);
    expect(calls).toBe(1);
    const [limit] = await limiter.list({ prefix: 'left/w/' });
    expect(limit?.waiting).toBe(0);
  });
});

describe('a function with limits', () => {
  it('runs with as many others as are allowed at once, and what it throws is thrown', async () => {
    const charges = defineLimits('at-once', queueLimits({ concurrency: 2 }));
    let open = 0;
    let most = 0;
    const call = async () => {
      most = Math.max(most, ++open);
      await sleep(20);
      open--;
      return 'done';
    };
    const of = { account: 'a', charges: charges({ account: 'a' }) };
    expect(await Promise.all(Array.from({ length: 8 }, () => schedule(limiter, of, call)))).toEqual(
      Array.from({ length: 8 }, () => 'done'),
    );
    expect(most).toBe(2);
    const failing = schedule(limiter, of, () => {
      throw new RangeError('its own');
    });
    await expect(failing).rejects.toThrow(RangeError);
  });

  it('keeps the distance that is asked for', async () => {
    const charges = defineLimits('distance', queueLimits({ minTime: 60 }));
    const at: number[] = [];
    const of = { account: 'a', charges: charges({ account: 'a' }) };
    await Promise.all(Array.from({ length: 6 }, () => schedule(limiter, of, () => at.push(performance.now()))));
    expect(at.at(-1)! - at[0]!).toBeGreaterThan(5 * 60 - 30);
  });
});

describe('callers without a type checker', () => {
  it('are told of a name that nobody reads', async () => {
    const charges = limitsOf('names')({ account: 'a' });
    const acquired = await limiter.acquire({ callKey: 'k', account: 'a', charges });
    if (!acquired.granted) throw new Error('not granted');
    await expect(limiter.report(acquired.permit, { result: 'ok', closeForMs: 5 } as never)).rejects.toThrow(
      /unknown option `closeForMs`; known are .*blockForMs/,
    );
    await limiter.report(acquired.permit, { result: 'ok' });
    await expect(limiter.acquire({ callKey: 'k', account: 'a', charges, maxWait: 5 } as never)).rejects.toThrow(
      /unknown option `maxWait`; known are .*maxWaitMs/,
    );
    expect(() => limitsOf('names')({ acount: 'a' } as never)).toThrow(
      /^A call of "names.*": unknown option `acount`; known are account, .*; `account` is undefined; it must be a name$/,
    );
    expect(() => limitFetch(limiter, { charge: limitsOf('names') } as never)).toThrow(
      /^limitFetch: unknown option `charge`; known are .*\nlimitFetch: `charges` is missing; it must be a function$/,
    );
    const fetched = limitFetch(limiter, { charges: limitsOf('names') })('http://x.invalid', {
      limited: { acount: 'a' },
    } as never);
    await expect(fetched).rejects.toThrow('limited: unknown option `acount`; known are account');
    expect(() => createLimiter({ poool: db.pool } as never)).toThrow(
      'createLimiter: unknown option `poool`; known are pool',
    );
    expect(() => createLimiter({} as never)).toThrow('createLimiter: `pool` is missing; give it a pool of `pg`');
    expect(() => queueLimits({ intervalCap: 5, intervall: 3 } as never)).toThrow(
      /unknown option `intervall`.*belong together/,
    );
    expect(() => queueLimits({})).toThrow('it states no limit');
  });
});
