import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { performAction } from '../../../activities/action/perform-action.ts';
import { endReport, insertReport, loadActionStep } from '../../../db/index.ts';
import {
  accept,
  bearer,
  defineProvider,
  del,
  emptyList,
  get,
  limited,
  noAuth,
  path,
  permanent,
  post,
  rules,
  status,
  suspectAuth,
  when,
  type Action,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeAnswer, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createActionDrive, type ActionDrive } from '../../setup/drive-action.ts';

describe('a write', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: ActionDrive;
  /** What the third party has made, by the key that it came with. */
  const made: string[] = [];
  let answer: (key: string) => FakeAnswer | Promise<FakeAnswer> = () => ({});
  let look: () => FakeAnswer | Promise<FakeAnswer> = () => ({ body: { items: [] } });

  beforeAll(async () => {
    api = await startFakeApi();
    api.route('POST', '/things', ({ headers }) => answer(String(headers['key'])));
    api.route('GET', '/things', () => look());
    db = await createTestDatabase();
    drive = createActionDrive(db.pool, { get: () => Promise.resolve({ accessToken: 'tok_4f9a8b7c6d5e4f3a' }) });
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  let providers = 0;
  const providerOf = (more: object = {}) =>
    defineProvider({ id: `late-${providers++}`, baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 4, ...more }); // prettier-ignore
  const common = {
    input: z.object({}),
    output: z.object({ id: z.string() }),
    request: (_: unknown, { idempotencyKey }: { idempotencyKey: string }) =>
      post('/things', {}, { key: idempotencyKey }),
  };
  const whenUnknown = {
    lookup: () => get('/things'),
    found: (body: unknown) => (body as { items: { id: string }[] }).items[0],
    afterMs: 0,
  };

  it('that was not found, sent again and answered in the same unfit way, is looked up again before it is left to a person', async () => {
    const looked = providerOf().action('looked', { ...common, whenUnknown });
    for (const isFoundAtLast of [true, false]) {
      made.length = 0;
      let lookUps = 0;
      // The first answer comes from something in between; the second time it is made.
      answer = (key) => {
        made.push(key);
        return { status: 200, body: { message: 'Accepted' } };
      };
      look = () => ({ body: { items: ++lookUps > 1 && isFoundAtLast ? [{ id: 'x' }] : [] } });
      const step = await drive.perform(looked, await drive.accept(looked, {}));
      if (isFoundAtLast) {
        expect(step).toMatchObject({ state: 'done', output: { id: 'x' } });
        expect([made.length, lookUps]).toEqual([2, 2]);
      } else {
        // Each sending was looked up, and none was there: it has not happened.
        expect(step).toMatchObject({ state: 'failed', errorType: 'attempts-spent', attempts: 4 });
        expect([made.length, lookUps]).toEqual([4, 4]);
      }
      expect(new Set(made).size).toBe(1);
    }
  });

  it('through `perform` whose output does not fit is heard once more where it may be repeated, and no more', async () => {
    let calls = 0;
    const perform = () => {
      calls++;
      return Promise.resolve({ number: 42 } as never);
    };
    const { input, output } = common;
    for (const [more, sent] of [
      [{ idempotent: true }, 2],
      [{}, 1],
    ] as const) {
      calls = 0;
      const odd = providerOf().action('odd', { input, output, perform, ...more });
      const step = await drive.perform(odd, await drive.accept(odd, {}));
      expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: sent });
      expect(step.error).toMatch(/^it was accepted, but its output has another shape/);
      expect(calls).toBe(sent);
    }
  });

  it.each([
    ['503 for a limit', { classify: rules([when(status(429, 503), limited())]) }, { status: 503, body: {} }],
    [
      'an empty list for a dead token',
      { classify: rules([when(emptyList('data'), suspectAuth())]), auth: bearer() },
      { status: 200, body: { data: [] } },
    ],
  ])('is sent once, and left to a person, whose provider takes %s', async (_, more, given: FakeAnswer) => {
    made.length = 0;
    answer = (key) => {
      made.push(key);
      return made.length === 1 ? given : { body: { id: 'second' } };
    };
    const bare = providerOf(more).action('bare', common);
    const step = await drive.perform(bare, await drive.accept(bare, {}));
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: 1 });
    expect(made).toHaveLength(1);
  });

  it('that is told that its key is in use, until its attempts are spent, is left to a person', async () => {
    made.length = 0;
    answer = (key) => {
      made.push(key);
      return { status: 409, body: { error: { code: 'key_in_use' } } };
    };
    const keyed = providerOf().action('keyed', { ...common, idempotent: true });
    const step = await drive.perform(keyed, await drive.accept(keyed, {}));
    expect(step).toMatchObject({ state: 'failed', errorType: 'unknown-write', attempts: 4 });
    expect(step.error).toMatch(/^HTTP 409/);
    expect([made.length, new Set(made).size]).toEqual([4, 1]);
  });

  it('is not taken for absent, nor what takes it back for done, because of a 404 page of something in between', async () => {
    const page: FakeAnswer = {
      status: 404,
      body: '<html>default backend</html>',
      headers: { 'content-type': 'text/html' },
    };
    const told = providerOf().action('told', {
      ...common,
      whenUnknown,
      compensate: ({ id }) => del(path`/undo/${id}`),
    });
    made.length = 0;
    answer = (key) => {
      made.push(key);
      return { status: 504 };
    };
    const pages = [page, page];
    look = () => pages.pop() ?? { body: { items: [{ id: 'x' }] } };
    const workflowId = await drive.accept(told, {});
    expect(await drive.perform(told, workflowId)).toMatchObject({ state: 'done', output: { id: 'x' } });
    expect(made).toHaveLength(1);

    let asked = 0;
    api.route('DELETE', '/undo/x', () => (++asked < 3 ? page : { status: 404, body: { error: 'no such thing' } }));
    const undo = await drive.accept(told, null, { undoes: workflowId });
    expect(await drive.perform(told, undo)).toMatchObject({ state: 'done', calls: 3 });

    // Where its own rule says so, it is.
    const ruled = providerOf().action('ruled', {
      ...common,
      whenUnknown,
      classify: rules([when(status(404), permanent('gone'))]),
    });
    made.length = 0;
    answer = (key) => {
      made.push(key);
      return made.length === 1 ? { status: 504 } : { body: { id: 'again' } };
    };
    look = () => page;
    expect(await drive.perform(ruled, await drive.accept(ruled, {}))).toMatchObject({ output: { id: 'again' } });
  });

  it('that takes another one back, and is refused for good after a try whose answer was lost, is left to a person at once', async () => {
    const told = providerOf().action('told', { ...common, compensate: ({ id }) => del(path`/undo/${id}`) });
    answer = () => ({ body: { id: 'x' } });
    const workflowId = await drive.accept(told, {});
    expect(await drive.perform(told, workflowId)).toMatchObject({ state: 'done' });
    let tried = 0;
    api.route('DELETE', '/undo/x', () =>
      ++tried === 1 ? { status: 504 } : { status: 422, body: { error: 'shipped' } },
    );
    const undo = await drive.perform(told, await drive.accept(told, null, { undoes: workflowId }));
    expect(undo).toMatchObject({ state: 'failed', errorType: 'unknown-write', calls: 2 });
    expect(undo.error).toMatch(/HTTP 504.*repeated, it was refused: HTTP 422.*shipped/);
  });

  it('that deletes is done where its answer was lost and its repeat finds nothing to delete, and not before', async () => {
    const deletes = (more: object = {}) =>
      providerOf().action('delete', {
        input: z.object({ id: z.string() }),
        output: z.null(),
        request: ({ id }) => del(path`/gone/${id}`),
        idempotent: true,
        keyGoodForMs: Number.POSITIVE_INFINITY,
        ...more,
      });
    const absent = { status: 404, body: { error: 'not found' } };
    const page = { status: 404, body: '<html>nothing here</html>', headers: { 'content-type': 'text/html' } };
    const performed = async (action: Action, ...steps: FakeAnswer[]) => {
      api.script('DELETE /gone/x', steps);
      return drive.perform(action, await drive.accept(action, { id: 'x' }));
    };
    expect(await performed(deletes(), { status: 504 }, absent)).toMatchObject({
      state: 'done',
      output: null,
      calls: 2,
    });
    expect(await performed(deletes(), absent)).toMatchObject({ state: 'failed', errorType: 'gone', calls: 1 });
    // What was clearly refused has deleted nothing: it was never there.
    expect(await performed(deletes(), { status: 425 }, absent)).toMatchObject({ errorType: 'gone', calls: 2 });
    // Something in between that has no such page knows nothing of the thing.
    expect(await performed(deletes(), { status: 504 }, page)).toMatchObject({ errorType: 'unknown-write', calls: 2 });
    // That it is not there is what was wanted, whoever finds that out.
    const looked = deletes({
      idempotent: false,
      keyGoodForMs: undefined,
      whenUnknown: { lookup: () => get('/gone/x'), found: () => undefined, afterMs: 1 },
    });
    expect(await performed(looked, { status: 504 }, absent)).toMatchObject({ state: 'done', output: null, calls: 3 });
    const either = deletes({ classify: rules([when(status(404), accept())]), made: () => null });
    expect(await performed(either, absent)).toMatchObject({ state: 'done', output: null, calls: 1 });
  });

  describe('whose worker was taken for lost, and is not', () => {
    /** The first call is answered when it is told to. */
    const slow = async (action: Action) => {
      let arrived = (): void => {};
      let go: ((given: FakeAnswer) => void) | undefined;
      const isThere = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      answer = () =>
        new Promise((resolve) => {
          go = resolve;
          arrived();
        });
      const workflowId = await drive.accept(action, {});
      const first = drive.perform(action, workflowId, { most: 1 });
      await isThere;
      return { workflowId, first, answerIt: (given: FakeAnswer = { body: { id: 'late' } }) => go?.(given) };
    };

    it('is done, and so its report, when its answer comes after it was left to a person', async () => {
      const bare = providerOf().action('bare', common);
      const { workflowId, first, answerIt } = await slow(bare);
      const id = crypto.randomUUID();
      const about = { kind: 'action', name: bare.definition.id, account: 'a', tenant: 'a', startedBy: 'system', what: 'x' } as const; // prettier-ignore
      await insertReport(db.pool, { id, ...about, workflowId, rootWorkflowId: workflowId });
      const left = await drive.perform(bare, workflowId);
      expect(left).toMatchObject({ state: 'failed', errorType: 'unknown-write' });
      await endReport(db.pool, id, { status: 'failed', errorType: 'unknown-write', error: 'x' }, null);
      answerIt();
      expect(await first).toMatchObject({ state: 'done', output: { id: 'late' }, error: null });
      const { rows } = await db.pool.query('select status, error from sluice.report where workflow_id = $1', [workflowId]); // prettier-ignore
      expect(rows).toEqual([{ status: 'ok', error: null }]);
    });

    it('does not end what another worker has sent meanwhile, whatever it was refused with', async () => {
      const keyed = providerOf().action('keyed', { ...common, idempotent: true });
      const { workflowId, first, answerIt } = await slow(keyed);
      // Its repeat is under way when the first call is refused.
      answer = async () => {
        answer = () => ({ body: { id: 'made' } });
        answerIt({ status: 422, body: {} });
        await first;
        return { status: 504 };
      };
      expect(await drive.perform(keyed, workflowId)).toMatchObject({ state: 'done', output: { id: 'made' } });
    });

    it('changes nothing of what was found out meanwhile by any answer but that it is done', async () => {
      for (const given of [{ status: 504 }, { status: 429, headers: { 'retry-after': '0' } }, { status: 425 }]) {
        const looked = providerOf().action('looked', { ...common, whenUnknown });
        const { workflowId, first, answerIt } = await slow(looked);
        look = () => ({ body: { items: [{ id: 'found' }] } });
        const found = await drive.perform(looked, workflowId);
        expect(found).toMatchObject({ state: 'done', output: { id: 'found' }, error: null, attempts: 1, calls: 2 });
        answerIt(given);
        expect(await first).toMatchObject({ state: 'done', error: null, attempts: 1, calls: 2 });
      }
    });

    it('is done, and does not fail, when its answer comes while it is being left to a person', async () => {
      const looked = providerOf().action('looked', { ...common, whenUnknown });
      const { workflowId, first, answerIt } = await slow(looked);
      // The look-up settles nothing, and meanwhile the answer is there.
      look = async () => {
        answerIt();
        await first;
        return { status: 403, body: {} };
      };
      const request = { workflowId, priority: 'interactive', weight: 1 } as const;
      expect(await performAction(drive.deps, request)).toEqual({ state: 'done' });
      expect(await loadActionStep(db.pool, workflowId)).toMatchObject({ state: 'done', output: { id: 'late' } });
    });
  });
});
