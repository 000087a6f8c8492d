import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { ActionFailed, type Report, type SagaHandle } from '../../../client/index.ts';
import { defineProvider, defineSaga, del, get, noAuth, post, seconds, window } from '../../../providers/index.ts';
import { startFakeApi, type ActionHandle, type FakeApi } from '../../../testing/index.ts';
import { replay } from '../../setup/replay.ts';
import { createWorld, type World } from '../../setup/world.ts';

/** `PendingActivityState` of Temporal's API. */
const [STARTED, CANCEL_REQUESTED] = [2, 3];

describe('a purchase in two steps', () => {
  let api: FakeApi;
  let world: World;
  let reservations: ActionHandle;
  let payments: ActionHandle;
  let letters: ActionHandle;
  const told: Report[] = [];

  const limits = [window('app', { by: ['app'], max: 1_000, perMs: seconds(1) })];
  const Created = z.object({ id: z.string() });
  const shop = defineProvider({ id: 'shop', baseUrl: () => api.url, auth: noAuth(), limits, maxAttempts: 3 });
  const bank = defineProvider({ id: 'bank', baseUrl: () => api.url, auth: noAuth(), limits, maxAttempts: 3 });
  const reserve = shop.action('reserve', {
    input: z.object({ sku: z.string() }),
    output: Created,
    request: ({ sku }, { idempotencyKey }) => post('/reservations', { sku, clientId: idempotencyKey }),
    whenUnknown: {
      lookup: (_, { idempotencyKey }) => get('/reservations', { clientId: idempotencyKey }),
      found: (answer) => z.object({ items: z.array(Created) }).parse(answer).items[0],
      afterMs: 200,
    },
    compensate: ({ id }) => del(`/reservations/${id}`),
  });
  const pay = bank.action('pay', {
    input: z.object({ amount: z.number(), reservation: z.string() }),
    output: Created,
    request: (input, { idempotencyKey }) => post('/payments', input, { 'idempotency-key': idempotencyKey }),
    idempotent: true,
    compensate: ({ id }) => del(`/payments/${id}`),
  });
  const write = shop.action('write', {
    input: z.object({ payment: z.string() }),
    output: Created,
    request: (input) => post('/letters', input),
  });
  const purchase = defineSaga('purchase', { input: z.object({ sku: z.string(), amount: z.number() }) })
    .step('stock', reserve, ({ input }) => ({ sku: input.sku }))
    .step('payment', pay, ({ input, stock }) => ({ amount: input.amount, reservation: stock.id }))
    .step('letter', write, ({ payment }) => ({ payment: payment.id }), { account: () => 'clerk' });

  beforeAll(async () => {
    api = await startFakeApi();
    reservations = api.action('POST', '/reservations', { honoursKeys: false, lookup: '/reservations' });
    payments = api.action('POST', '/payments', {});
    letters = api.action('POST', '/letters', {});
    world = await createWorld([], { sagas: [purchase], workers: 2, onFailure: (report) => void told.push(report) });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });
  let account = '';
  let count = 0;
  beforeEach(() => {
    account = `buyer-${++count}`;
  });
  const open = (handle: ActionHandle) => handle.objects().length;
  const input = { sku: 'tea', amount: 3 };
  const reports = async () => {
    const list = await world.sluice.reports.list({ limit: 1_000 });
    return list
      .filter(({ workflowId }) => workflowId.includes(`/${account}/`))
      .map(({ kind, workflowId, status, errorType }) => [
        kind,
        workflowId.split('/').slice(4).join('/'),
        status,
        errorType,
      ]);
  };
  const failureOf = (result: Promise<unknown>): Promise<ActionFailed> =>
    result.then(
      () => expect.unreachable('it should have failed'),
      (error: unknown) => {
        expect(error).toBeInstanceOf(ActionFailed);
        return error as ActionFailed;
      },
    );

  it('does its steps one after another, each from what came before, each with its report', async () => {
    const handle = await world.sluice.saga(purchase, { account, input, startedBy: 'user:1', idempotencyKey: 'k' });
    const outputs = await handle.result();
    expectTypeOf(outputs.stock).toEqualTypeOf<{ id: string }>();
    expect(payments.objects().at(-1)?.body).toEqual({ amount: 3, reservation: outputs.stock.id });
    expect(letters.objects().at(-1)?.body).toEqual({ payment: outputs.payment.id });
    await expect.poll(reports).toEqual([
      ['saga', '', 'ok', null],
      ['action', 'stock', 'ok', null],
      ['action', 'payment', 'ok', null],
      ['action', 'letter', 'ok', null],
    ]);
    expect(await handle.status()).toMatchObject({ kind: 'saga', startedBy: 'user:1', status: 'ok', attempts: 3 });
    expect((await world.sluice.reports.list({ account: 'clerk' })).length).toBe(1);
    // The same key again is the same purchase.
    const again = await world.sluice.saga(purchase, { account, input, idempotencyKey: 'k' });
    expect(await again.result()).toEqual(outputs);
    expect(payments.created()).toHaveLength(1);
  });

  it('takes the finished steps back in reverse when one fails', async () => {
    const [stock, money] = [open(reservations), open(payments)];
    api.script('POST /letters', [{ status: 400, body: { error: 'no such address' } }]);
    const handle = await world.sluice.saga(purchase, { account, input, idempotencyKey: 'k' });
    const failure = await failureOf(handle.result());
    expect(failure.type).toBe('bug');
    expect(failure.message).toMatch(/^letter failed: HTTP 400.*; taken back: payment, stock$/);
    expect([open(reservations), open(payments)]).toEqual([stock, money]);
    const deleted = api.report().byRoute;
    expect(deleted['DELETE /payments/:objectId']).toBeDefined();
    await expect.poll(reports).toEqual([
      ['saga', '', 'failed', 'bug'],
      ['action', 'stock', 'ok', null],
      ['action', 'payment', 'ok', null],
      ['action', 'letter', 'failed', 'bug'],
      ['action', 'payment/undo', 'ok', null],
      ['action', 'stock/undo', 'ok', null],
    ]);
  });

  it('tries a compensation again until it works, and says it when it can’t', async () => {
    const [stock, money] = [open(reservations), open(payments)];
    api.script('POST /letters', [{ status: 400, body: {} }]);
    api.script('DELETE /payments/:objectId', ['500', 'reset', '503']);
    api.script('DELETE /reservations/:objectId', [{ status: 403, body: { error: 'already sent' } }]);
    const handle = await world.sluice.saga(purchase, { account, input, idempotencyKey: 'k' });
    const failure = await failureOf(handle.result());
    expect(failure.type).toBe('compensation-failed');
    expect(failure.message).toMatch(/taken back: payment; NOT taken back: stock \(HTTP 403: .*already sent.*\)$/);
    expect([open(reservations), open(payments)]).toEqual([stock + 1, money]);
    await expect.poll(reports).toEqual([
      ['saga', '', 'failed', 'compensation-failed'],
      ['action', 'stock', 'ok', null],
      ['action', 'payment', 'ok', null],
      ['action', 'letter', 'failed', 'bug'],
      ['action', 'payment/undo', 'ok', null],
      ['action', 'stock/undo', 'failed', 'auth'],
    ]);
    // The app hears of a saga's failures in the order in which they happened.
    const toldOf = () =>
      told
        .filter(({ workflowId }) => workflowId.includes(`/${account}/`))
        .map(({ workflowId }) => workflowId.split('/').slice(4).join('/'));
    await expect.poll(toldOf, { timeout: 20_000 }).toEqual(['letter', 'stock/undo', '']);
  });

  it('takes back what is finished when it is cancelled, and sends nothing more', async () => {
    const [stock, money, sent] = [open(reservations), open(payments), letters.created().length];
    const script = api.script('POST /payments', [{ status: 429, headers: { 'retry-after': '20' }, body: {} }]);
    const handle = await world.sluice.saga(purchase, { account, input, idempotencyKey: 'k' });
    await expect.poll(() => script.remaining(), { timeout: 10_000 }).toBe(0);
    await handle.cancel();
    expect((await failureOf(handle.result())).type).toBe('cancelled');
    expect([open(reservations), open(payments), letters.created().length]).toEqual([stock, money, sent]);
  });

  it('has a step of unknown fate closed, and nothing sent, when a person says that it did not happen', async () => {
    api.script('POST /letters', ['reset']);
    const handle = await world.sluice.saga(purchase, { account, input });
    expect((await failureOf(handle.result())).type).toBe('unknown-write');
    const step = world.sluice.action({ workflowId: `${handle.workflowId}/letter`, action: write });
    await expect.poll(() => step.status()).toMatchObject({ errorType: 'unknown-write', resolvedBy: null });
    const sent = letters.objects().length;
    await step.resolve({ happened: false, by: 'user:9' });
    expect(await step.status()).toMatchObject({
      state: 'cancelled',
      errorType: 'cancelled',
      calls: 1,
      resolvedBy: 'user:9',
    });
    expect((await step.status())?.error).toMatch(/^it did not happen, as user:9 has found; before that: /);
    expect((await reports()).find(([, id]) => id === 'letter')).toEqual(['action', 'letter', 'cancelled', 'cancelled']);
    await expect(step.resolve({ happened: false })).rejects.toThrow('has nothing to resolve');
    expect(letters.objects()).toHaveLength(sent);
  });

  it('has a compensation that was left to a person decided without an output', async () => {
    api.script('POST /letters', [{ status: 400, body: {} }]);
    const held = api.script('DELETE /payments/:objectId', ['silent-after']);
    const handle = await world.sluice.saga(purchase, { account, input });
    await expect.poll(() => held.remaining(), { timeout: 30_000 }).toBe(0);
    const workflowId = `${handle.workflowId}/payment/undo`;
    await world.temporal.workflow.getHandle(workflowId).terminate('by an operator');
    expect((await failureOf(handle.result())).message).toContain('NOT taken back: payment');
    const undo = world.sluice.action({ workflowId, action: pay });
    await expect.poll(() => undo.status(), { timeout: 30_000 }).toMatchObject({ errorType: 'unknown-write' });
    await undo.resolve({ happened: true, output: null as never, by: 'user:9' });
    expect(await undo.status()).toMatchObject({ state: 'done', resolvedBy: 'user:9' });
    expect((await reports()).find(([, id]) => id === 'payment/undo')).toEqual(['action', 'payment/undo', 'ok', null]);
  });

  it('leaves nothing behind when it is cancelled while a step is being prepared', async () => {
    const before = open(reservations);
    const holder = await world.db.pool.connect();
    let handle: SagaHandle<unknown>;
    try {
      await holder.query('begin; lock table sluice.action_step in share row exclusive mode');
      handle = await world.sluice.saga(purchase, { account, input });
      const workflow = world.temporal.workflow.getHandle(handle.workflowId);
      const states = async () => ((await workflow.describe()).raw.pendingActivities ?? []).map(({ state }) => state);
      await expect.poll(states, { interval: 50 }).toEqual([STARTED]);
      await handle.cancel();
      await expect.poll(states, { interval: 50 }).toEqual([CANCEL_REQUESTED]);
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    expect((await failureOf(handle.result())).type).toBe('cancelled');
    // The step is started, and hears of it before its call or after; then it is taken back.
    const statuses = async () => (await reports()).slice(1).map(([, , status]) => status);
    await expect.poll(statuses, { timeout: 8_000 }).toSatisfy((all: string[]) => all.every((one) => one !== 'pending'));
    expect(await statuses()).toSatisfy((all: string[]) => ['cancelled', 'ok,ok'].includes(all.join()));
    expect(open(reservations)).toBe(before);
  });

  it('replays every history of sagas and actions that it has made, with the same commands', async () => {
    const ids = (await world.sluice.reports.list({ limit: 1_000 })).map(({ workflowId }) => workflowId);
    expect(ids.length).toBeGreaterThan(10);
    for (const workflowId of new Set(ids)) {
      await replay(world.temporal, workflowId);
    }
  });

  it('is refused at definition when a step’s name is taken', () => {
    expect(() => purchase.step('stock', reserve, () => ({ sku: '' }))).toThrow('the name is taken');
  });

  it('sends nothing more when its workflow is ended from outside, and names what it leaves: nobody takes that back', async () => {
    const sent = letters.created().length;
    const script = api.script('POST /letters', [{ status: 429, headers: { 'retry-after': '60' }, body: {} }]);
    const handle = await world.sluice.saga(purchase, { account, input });
    await expect.poll(() => script.remaining(), { timeout: 30_000 }).toBe(0);
    await world.temporal.workflow.getHandle(handle.workflowId).terminate('by an operator');
    const ended = { status: 'failed', errorType: 'compensation-failed' };
    await expect.poll(() => handle.status(), { timeout: 40_000, interval: 200 }).toMatchObject(ended);
    expect((await handle.status())?.error).toMatch(/^its workflow was terminated: .*; NOT taken back: payment, stock$/);
    expect((await handle.steps()).at(-1)).toMatchObject({ name: 'letter', state: 'cancelled' });
    expect(letters.created()).toHaveLength(sent);
  });
});
