import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createLimiter, type AcquireResult, type Limiter, type Permit } from '../../../limiter/index.ts';
import { chargesFor } from '../../../providers/limits.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { playClock, type PlayedClock } from '../../setup/played-clock.ts';

// The database's clock is played by a table, so that an outage of an hour passes in a second.
let database: TestDatabase;
let clock: PlayedClock;
let serial = 0;
const limiters: Limiter[] = [];
/** As one more process: it remembers nothing of what others know. */
const process = (): Limiter => {
  const limiter = createLimiter({ pool: database.pool, maxRetryAfterMs: 1e9, sweep: { everyMs: 0 } });
  limiters.push(limiter);
  return limiter;
};

beforeAll(async () => {
  database = await createTestDatabase();
  clock = await playClock(database.pool);
});
afterAll(async () => {
  await Promise.all(limiters.map((limiter) => limiter.stop()));
  await database.drop();
});

const wide: WindowLimit = { kind: 'window', name: 'app', max: 100_000, perMs: 60_000 };
const chargesOf = (provider: string, scope = 'app'): Charge[] => [
  { limit: wide, key: `${provider}/app/${scope}`, cost: 1 },
];
interface Who {
  readonly callKey?: string;
  readonly account?: string;
  readonly endpoint?: string;
}
const ask = (limiter: Limiter, charges: Charge[], who: Who = {}): Promise<AcquireResult> =>
  limiter.acquire({ callKey: `call-${++serial}`, account: 'a', charges, maxWaitMs: 0, ...who });
async function take(limiter: Limiter, charges: Charge[], who: Who = {}): Promise<Permit> {
  const answer = await ask(limiter, charges, who);
  if (!answer.granted) throw new Error(`not granted: ${answer.wait.detail}`);
  return answer.permit;
}
const failed = { result: 'failed', reason: 'HTTP 503: down' } as const;
/** Makes a provider fail until it is taken for failing. */
async function breakDown(provider: string, charges = chargesOf(provider)): Promise<void> {
  const limiter = process();
  const permits: Permit[] = [];
  for (let call = 0; call < 5; call++) permits.push(await take(limiter, charges));
  await Promise.all(permits.map((permit) => limiter.report(permit, failed)));
  await expect.poll(async () => (await limiter.show(`${provider}/*`))?.state).toBe('failing');
}

describe('a provider that fails', () => {
  it('is not one whose one call always fails by itself, but is one when many calls do', async () => {
    const limiter = process();
    const charges = chargesOf('poisoned');
    const own = { result: 'failed', reason: 'HTTP 500', isMaybeItsOwn: true } as const;
    const fail = async (callKey: string): Promise<void> => {
      const answer = await ask(limiter, charges, { callKey });
      if (!answer.granted) throw new Error(`not granted: ${answer.wait.detail}`);
      await limiter.report(answer.permit, own);
    };
    for (let times = 0; times < 20; times++) await fail('poison');
    // What is told is told at most a second later; an answer after it proves that nothing is on its way.
    await limiter.report(await take(limiter, charges), { result: 'ok' });
    expect((await limiter.show('poisoned/*'))?.state ?? 'free').toBe('free');
    for (let call = 0; call < 7; call++) await fail(`many-${call}`);
    await expect.poll(async () => (await limiter.show('poisoned/*'))?.state).toBe('failing');
  });

  it('is called by nobody, whatever limit or process, and the reason says since when and until when', async () => {
    await breakDown('down');
    const other = process();
    for (const scope of ['app', 'another']) {
      const answer = await ask(other, chargesOf('down', scope));
      expect(answer).toMatchObject({ granted: false, wait: { key: 'down/*', cause: 'failing' } });
      if (answer.granted) continue;
      expect(answer.wait.detail).toMatch(
        /^down is failing since 2026-03-01T00:00:00\.\d+Z \(HTTP 503: down\): next probe at 2026-03-01T00:00:00/,
      );
      expect(answer.retryAfterMs).toBeLessThanOrEqual(1_000);
    }
    expect((await ask(other, chargesOf('healthy'))).granted).toBe(true);
    expect((await other.show('down/*'))?.text).toContain('failing since');
    expect((await other.explain(chargesOf('down'))).etaMs).toBeGreaterThan(0);
  });

  it('has a breaker, and can be paused, without any limit', async () => {
    const call = {
      provider: 'free',
      endpoint: 'items',
      tenant: 't',
      settings: undefined,
      ip: 'here',
      input: {},
      pageSize: 1,
    };
    const chargesFrom = (account: string) => chargesFor([], { ...call, account });
    await breakDown('free', chargesFrom('one'));
    expect(await ask(process(), chargesFrom('another'))).toMatchObject({
      granted: false,
      wait: { key: 'free/*', cause: 'failing' },
    });
    await process().pause('calm/*', 'maintenance');
    const paused = chargesFor([], { ...call, provider: 'calm', account: 'one' });
    expect(await ask(process(), paused)).toMatchObject({ granted: false, wait: { cause: 'paused' } });
  });

  it('is probed by one call at a time although many ask in several processes', async () => {
    await breakDown('herd');
    await clock.pass(600);
    const processes = [process(), process(), process()];
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => ask(processes[i % 3]!, chargesOf('herd', `scope-${i}`))),
    );
    const granted = answers.filter((answer) => answer.granted);
    expect(granted).toHaveLength(1);
    expect(granted[0]).toMatchObject({ permit: { isProbe: true } });
    // Those who were sent away do not come back in the same instant.
    const backAt = answers.flatMap((answer) => (answer.granted ? [] : [answer.retryAfterMs]));
    expect(new Set(backAt).size).toBeGreaterThan(15);
  });

  it('is probed again when the probe was not sent, when its caller ended it, and when its worker died', async () => {
    await breakDown('lost');
    await clock.pass(600);
    const limiter = process();
    await limiter.report(await take(process(), chargesOf('lost')), { result: 'not-sent' });
    await limiter.report(await take(process(), chargesOf('lost')), { result: 'ok', isEndedByUs: true });
    await take(process(), chargesOf('lost'));
    expect((await ask(process(), chargesOf('lost'))).granted).toBe(false);
    await clock.pass(31_000);
    expect((await take(process(), chargesOf('lost'))).isProbe).toBe(true);
  });

  it('lets a probe wait for another limit that has no room, and somebody else probe meanwhile', async () => {
    const narrow: WindowLimit = { kind: 'window', name: 'narrow', max: 1, perMs: 3_600_000 };
    const charges: Charge[] = [...chargesOf('narrow'), { limit: narrow, key: 'narrow/narrow/a', cost: 1 }];
    await take(process(), charges);
    await breakDown('narrow');
    await clock.pass(600);
    expect(await ask(process(), charges)).toMatchObject({ granted: false, wait: { cause: 'full' } });
    expect((await take(process(), chargesOf('narrow'))).isProbe).toBe(true);
  });

  it('waits for its operator when it is paused meanwhile', async () => {
    await breakDown('paused');
    await process().pause('paused/*', 'maintenance');
    await clock.pass(600_000);
    expect(await ask(process(), chargesOf('paused'))).toMatchObject({ granted: false, wait: { cause: 'paused' } });
    await process().resume('paused/*');
    expect((await take(process(), chargesOf('paused'))).isProbe).toBe(true);
  });
});

describe('one endpoint that fails', () => {
  /** Makes an endpoint fail until it is taken for failing. */
  async function breakEndpoint(provider: string, endpoint: string, more: object = {}): Promise<void> {
    const limiter = process();
    for (let call = 0; call < 7; call++) {
      const answer = await ask(limiter, chargesOf(provider), { endpoint });
      if (!answer.granted) break;
      await limiter.report(answer.permit, { ...failed, ...more });
    }
    await expect.poll(async () => (await limiter.show(`${provider}/*/${endpoint}`))?.state).toBe('failing');
  }

  it('holds up no other endpoint and no other account of it, however long it fails', async () => {
    await breakEndpoint('partly', 'broken');
    const other = process();
    expect(await ask(other, chargesOf('partly'), { endpoint: 'broken' })).toMatchObject({
      granted: false,
      wait: { key: 'partly/*/broken', cause: 'failing' },
    });
    let healthy = 0;
    for (let call = 0; call < 40; call++) {
      await clock.pass(1_000);
      const probe = await ask(other, chargesOf('partly'), { endpoint: 'broken' });
      if (probe.granted) await other.report(probe.permit, failed);
      const answer = await ask(other, chargesOf('partly'), { endpoint: 'items', account: 'another' });
      if (!answer.granted) continue;
      healthy++;
      await other.report(answer.permit, { result: 'ok' });
    }
    expect(healthy).toBe(40);
    expect((await other.show('partly/*'))?.state).toBe('free');
    const words = await other.explain(chargesOf('partly'), 'a', 'broken');
    expect(words.text).toMatch(/partly\/\*\/broken: failing since 2026-03-01T.*\(HTTP 503: down\)/);
    // Nobody needs to see the gates of endpoints that are well.
    expect((await other.list({ prefix: 'partly/*' })).map(({ key }) => key)).toEqual(['partly/*', 'partly/*/broken']);
  });

  it('is the provider as a whole when it can’t be reached at all', async () => {
    await breakEndpoint('gone', 'items', { isUnreachable: true });
    await expect.poll(async () => (await process().show('gone/*'))?.state).toBe('failing');
    expect(await ask(process(), chargesOf('gone'), { endpoint: 'users' })).toMatchObject({
      granted: false,
      wait: { key: 'gone/*', cause: 'failing' },
    });
  });

  it('and another one are the provider as a whole, and either finds out for both that it is back', async () => {
    const limiter = process();
    for (let call = 0; call < 4; call++)
      for (const endpoint of ['items', 'users'])
        await limiter.report(await take(limiter, chargesOf('both'), { endpoint }), failed);
    await expect.poll(async () => (await limiter.show('both/*'))?.state).toBe('failing');
    await clock.pass(600);
    const first = await take(process(), chargesOf('both'), { endpoint: 'users' });
    expect(first.isProbe).toBe(true);
    await process().report(first, failed);
    await clock.pass(710);
    // It is the turn of the other endpoint.
    expect((await ask(process(), chargesOf('both'), { endpoint: 'users' })).granted).toBe(false);
    const second = await take(process(), chargesOf('both'), { endpoint: 'items' });
    await process().report(second, { result: 'ok' });
    expect((await process().show('both/*'))?.state).toBe('recovering');
    await clock.pass(17_000);
    expect((await take(process(), chargesOf('both'), { endpoint: 'items' })).isProbe).toBeUndefined();
  });

  it('lets accounts take turns at finding out, so that one whose calls always fail is not all that is asked', async () => {
    await breakEndpoint('turns', 'items');
    const probers: string[] = [];
    for (let round = 0; round < 8; round++) {
      await clock.pass(61_000);
      const limiter = process();
      const answers = await Promise.all(
        ['poisoned', 'healthy'].map((account) => ask(limiter, chargesOf('turns'), { endpoint: 'items', account })),
      );
      for (const [index, answer] of answers.entries()) {
        if (!answer.granted) continue;
        probers.push(['poisoned', 'healthy'][index]!);
        await limiter.report(answer.permit, failed);
      }
    }
    expect(probers).toHaveLength(8);
    expect(new Set([probers[1], probers[2]])).toEqual(new Set(['poisoned', 'healthy']));
    expect(probers.filter((account) => account === 'healthy')).toHaveLength(4);
  });

  it('can be paused by its operator, and nothing else is', async () => {
    await take(process(), chargesOf('part'), { endpoint: 'items' });
    await process().pause('part/*/items', 'broken since the last release');
    expect(await ask(process(), chargesOf('part'), { endpoint: 'items' })).toMatchObject({
      granted: false,
      wait: { key: 'part/*/items', cause: 'paused' },
    });
    expect((await ask(process(), chargesOf('part'), { endpoint: 'users' })).granted).toBe(true);
  });
});

describe('after an outage of an hour', () => {
  it('calls come back by degrees, and the probes were at most 80', async () => {
    await breakDown('hour');
    const fromMs = clock.nowMs();
    let probes = 0;
    while (clock.nowMs() < fromMs + 3_600_000) {
      const limiter = process();
      const answer = await ask(limiter, chargesOf('hour'), { callKey: 'the-one' });
      if (answer.granted) {
        expect(answer.permit.isProbe).toBe(true);
        probes++;
        await limiter.report(answer.permit, failed);
      } else await clock.pass(answer.retryAfterMs);
    }
    expect(probes).toBeGreaterThan(40);
    expect(probes).toBeLessThanOrEqual(80);

    await clock.pass(61_000);
    const probe = await take(process(), chargesOf('hour'));
    await process().report(probe, { result: 'ok' });
    const bySecond: number[] = [];
    for (let second = 0; second < 17; second++) {
      await clock.pass(1_000);
      const limiter = process();
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask(limiter, chargesOf('hour'))));
      bySecond.push(answers.filter((answer) => answer.granted).length);
    }
    expect(bySecond[0]).toBeLessThanOrEqual(4);
    expect(bySecond[2]).toBeLessThanOrEqual(8);
    expect(bySecond.at(-1)).toBe(40);
    expect((await process().show('hour/*'))?.state).toBe('free');
    const events = (await process().show('hour/*'))?.events.filter(({ type }) => type === 'outage');
    expect(events?.map(({ detail }) => detail['phase'])).toEqual(['closed', 'recovering', 'open']);
  });
});

describe('a provider that fails now and then', () => {
  it('is not held up: refusals, and a few failures among many answers', async () => {
    const limiter = process();
    const charges = chargesOf('mostly');
    for (let round = 0; round < 6; round++) {
      const permits = await Promise.all(Array.from({ length: 10 }, () => take(limiter, charges)));
      await Promise.all(permits.map((permit, i) => limiter.report(permit, i < 2 ? failed : { result: 'ok' })));
      await expect.poll(async () => (await limiter.show('mostly/*'))?.state).toBe('free');
    }
    const refused = await Promise.all(Array.from({ length: 10 }, () => take(limiter, chargesOf('refusing'))));
    await Promise.all(refused.map((permit) => limiter.report(permit, { result: 'refused', blockForMs: 1 })));
    expect((await limiter.show('refusing/*'))?.state).toBe('free');
  });
});
