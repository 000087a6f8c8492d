/**
 * Connections that break when the database has done what it was sent, and before it says so: what is sent again is done once. And
 * refusals that pass by themselves: what was answered is kept until they have.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';
import { defineProvider, defineSync, get, noAuth, path, post, type Sync } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createActionDrive, type ActionDrive } from '../../setup/drive-action.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { lossyPool, type LossyPool } from '../../setup/servers/lost-answers.ts';

const Item = z.object({ id: z.string() });
const COUNT = 35;
const PAGES = 4;

/** What a database says that is read-only, busy, full, ends, fails over or is restored, or whose password is being changed. */
const PASSING = ['25006', '25P03', '25P04', '28P01', '3D000', '40001', '40P01', '53100', '57014', '57P01'];

describe('where the database does what it is sent and can’t say so, or refuses it for a while', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let lossy: LossyPool;
  beforeAll(async () => {
    db = await createTestDatabase();
    lossy = lossyPool(db.pool);
  });
  afterAll(() => db?.drop());
  beforeEach(async () => {
    api = await startFakeApi();
  });
  afterEach(() => api.stop());

  let names = 0;
  const provider = () =>
    defineProvider({ id: `lost-${names++}`, baseUrl: api.url, auth: noAuth(), limits: [], maxAttempts: 3 });
  const calls = (): number => api.report().calls;

  describe('a list', () => {
    let drive: Drive;
    beforeAll(async () => {
      drive = await createDrive(lossy.pool);
    });
    afterAll(() => drive?.end());

    const listOf = (store?: () => Promise<void>): Sync<Record<string, never>> => {
      const of = provider();
      const list = of.endpoint('list', {
        input: z.object({}),
        response: z.object({ items: z.array(Item), next: z.string().nullish() }),
        request: (_, page) => get('/list', { cursor: page.cursor, limit: page.size }),
        paginate: {
          kind: 'cursor',
          items: ({ items }) => items,
          next: ({ next }) => next,
          pageSize: { start: 10, min: 10, max: 10 },
        },
      });
      return defineSync(of.id, { provider: of, input: z.object({}) }, (s) => ({
        rows: s.one(list, { input: (input) => input, key: ({ id }) => id, ...(store ? { store } : {}) }),
      }));
    };
    beforeEach(() => {
      api.list('/list', { count: COUNT, itemAt: (_, i) => ({ id: `${names}-${i}` }) });
    });

    it.each([
      ['a plain page', /^store_plain_pages/],
      ['its last page', /^commit_page/],
      ['a page that its own code stores as well', /^commit$/, () => Promise.resolve()],
    ] as const)(
      'has each call counted once where the answer to %s is lost',
      async (_, statement, store?: () => Promise<void>) => {
        const sync = listOf(store);
        const lost = lossy.loseNext(statement);
        expect(await drive.run(sync)).toMatchObject({ state: 'done', complete: true, rows: COUNT, calls: PAGES });
        expect(lost()).toBe(1);
        expect(calls()).toBe(PAGES);
      },
    );

    it('spends one attempt where the answer to a failure is lost', async () => {
      api.script('GET /list', ['500', '500']);
      const lost = lossy.loseNext(/^defer_unit/);
      expect(await drive.run(listOf())).toMatchObject({ state: 'done', calls: PAGES + 2 });
      expect(lost()).toBe(1);
    });

    it('gives up with its last attempt where the answer to that failure is lost', async () => {
      api.script('GET /list', ['500', '500', '500', 'ok']);
      let failures = 0;
      const last = (text: string): boolean => text.startsWith('defer_unit') && ++failures === 3;
      const lost = lossy.loseNext({ test: last } as RegExp);
      expect(await drive.run(listOf())).toMatchObject({ state: 'failed', calls: 3 });
      expect(lost()).toBe(1);
    });

    it('does not take one answer that was not understood for two, where the answer to it is lost', async () => {
      let isStrange = true;
      api.route('GET', '/strange', () => {
        const body = isStrange ? { oops: true } : { items: [{ id: 'x' }] };
        isStrange = false;
        return { body };
      });
      const of = provider();
      const strange = of.endpoint('strange', {
        input: z.object({}),
        response: z.object({ items: z.array(Item) }),
        request: () => get('/strange'),
        paginate: { kind: 'single', items: ({ items }) => items },
      });
      const sync = defineSync(of.id, { provider: of, input: z.object({}) }, (s) => ({
        rows: s.one(strange, { input: (input) => input, key: ({ id }) => id }),
      }));
      const lost = lossy.loseNext(/^defer_unit/);
      expect(await drive.run(sync)).toMatchObject({ state: 'done', complete: true, rows: 1, calls: 2 });
      expect(lost()).toBe(1);
    });

    it.each(PASSING)('whose page is refused with %s, for a while, stores it without another call', async (code) => {
      const refused = lossy.refuseNext(/^commit_page/, code);
      expect(await drive.run(listOf())).toMatchObject({ state: 'done', complete: true, rows: COUNT, calls: PAGES });
      expect(refused()).toBe(1);
      expect(calls()).toBe(PAGES);
    });

    it('has ended once where the answer to its end without a page is lost', async () => {
      api.script('GET /list', ['404']);
      const lost = lossy.loseNext(/^end_unit/);
      expect(await drive.run(listOf())).toMatchObject({ state: 'failed', calls: 1 });
      expect(lost()).toBe(1);
    });

    it.each([1, 2, 3, 4])(
      'has one job made, and no question asked twice, where the answer to step %i of it is lost',
      async (nth) => {
        let made = 0;
        let polls = 0;
        api.route('POST', '/jobs', () => ({ body: { id: `job-${++made}` } }));
        api.route('GET', '/jobs/:id', () => ({ body: { isDone: ++polls > 1 } }));
        api.route('GET', '/results/:id', () => ({ body: [{ id: 'a' }, { id: 'b' }] }));
        const of = provider();
        const report = of.endpoint('report', {
          input: z.object({}),
          response: z.array(Item),
          job: {
            submitted: Item,
            polled: z.object({ isDone: z.boolean() }),
            submit: () => post('/jobs', {}),
            id: ({ id }) => id,
            poll: (id) => get(path`/jobs/${id}`),
            pollMs: { first: 1, most: 1 },
            state: ({ isDone }) => ({ state: isDone ? 'done' : 'running' }),
          },
          request: (_, page) => get(path`/results/${page.job.id}`),
          paginate: { kind: 'single', items: (rows) => rows },
        });
        const sync = defineSync(of.id, { provider: of, input: z.object({}) }, (s) => ({
          rows: s.one(report, { input: (input) => input, key: ({ id }) => id }),
        }));
        let steps = 0;
        const step = /^set_job/;
        const lost = lossy.loseNext({ test: (text: string) => step.test(text) && ++steps === nth } as RegExp);
        expect(await drive.run(sync)).toMatchObject({ state: 'done', complete: true, rows: 2, calls: 4 });
        expect(lost()).toBe(1);
        expect({ made, polls, calls: calls() }).toEqual({ made: 1, polls: 2, calls: 4 });
      },
    );
  });

  describe('a write', () => {
    let drive: ActionDrive;
    beforeAll(() => {
      drive = createActionDrive(lossy.pool);
    });
    afterAll(() => drive?.end());

    const whenUnknown = { lookup: () => get('/things'), found: () => undefined, afterMs: 1 };
    const writeOf = (more: object = {}) =>
      provider().action('write', {
        input: z.object({}),
        output: Item,
        request: () => post('/things', {}),
        ...more,
      });

    it('is sent where the answer to “it is about to be sent” is lost, once, and nobody takes its fate for unknown', async () => {
      api.route('POST', '/things', () => ({ status: 201, body: { id: 'x' } }));
      const write = writeOf();
      const id = await drive.accept(write, {});
      const lost = lossy.loseNext(/state = 'sending', sending = s\.sending \+ 1/);
      expect(await drive.perform(write, id)).toMatchObject({ state: 'done', calls: 1, sending: 1 });
      expect(lost()).toBe(1);
      expect(calls()).toBe(1);
    });

    it.each(PASSING)('is sent once where what became of it is refused with %s, for a while', async (code) => {
      api.route('POST', '/things', () => ({ status: 201, body: { id: 'x' } }));
      const write = writeOf();
      const id = await drive.accept(write, {});
      const refused = lossy.refuseNext(/set state = 'done'/, code);
      expect(await drive.perform(write, id)).toMatchObject({ state: 'done', calls: 1, sending: 1 });
      expect(refused()).toBe(1);
      expect(calls()).toBe(1);
    });

    it.each([
      ['a look-up that failed', ['500', 'ok'], /set change = \$5,\s+calls/],
      ['a look-up that found nothing', ['ok'], /set change = \$3,/],
    ] as const)('has each call counted once where the answer to %s is lost', async (_, answers, statement) => {
      let sent = 0;
      api.route('POST', '/things', () => (++sent === 1 ? { status: 502 } : { status: 201, body: { id: 'x' } }));
      const left = [...answers];
      api.route('GET', '/things', () => (left.shift() === '500' ? { status: 500 } : { body: [] }));
      const write = writeOf({ whenUnknown });
      const id = await drive.accept(write, {});
      const lost = lossy.loseNext(statement);
      const step = await drive.perform(write, id);
      expect(step).toMatchObject({ state: 'done', calls: calls() });
      expect(step.attempts).toBe(answers.length);
      expect(lost()).toBe(1);
      expect(sent).toBe(2);
    });
  });
});
