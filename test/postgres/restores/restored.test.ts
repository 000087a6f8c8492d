/** A database that is put back to an earlier moment while workflows remember what came after it, and the reverse. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Charge } from '../../../contracts/limits/limit.ts';
import { commitPage, countRecords, deferUnit, endUnit, newChange, nextUnits } from '../../../db/index.ts';
import { createLimiter } from '../../../limiter/index.ts';
import { defineProvider, defineSync, get, noAuth, post } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createActionDrive } from '../../setup/drive-action.ts';
import { createDrive } from '../../../bench/common/drive.ts';
import { pageToCommit } from '../../setup/page-to-commit.ts';
import { startRestorablePostgres, type RestorablePostgres } from '../../setup/servers/restorable-postgres.ts';

let api: FakeApi;
const provider = defineProvider({ id: 'restored', baseUrl: () => api.url, auth: noAuth(), limits: [] });
const Item = z.object({ id: z.string() });
const Page = z.object({ items: z.array(Item), next: z.string().nullish() });
const Whose = z.object({ who: z.string() });
const paginate = {
  kind: 'cursor',
  items: (page: z.output<typeof Page>) => page.items,
  next: (page: z.output<typeof Page>) => page.next,
  pageSize: { start: 5, max: 5 },
} as const;
const Id = z.object({ id: z.string() });
const boxes = provider.endpoint('boxes', {
  input: Id,
  response: Page,
  request: ({ id }, page) => get(`/users/${id}/boxes`, { cursor: page.cursor, limit: page.size }),
  paginate,
});
const letters = provider.endpoint('letters', {
  input: Id,
  response: Page,
  request: ({ id }, page) => get(`/boxes/${id}/letters`, { cursor: page.cursor, limit: page.size }),
  paginate,
});
const mail = defineSync('mail', { provider, input: Whose }, (s) => {
  const box = s.one(boxes, { input: ({ who }) => ({ id: who }), key: (row) => row.id });
  const letter = s.each(box, letters, { input: ({ id }) => ({ id }), key: (row) => row.id });
  return { box, letter };
});
const BOXES = 3;
const LETTERS = 12;

describe('a database that was put back to an earlier moment', () => {
  let postgres: RestorablePostgres;
  beforeAll(async () => {
    postgres = await startRestorablePostgres();
  });
  afterAll(() => postgres?.end());
  beforeEach(async () => {
    api = await startFakeApi();
    api.list('/users/:id/boxes', { count: BOXES, itemAt: ({ id }, i) => ({ id: `${id}-b${i}` }) });
    api.list('/boxes/:id/letters', { count: LETTERS, itemAt: ({ id }, i) => ({ id: `${id}-l${i}` }) });
  });
  afterEach(() => api.stop());

  it('goes on at the positions that it has, and reads the pages again that it lost', async () => {
    const before = await createDrive(postgres.pool());
    const options = { account: 'pages', input: { who: 'pages' } };
    await before.run(mail, { ...options, dieAfterCalls: 3 });
    const runId = before.lastRunId();
    await before.end();
    await postgres.save();
    const lost = await createDrive(postgres.pool());
    await lost.goOn(mail, runId, { ...options, dieAfterCalls: 4 });
    await lost.end();
    const callsBefore = api.report().calls;
    await postgres.restore();
    const after = await createDrive(postgres.pool());
    const result = await after.goOn(mail, runId, options);
    await after.end();
    expect(result).toMatchObject({ complete: true, rows: BOXES + BOXES * LETTERS });
    expect(await countRecords(postgres.pool(), 'pages', mail.letter.resource)).toBe(BOXES * LETTERS);
    // 1 page of boxes and 3 of letters for each; 3 of them had been stored.
    expect(api.report().calls - callsBefore).toBe(1 + BOXES * 3 - 3);
  });

  it('never reads the list of one account for another, where the ids of lists come again', async () => {
    const runOfA = randomUUID();
    const first = await createDrive(postgres.pool());
    const opened = await first.open(mail, runOfA, { account: 'a', input: { who: 'a' } });
    await first.end();
    await postgres.save();
    const later = await createDrive(postgres.pool());
    await later.call(mail, { runId: runOfA, node: 'box', unit: opened.units[0]?.id ?? 0 }, 'a');
    const held = await nextUnits(postgres.pool(), runOfA, [{ node: 'letter', inHand: [], room: 10 }]);
    await later.end();
    expect(held).toHaveLength(BOXES);
    await postgres.restore();

    const runOfB = randomUUID();
    const drive = await createDrive(postgres.pool());
    const opening = await drive.open(mail, runOfB, { account: 'b', input: { who: 'b' } });
    await drive.call(mail, { runId: runOfB, node: 'box', unit: opening.units[0]?.id ?? 0 }, 'b');
    const ofB = await nextUnits(postgres.pool(), runOfB, [{ node: 'letter', inHand: [], room: 10 }]);
    const [same] = ofB.filter(({ id }) => held.some((unit) => unit.id === id));
    expect(same, 'an id that both have had').toBeDefined();
    const unit = same?.id ?? 0;
    const standing = async () =>
      (await postgres.pool().query('select to_jsonb(u) as unit from sluice.unit u where id = $1', [unit])).rows;
    const before = [api.report().calls, await standing()];

    // The workflow of A still has it in hand, and asks for it with the token of A.
    expect(await drive.call(mail, { runId: runOfA, node: 'letter', unit }, 'a')).toEqual({ unit, state: 'over' });
    // So do calls of A that were sent before.
    const fence = { unit, run: runOfA, node: 'letter', pages: 0, change: newChange() };
    const page = pageToCommit({ ...fence, account: 'a', resource: mail.letter.resource }, { records: [['x', {}]] });
    expect(await commitPage(postgres.pool(), page)).toEqual({ stale: true });
    expect(await endUnit(postgres.pool(), fence, 'failed', 'no', 1)).toBe(false);
    const deferral = { costs: 'attempt', calls: 1, delayMs: 60_000, why: 'no' } as const;
    expect(await deferUnit(postgres.pool(), fence, deferral)).toBeUndefined();
    expect([api.report().calls, await standing()]).toEqual(before);
    expect(await countRecords(postgres.pool(), 'a', mail.letter.resource)).toBe(0);

    const options = { account: 'b', input: { who: 'b' } };
    expect(await drive.goOn(mail, runOfB, options)).toMatchObject({ complete: true, rows: BOXES + BOXES * LETTERS });
    // And A goes on with what it has.
    expect(await drive.goOn(mail, runOfA, { account: 'a' })).toMatchObject({ complete: true });
    await drive.end();
  });

  it('tells the workflow of a run that it does not have that this is over, once and for all', async () => {
    await postgres.save();
    const lost = await createDrive(postgres.pool());
    const runId = randomUUID();
    const { units } = await lost.open(mail, runId, { account: 'gone', input: { who: 'gone' } });
    await lost.end();
    await postgres.restore();
    const drive = await createDrive(postgres.pool());
    const unit = units[0]?.id ?? 0;
    expect(await drive.call(mail, { runId, node: 'box', unit }, 'gone')).toEqual({ unit, state: 'over' });
    await expect(drive.goOn(mail, runId)).rejects.toMatchObject({ type: 'gone', nonRetryable: true });
    expect(api.report().calls).toBe(0);
    await drive.end();
  });

  it('has forgotten permits, so that a window may be given out once more, and not a third time', async () => {
    const limit = { kind: 'window', name: 'hour', max: 5, perMs: 3_600_000 } as const;
    const charges: Charge[] = [{ limit, key: 'restored/hour/x', cost: 1 }];
    const takeAll = async (): Promise<number> => {
      const limiter = createLimiter({ pool: postgres.pool() });
      let taken = 0;
      const ask = () => limiter.acquire({ callKey: randomUUID(), account: 'x', charges, maxWaitMs: 0 });
      while ((await ask()).granted) taken++;
      await limiter.stop();
      return taken;
    };
    await postgres.save();
    const before = await takeAll();
    await postgres.restore();
    expect([before, await takeAll(), await takeAll()]).toEqual([5, 5, 0]);
  });

  it('has a write looked up whose sending it has lost, and not sent again', async () => {
    const written: string[] = [];
    api.route('POST', '/letters', () => {
      written.push('one');
      return {};
    });
    api.route('GET', '/letters/latest', () => ({ body: { id: 'l1' } }));
    const write = provider.action('write', {
      input: z.object({}),
      output: Item,
      request: () => post('/letters', {}),
      whenUnknown: {
        lookup: () => get('/letters/latest'),
        found: (body: unknown) => body as { id: string },
        afterMs: 1,
      },
    });
    const accepting = createActionDrive(postgres.pool());
    const workflowId = await accepting.accept(write, {});
    await accepting.end();
    await postgres.save();
    api.script('POST /letters', ['reset-after']);
    let lastSending = 0;
    const sending = createActionDrive(postgres.pool());
    await sending.perform(write, workflowId, { most: 1, tellSending: (number) => (lastSending = number) });
    await sending.end();
    expect(written).toHaveLength(1);
    await postgres.restore();
    const drive = createActionDrive(postgres.pool());
    const step = await drive.perform(write, workflowId, { lastSending });
    await drive.end();
    expect(step).toMatchObject({ state: 'done', output: { id: 'l1' } });
    expect(written).toHaveLength(1);
  });
});

describe('a workflow that was put back to an earlier step than its database', () => {
  let postgres: RestorablePostgres;
  beforeAll(async () => {
    postgres = await startRestorablePostgres();
    api = await startFakeApi();
    api.list('/users/:id/boxes', { count: BOXES, itemAt: ({ id }, i) => ({ id: `${id}-b${i}` }) });
    api.list('/boxes/:id/letters', { count: LETTERS, itemAt: ({ id }, i) => ({ id: `${id}-l${i}` }) });
  });
  afterAll(async () => {
    await api?.stop();
    await postgres?.end();
  });

  it('finds what is stored when it opens, reads and ends its run once more, and makes no call twice', async () => {
    const drive = await createDrive(postgres.pool());
    const runId = randomUUID();
    const options = { account: 'twice', input: { who: 'twice' } };
    const opened = await drive.open(mail, runId, options);
    const root = { runId, node: 'box', unit: opened.units[0]?.id ?? 0 };
    expect(await drive.call(mail, { ...root, pages: 0 }, 'twice')).toMatchObject({ state: 'ended' });
    const again = await drive.open(mail, runId, options);
    expect(again.units.map(({ node }) => node)).toEqual(['letter', 'letter', 'letter']);
    expect(await drive.call(mail, { ...root, pages: 0 }, 'twice')).toMatchObject({ state: 'ended' });
    expect(api.report().calls).toBe(1);
    const { fetches: _, ...result } = (await drive.goOn(mail, runId, options)) ?? { fetches: 0 };
    const calls = api.report().calls;
    expect(await drive.open(mail, runId, options)).toMatchObject({ state: 'done', units: [] });
    const { fetches, ...second } = (await drive.goOn(mail, runId, options)) ?? { fetches: -1 };
    expect([fetches, second]).toEqual([0, result]);
    expect(api.report().calls).toBe(calls);
    await drive.end();
  });
});
