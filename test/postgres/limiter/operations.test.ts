import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Charge, LearnedLimit, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createLimits } from '../../../client/limits.ts';
import { createLimiter, sweep, type Limiter } from '../../../limiter/index.ts';
import { ring } from '../../../limiter/buckets/ring.ts';
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

const minute: WindowLimit = { kind: 'window', name: 'minute', max: 5, perMs: 60_000 };
const learned: LearnedLimit = { kind: 'learned', name: 'token' };
const charge = (key: string): Charge => ({ limit: minute, key, cost: 1 });
const ask = (charges: Charge[], account = 'a', maxWaitMs = 0) =>
  limiter.acquire({ callKey: `call-${++serial}`, account, charges, maxWaitMs });

describe('explaining a call', () => {
  it('says what is used, who is ahead and when it would be served', async () => {
    const charges = [charge('explain/minute/x')];
    expect(await limiter.explain(charges)).toMatchObject({ etaMs: 0, limits: [] });
    for (let i = 0; i < 5; i++) await ask(charges);
    await ask(charges, 'b');
    await ask(charges, 'c');
    const explanation = await limiter.explain(charges, 'd');
    expect(explanation).toMatchObject({
      decidedBy: 'explain/minute/x',
      limits: [{ used: 5, max: 5, perMs: 60_000, ahead: 2, accountsAhead: 2, state: 'full' }],
    });
    expect(explanation.etaMs).toBeGreaterThan(55_000);
    expect(explanation.text).toMatch(
      /5 of 5 used in 60 s, 2 calls of 2 accounts wait, 2 calls of 2 accounts ahead\nwould be served in \d+ s/,
    );
  });

  it('names the answer that blocked the key', async () => {
    const charges = [charge('explain/minute/closed')];
    const answer = await ask(charges);
    if (!answer.granted) throw new Error('not granted');
    await limiter.report(answer.permit, { result: 'refused', blockForMs: 30_000, reason: '429 from GET /users' });
    const { limits, etaMs, text } = await limiter.explain(charges);
    expect(limits[0]).toMatchObject({ state: 'blocked', blockedReason: '429 from GET /users' });
    expect(etaMs).toBeGreaterThan(29_000);
    expect(text).toContain('429 from GET /users');
  });
});

describe('the operator', () => {
  it('pauses a whole provider with one row, keeps the order, and resumes it', async () => {
    const charges = [charge('paused/minute/x')];
    await ask(charges);
    await limiter.pause('paused/*', 'they asked us to');
    const denied = await ask(charges);
    expect(denied).toMatchObject({ granted: false, wait: { cause: 'paused' } });
    // Also a key that nobody used before.
    expect(await ask([charge('paused/minute/new')])).toMatchObject({ granted: false, wait: { cause: 'paused' } });
    expect((await limiter.explain(charges)).etaMs).toBe(Infinity);
    expect(await limiter.list({ state: 'paused', prefix: 'paused/' })).toHaveLength(3);
    await limiter.resume('paused/*');
    expect((await ask(charges)).granted).toBe(true);
    expect((await ask([charge('other/minute/x')])).granted).toBe(true);
  });

  it('is told whose the calls are that wait, in words, whoever made them', async () => {
    const charges = [charge('whose/minute/x')];
    for (let i = 0; i < 5; i++) await ask(charges);
    for (const callKey of ['action/action/shop/send/a/1', 'refresh/shop/a', 'mine', 'unit/7', `unit/${'9'.repeat(30)}`])
      await limiter.acquire({ callKey, account: 'a', charges, maxWaitMs: 0 });
    const shown = await createLimits(database.pool).show('whose/minute/x');
    expect(shown?.queue.map(({ workflowId, text }) => [workflowId, text])).toEqual([
      ['action/shop/send/a/1', 'a call of it'],
      [null, 'refresh of the credentials of shop/a'],
      [null, 'mine'],
      // Of a list that is gone.
      [null, 'unit/7'],
      [null, `unit/${'9'.repeat(30)}`],
    ]);
  });

  it('pauses one limit of all scopes, also of those that turn up later', async () => {
    await limiter.pause('part/minute/*', 'a leak');
    expect((await ask([charge('part/minute/late')])).granted).toBe(false);
    expect((await ask([{ ...charge('part/hour/late'), limit: { ...minute, name: 'hour' } }])).granted).toBe(true);
    await limiter.resume('part/minute/*');
    expect((await ask([charge('part/minute/late')])).granted).toBe(true);
  });

  it('overrides a window until the override is taken back', async () => {
    const charges = [charge('over/minute/x')];
    await ask(charges);
    expect(await limiter.override('over/minute/x', { max: 1 })).toBe(true);
    expect((await ask(charges)).granted).toBe(false);
    await limiter.override('over/minute/x', {});
    const { rows } = await database.pool.query(`select max from sluice.limit_bucket where key = 'over/minute/x'`);
    expect(rows[0].max).toBe(5);
    expect(await limiter.override('over/minute/unknown', { max: 1 })).toBe(false);
    await expect(limiter.override('over/minute/x', { max: -1 })).rejects.toThrow(TypeError);
  });

  it('overrides a window for a time, after which the sweep takes the override back', async () => {
    const charges = [charge('over/minute/timed')];
    await ask(charges);
    await limiter.override('over/minute/timed', { max: 1, forMs: 3_600_000 });
    await sweep(database.pool);
    const { isOverridden, overriddenUntil = '' } = (await limiter.show('over/minute/timed')) ?? {};
    expect(isOverridden).toBe(true);
    expect(Date.parse(overriddenUntil) - Date.now()).toBeGreaterThan(3_590_000);
    await database.pool.query(
      `update sluice.limit_bucket set override_until = now() - interval '1 second' where key = 'over/minute/timed'`,
    );
    await sweep(database.pool);
    const after = await limiter.show('over/minute/timed');
    expect(after).toMatchObject({ isOverridden: false, max: 5 });
    expect(after?.overriddenUntil).toBeUndefined();
    expect(after?.events.map(({ type }) => type)).toEqual(['overridden', 'overridden']);
    // One without an end stays.
    await limiter.override('over/minute/timed', { max: 1 });
    await sweep(database.pool);
    expect(await limiter.show('over/minute/timed')).toMatchObject({ isOverridden: true, max: 1 });
  });

  it('overrides a learned rate', async () => {
    const charges: Charge[] = [{ limit: learned, key: 'over/token/x', cost: 1 }];
    await ask(charges);
    await limiter.override('over/token/x', { ratePerSecond: 100 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(charges, 'a', 2_000)));
    expect(answers.every((answer) => answer.granted)).toBe(true);
    expect(await limiter.show('over/token/x')).toMatchObject({
      ratePerSecond: 100,
      isOverridden: true,
      events: [{ type: 'overridden' }],
    });
  });

  it('overrides the number of a window that was learned, and with it the rate at which it is given out', async () => {
    const key = 'over/token/window';
    await ask([{ limit: learned, key, cost: 1 }]);
    // Its first step has been made.
    const read = `select from sluice.limit_bucket where key = $1 and law is not null`;
    await vi.waitUntil(async () => (await database.pool.query(read, [key])).rowCount === 1);
    const { winUs, guardUs, slotUs, slots, slotsAhead } = ring(10_000_000, 100_000);
    const write = (): Promise<unknown> =>
      database.pool.query(
        `select sluice.limit_law_write(b.id, b.law_version, b.law, 0, 2, 1, false, null, b.epoch, 20, $2, $3, $4, $5, $6, 0, 0, 0, 0, 0, 0, 0, null)
           from sluice.limit_bucket b where b.key = $1`,
        [key, winUs, guardUs, slotUs, slots, slotsAhead],
      );
    await write();
    expect(await limiter.show(key)).toMatchObject({ max: 20, ratePerSecond: 2 });
    await limiter.override(key, { max: 100 });
    expect(await limiter.show(key)).toMatchObject({ max: 100, ratePerSecond: 10 });
    await write();
    expect(await limiter.show(key)).toMatchObject({ max: 100, ratePerSecond: 10 });
    await limiter.override(key, {});
    await write();
    expect(await limiter.show(key)).toMatchObject({ max: 20, ratePerSecond: 2 });
  });

  it('refuses a number that the limit does not have, which would be kept and do nothing', async () => {
    await ask([charge('numbers/minute/x'), { limit: learned, key: 'numbers/token/x', cost: 1 }]);
    await ask([{ limit: { kind: 'bucket', name: 'flow', perSecond: 5, burst: 5 }, key: 'numbers/flow/x', cost: 1 }]);
    await expect(limiter.override('numbers/*', { max: 0 })).rejects.toThrow(
      '"numbers/*" is a gate, and has no numbers: pause it to stop its calls, or override keys of its limits.',
    );
    for (const key of ['numbers/token/x', 'numbers/flow/x']) {
      await expect(limiter.override(key, { max: 0 })).rejects.toThrow('override `ratePerSecond` (--rate)');
      expect(await limiter.show(key)).toMatchObject({ isOverridden: false });
      expect(await limiter.override(key, { ratePerSecond: 0 })).toBe(true);
    }
    expect(await limiter.override('numbers/minute/x', { max: 0 })).toBe(true);
  });

  it('shows what happened to a key and who waits for it', async () => {
    const charges = [charge('show/minute/x')];
    for (let i = 0; i < 6; i++) await ask(charges, `account-${i}`);
    const details = await limiter.show('show/minute/x');
    expect(details).toMatchObject({ used: 5, waiting: 1, queue: [{ account: 'account-5', cost: 1 }] });
    expect(await limiter.show('show/minute/never')).toBeUndefined();
    // A call that has stopped asking, as one of a cancelled run, waits no more.
    await database.pool.query(
      `update sluice.limit_ticket set lapse_us = sluice.limit_clock_us() where account = 'account-5'`,
    );
    expect(await limiter.show('show/minute/x')).toMatchObject({ waiting: 0, queue: [] });
  });

  it('forgets a key as if it had never been used', async () => {
    const charges = [charge('forget/minute/x')];
    for (let i = 0; i < 6; i++) await ask(charges);
    expect(await limiter.forget('forget/minute/x')).toBe(true);
    expect((await ask(charges)).granted).toBe(true);
    expect(await limiter.forget('forget/minute/never')).toBe(false);
  });

  it('forgets one key at a time, and none by a pattern', async () => {
    await ask([charge('pattern/minute/x')]);
    await expect(limiter.forget('pattern/*')).rejects.toThrow(
      '"pattern/*" stands for several keys, and one is forgotten at a time: those that begin with "pattern/".',
    );
    expect((await limiter.list({ prefix: 'pattern/' })).map(({ key }) => key)).toContain('pattern/minute/x');
  });
});

describe('a changed declaration', () => {
  it('takes effect without forgetting what was granted', async () => {
    const key = 'change/minute/x';
    for (let i = 0; i < 4; i++) await ask([charge(key)]);
    const wider: Charge = { limit: { ...minute, max: 6, perMs: 120_000 }, key, cost: 1 };
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask([wider])));
    expect(answers.filter((answer) => answer.granted)).toHaveLength(2);
    expect((await limiter.show(key))?.events).toMatchObject([{ type: 'declared' }]);
  });
});

describe('housekeeping', () => {
  it('removes the tickets of calls that never came back, and only those', async () => {
    const charges = [charge('sweep/minute/x')];
    for (let i = 0; i < 7; i++) await ask(charges);
    await database.pool.query(
      `update sluice.limit_ticket set lapse_us = lapse_us - 700 * 1000000::bigint, eta_us = eta_us - 700 * 1000000::bigint
        where call_key = $1`,
      [`call-${serial}`],
    );
    await sweep(database.pool);
    const { rows } = await database.pool.query(
      `select queue_len, queue_cost from sluice.limit_bucket where key = 'sweep/minute/x'`,
    );
    expect(rows).toEqual([{ queue_len: 1, queue_cost: 1 }]);
  });

  it('keeps events for as many days as it is told', async () => {
    await database.pool.query(`update sluice.limit_event set at = at - interval '8 days'`);
    await limiter.pause('events/*', 'today');
    await sweep(database.pool, { keepEventsDays: 7 });
    const { rows } = await database.pool.query(`select count(*)::int n from sluice.limit_event`);
    expect(rows[0].n).toBe(1);
  });
});
