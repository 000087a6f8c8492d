/**
 * Reports of calls whose answer is lost: the database has stored them, the connection breaks, and they go again. What they give back,
 * charge and count is there once.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, LimitSpec } from '../../../contracts/limits/limit.ts';
import { addPace, createSecretUseCounter, createTellOnce, listSecretUses, noteSecretUses } from '../../../db/index.ts';
import { createLimiter, type Limiter, type Observation, type Permit } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { lossyPool, type LossyPool } from '../../setup/servers/lost-answers.ts';

const REPORT = /^sluice-limit-report/;

let database: TestDatabase;
let lossy: LossyPool;
let limiter: Limiter;
let serial = 0;
beforeAll(async () => {
  database = await createTestDatabase({ max: 4 });
  lossy = lossyPool(database.pool);
  limiter = createLimiter({ pool: lossy.pool, history: { everyMs: 0 } });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

const minute: LimitSpec = { kind: 'window', name: 'minute', max: 100, perMs: 60_000 };
const flow: LimitSpec = { kind: 'bucket', name: 'flow', perSecond: 0.001, burst: 100 };
const flight: LimitSpec = { kind: 'inflight', name: 'flight', max: 100 };

const charge = (limit: LimitSpec, cost = 1): Charge => ({ limit, key: `twice/${limit.name}/${serial}`, cost });
const ask = (of: Charge) =>
  limiter.acquire({ callKey: `call-${++calls}`, account: 'a', charges: [of], maxWaitMs: 5_000 });
let calls = 0;
async function take(of: Charge): Promise<Permit> {
  const answer = await ask(of);
  if (!answer.granted) throw new Error(`not granted: ${answer.wait.detail}`);
  return answer.permit;
}

async function rowOf({ key }: Charge): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<Record<string, number>>(
    `select b.used, round(b.tokens) as tokens, b.epoch, b.ev_ok, b.ev_fresh, b.ev_refused, b.ev_stale, b.ev_failed, b.higher_seen
     from sluice.limit_bucket b where b.key = $1`,
    [key],
  );
  return rows[0]!;
}

/** Ten permits; the first one is reported, and the answer to that is lost. @returns the row when it has been told again. */
async function tell(of: Charge, observation: Observation): Promise<Record<string, number>> {
  const permits = await Promise.all(Array.from({ length: 10 }, () => take(of)));
  const lost = lossy.loseNext(REPORT);
  await limiter.report(permits[0]!, observation).catch(() => {}); // a refusal is told at once: it says that it goes again
  await expect.poll(lost, { timeout: 5_000 }).toBe(1);
  // It goes again within a second, and before whatever comes after it.
  const other = { ...charge(minute), key: `twice/after/${serial}` };
  await limiter.report(await take(other), { result: 'refused', blockForMs: 1 });
  return rowOf(of);
}

describe('a report whose answer is lost', () => {
  it.each([
    ['a call in flight', flight, { result: 'ok' }, { used: 9 }],
    ['a permit of a window that was not used', minute, { result: 'not-sent' }, { used: 9 }],
    ['a token that was not used', flow, { result: 'not-sent' }, { tokens: 91 }],
    ['what a call cost less', { ...minute, max: 1_000 }, { result: 'ok', actualCost: { minute: 0 } }, { used: 9 }],
  ] as const)('gives %s back once', async (_, limit, observation, wanted) => {
    serial++;
    expect(await tell(charge(limit), observation)).toMatchObject(wanted);
  });

  it('charges once what a call cost more', async () => {
    serial++;
    expect(await tell(charge(minute), { result: 'ok', actualCost: { minute: 5 } })).toMatchObject({ used: 14 });
  });

  it('hears a promise of more once: it is believed after ten', async () => {
    serial++;
    const quotas = [{ limit: 'minute', max: 1_000, remaining: 990, resetAfterMs: 30_000 }];
    expect(await tell(charge(minute), { result: 'ok', quotas })).toMatchObject({ higher_seen: 1 });
  });

  it('blocks once, and what a refusal means is decided although its answer was lost', async () => {
    serial++;
    expect(await tell(charge(minute), { result: 'refused' })).toMatchObject({ epoch: 1, ev_refused: 0, ev_stale: 0 });
  });

  it('is heard again where its caller repeats it, and gives nothing back twice', async () => {
    serial++;
    const of = charge(flight);
    const [permit] = await Promise.all([take(of), take(of)]);
    for (let time = 0; time < 2; time++) await limiter.report(permit, { result: 'ok' });
    await limiter.report(permit, { result: 'refused', blockForMs: 1 });
    expect(await rowOf(of)).toMatchObject({ used: 1 });
  });

  it('goes once more with what was collected meanwhile behind it, each by itself', async () => {
    serial++;
    const of = charge(flight);
    const permits = await Promise.all(Array.from({ length: 10 }, () => take(of)));
    const lost = lossy.loseNext(REPORT);
    for (const permit of permits.slice(0, 3)) await limiter.report(permit, { result: 'ok' });
    await expect.poll(lost).toBe(1);
    for (const permit of permits.slice(3, 5)) await limiter.report(permit, { result: 'ok' });
    await expect.poll(async () => (await rowOf(of))['used'], { timeout: 5_000 }).toBe(5);
  });
});

describe('calls at once whose reports lose every fourth answer', () => {
  it('are never more than the limit', async () => {
    serial++;
    const of = charge({ ...flight, max: 3 });
    let atOnce = 0;
    let most = 0;
    let made = 0;
    let seen = 0;
    lossy.loseAll({ test: (text: string) => REPORT.test(text) && ++seen % 4 === 0 } as RegExp);
    const caller = async (name: string): Promise<void> => {
      for (let call = 0; call < 6; call++) {
        const asked = { callKey: `${name}-${call}`, account: name, charges: [of], maxWaitMs: 30_000 };
        const answer = await limiter.acquire(asked);
        if (!answer.granted) throw new Error(answer.wait.detail);
        most = Math.max(most, ++atOnce);
        made++;
        await new Promise((resolve) => setTimeout(resolve, made % 3 === 0 ? 300 : 20));
        atOnce--;
        await limiter.report(answer.permit, { result: 'ok' });
      }
    };
    await Promise.all(Array.from({ length: 6 }, (_, index) => caller(`caller-${index}`)));
    lossy.loseAll(undefined);
    expect(seen).toBeGreaterThan(3);
    expect(made).toBe(36);
    expect(most).toBe(3);
  }, 60_000);
});

describe('the breaker', () => {
  it('takes a failure that may have been stored for one, and for no outage', async () => {
    serial++;
    const of = charge({ kind: 'none', name: `gate${serial}` });
    const provider = `broken${serial}`;
    const charges = [{ ...of, key: `${provider}/none/a` }];
    const gate = async (): Promise<{ inARow?: number }> => {
      const { rows } = await database.pool.query<{ law: { inARow?: number } | null }>(
        'select law from sluice.limit_bucket where key = $1',
        [`${provider}/*/list`],
      );
      return rows[0]?.law ?? {};
    };
    const fail = async (call: number): Promise<void> => {
      const asked = { callKey: `failing-${call}`, account: 'a', charges, endpoint: 'list', maxWaitMs: 0 };
      const answer = await limiter.acquire(asked);
      if (!answer.granted) throw new Error(answer.wait.detail);
      await limiter.report(answer.permit, { result: 'failed', reason: 'HTTP 503' });
    };
    await fail(1);
    await expect.poll(gate).toMatchObject({ inARow: 1 });
    let seen = 0;
    lossy.loseAll({ test: (text: string) => text.startsWith('sluice-breaker-write') && ++seen <= 2 } as RegExp);
    await fail(2);
    await expect.poll(() => seen).toBe(2);
    lossy.loseAll(undefined);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await gate()).toMatchObject({ inARow: 2, phase: 'closed' });
  });
});

describe('what a process counts itself', () => {
  it('is in the audit of secrets as often as it happened', async () => {
    const counter = createSecretUseCounter();
    const of = { provider: 'twice', account: 'audited', generation: 1, version: 1 };
    counter.onOpen(of, 'call');
    lossy.loseNext(/note_secret_use/);
    const flush = () => counter.flush((uses, telling) => noteSecretUses(lossy.pool, uses, telling));
    await expect(flush()).rejects.toThrow('Connection terminated');
    counter.onOpen(of, 'call');
    counter.onOpen(of, 'refresh');
    await flush();
    const uses = await listSecretUses(database.pool, { account: 'audited' });
    expect(uses.map(({ what, times }) => [what, times])).toEqual([
      ['call', 2],
      ['refresh', 1],
    ]);
  });

  it('is in the pace once', async () => {
    const all = [5, 7];
    const tell = createTellOnce(() => {
      const calls = all.shift();
      return calls === undefined ? undefined : { calls, refused: 0, rows: 0 };
    });
    lossy.loseNext(/sluice\.pace/);
    const flush = () => tell((done, telling) => addPace(lossy.pool, done, telling));
    await expect(flush()).rejects.toThrow('Connection terminated');
    await flush();
    const { rows } = await database.pool.query<{ calls: string }>('select sum(calls) as calls from sluice.pace');
    expect(Number(rows[0]!.calls)).toBe(2 * 12);
  });
});
