/** Whatever one answer says, what other answers say is told, for every provider. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, InflightLimit, LearnedLimit, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter, type Observation, type Permit } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let database: TestDatabase;
let limiter: Limiter;
let serial = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  limiter = createLimiter({ pool: database.pool });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

const minute: WindowLimit = { kind: 'window', name: 'minute', max: 1_000, perMs: 60_000 };
const flight: InflightLimit = { kind: 'inflight', name: 'flight', max: 1 };
const hidden: LearnedLimit = { kind: 'learned', name: 'hidden', startPerSecond: 500 };
const charge = (provider: string, limit: Charge['limit'], scope: string): Charge => ({
  limit,
  key: `${provider}/${limit.name}/${scope}`,
  cost: 1,
});
async function take(charges: Charge[], account = 'a', callKey = `call-${++serial}`): Promise<Permit> {
  const answer = await limiter.acquire({ callKey, account, charges, maxWaitMs: 5_000 });
  if (!answer.granted) throw new Error(`not granted: ${answer.wait.detail}`);
  return answer.permit;
}
const dayMs = 86_400_000;

const poisons: [string, Observation][] = [
  ['a NUL in the text of a 429', { result: 'refused', reason: 'HTTP 429: no\0more', blockForMs: 600_000 }],
  ['an emoji that was cut in two', { result: 'refused', reason: 'HTTP 429: \ud83d', blockForMs: 600_000 }],
  ['a Retry-After of 18446744073709551615 s', { result: 'refused', blockForMs: 2 ** 64 * 1_000 }],
  ['a Retry-After that is no number', { result: 'refused', blockForMs: Number.NaN }],
  [
    'quotas beyond every integer',
    { result: 'refused', quotas: [{ max: 1e300, remaining: 1e300, resetAfterMs: Number.POSITIVE_INFINITY }] },
  ],
  ['a cost beyond every integer', { result: 'refused', blockForMs: 1_000, actualCost: { minute: 1e308 } }],
];

describe('an answer that no store can hold', () => {
  it.each(poisons)('with %s blocks its own key and keeps nothing else from being told', async (name, poison) => {
    const scope = `scope ${serial}`;
    const theirs = [charge('healthy', flight, scope)];
    const other = await take(theirs);
    const bad = await take([charge('odd', minute, scope)]);
    await Promise.all([limiter.report(bad, poison), limiter.report(other, { result: 'ok' })]);
    // The lease of the healthy provider has been given back: there is only one.
    await limiter.report(await take(theirs), { result: 'ok' });
    const row = (await limiter.show(`odd/minute/${scope}`))!;
    expect(row.state, name).toBe('blocked');
    expect(row.untilMs).toBeLessThanOrEqual(dayMs);
    if (poison.blockForMs === 600_000) expect(row.untilMs).toBeGreaterThan(590_000);
    expect(limiter.stats().dropped).toBe(0);
  });

  it('opens the breaker of a provider that is dead, as any other answer does', async () => {
    const dead = (): Charge[] => [charge('dead', minute, 'app')];
    let sent = 0;
    for (let call = 0; call < 25; call++) {
      const answer = await limiter.acquire({ callKey: `dead-${call}`, account: 'a', charges: dead(), maxWaitMs: 0 });
      if (!answer.granted) break;
      sent++;
      await limiter.report(answer.permit, { result: 'failed', reason: 'HTTP 502: \0\ud83d' });
      if (sent === 7) await expect.poll(async () => (await limiter.show('dead/*'))?.state).toBe('failing');
    }
    expect(sent).toBe(7);
  });

  it('whatever it holds, never keeps another bucket of the same worker from being told', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '\0', '\ud83d', '\ude00', '\u202e', '"', '\\'),
      maxLength: 400,
    });
    const number = fc.oneof(fc.double(), fc.constantFrom(2 ** 63, -1, 1e21, 1e308, Number.NaN));
    const hostile = fc.record({
      result: fc.constantFrom<Observation['result'][]>('ok', 'refused', 'failed'),
      reason: text,
      blockForMs: number,
      quotas: fc.array(
        fc.record({ limit: text, max: number, remaining: number, resetAfterMs: number, windowMs: number }),
        { maxLength: 3 },
      ),
      actualCost: fc.record({ minute: number, hidden: number }),
    });
    await fc.assert(
      fc.asyncProperty(hostile, text, async (observation, odd) => {
        const scope = `fuzz ${++serial}`;
        const theirs = [charge('healthy', flight, scope)];
        const [other, bad] = await Promise.all([
          take(theirs),
          take(
            [charge('odd', minute, `${odd}${serial}`), charge('odd', hidden, `${odd}${serial}`)],
            odd,
            `${odd}${serial}`,
          ),
        ]);
        await Promise.all([limiter.report(bad, observation), limiter.report(other, { result: 'ok' })]);
        await limiter.report(await take(theirs), { result: 'ok' });
      }),
      { numRuns: 60 },
    );
    expect(limiter.stats().dropped).toBe(0);
    expect(limiter.stats().unavailable).toBe(0);
  });
});

describe('a report that the store refuses even so', () => {
  beforeAll(async () => {
    // Stands for whatever nobody thought of: the store takes no reason that holds the word.
    await database.pool.query(`
      create function public.refuse() returns trigger language plpgsql as $$ begin
        if new.blocked_reason like '%unheard%' then raise exception 'no such text' using errcode = '22P05'; end if;
        return new;
      end $$;
      create trigger refuse before update on sluice.limit_bucket for each row execute function public.refuse()`);
  });
  afterAll(() => database.pool.query('drop trigger refuse on sluice.limit_bucket'));

  it('goes by itself, without what the third party said, and the others are told', async () => {
    const bad = await take([charge('unheard', minute, 'x')]);
    const others = await Promise.all([1, 2, 3].map((scope) => take([charge('healthy', flight, `beside ${scope}`)])));
    await Promise.all([
      limiter.report(bad, { result: 'refused', reason: 'unheard', blockForMs: 30_000 }),
      ...others.map((permit) => limiter.report(permit, { result: 'ok' })),
    ]);
    for (const scope of [1, 2, 3]) await take([charge('healthy', flight, `beside ${scope}`)]);
    // For how long is a number of ours.
    expect(await limiter.show('unheard/minute/x')).toMatchObject({ state: 'blocked' });
    expect(limiter.stats().dropped).toBe(1);
  });

  it('does not keep the limiter from ending', async () => {
    const mine = createLimiter({ pool: database.pool, sweep: { everyMs: 0 } });
    const answer = await mine.acquire({ callKey: 'last', account: 'a', charges: [charge('unheard', minute, 'y')] });
    if (!answer.granted) throw new Error('not granted');
    await mine.report(answer.permit, { result: 'refused', reason: 'unheard' });
    await mine.stop();
  });
});

describe('a call that the store can’t hold', () => {
  it('is told so by itself, and the calls beside it are decided', async () => {
    const tooMuch: Charge = { ...charge('odd', minute, 'sum'), cost: 1 };
    const bad = limiter.acquire({
      callKey: 'bad',
      account: 'a',
      charges: [{ ...tooMuch, limit: { ...minute, perMs: 1e300 } }],
    });
    const good = limiter.acquire({ callKey: 'good', account: 'a', charges: [charge('odd', minute, 'good')] });
    await expect(bad).rejects.toThrow(TypeError);
    expect((await good).granted).toBe(true);
  });

  it('may have a key, an account and a call key of any length', async () => {
    // Postgres packs what repeats itself.
    const long = Array.from({ length: 3_000 }, () => Math.random().toString(36).slice(2, 4)).join('');
    const permits = await Promise.all(
      ['a', 'b'].map((end) => take([charge('long', minute, `${long}${end}`)], `${long}${end}`, `${long}${end}`)),
    );
    expect(permits).toHaveLength(2);
    const keys = await limiter.list({ prefix: 'long/minute/' });
    expect(keys.map(({ used }) => used)).toEqual([1, 1]);
    expect(await limiter.show(`long/minute/${long}a`)).toMatchObject({ used: 1 });
  });
});
