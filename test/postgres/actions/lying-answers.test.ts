/**
 * A third party whose answers lie about whether a write has happened, drawn at random; its refusals alone are true (docs/guides/actions.md says
 * that those are believed). What may never be: a second object, a write sent again without a key or a look-up, `done` without an object, and a
 * failure that is sure of itself though there is one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, get, noAuth, post, type Action } from '../../../providers/index.ts';
import { pick, seededRandom } from '../../../testing/fake-api/random.ts';
import { startFakeApi, type FakeAnswer, type FakeApi } from '../../../testing/index.ts';
import { createActionDrive, type ActionDrive } from '../../setup/drive-action.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const CASES = 15;

const html = { 'content-type': 'text/html' };
const broken = async function* (): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from('{"id":'));
  throw new Error('cut on purpose');
};
/** Whether it was done or not. */
const unclear: readonly (() => FakeAnswer)[] = [
  () => ({ status: 500, body: { error: 'oops' } }),
  () => ({ status: 502, body: '<html>', headers: html }),
  () => ({ status: 503, headers: { 'retry-after': '0' } }),
  () => ({ status: 504 }),
  () => ({ status: 408 }),
  () => ({ status: 302, headers: { location: '/elsewhere' } }),
  () => ({ status: 200, body: '<!doctype html><html>Please wait</html>', headers: html }),
  () => ({ status: 200, body: { ok: false } }),
  () => ({ status: 200, body: { errors: [{ message: 'it timed out' }] } }),
  () => ({ status: 200, body: { status: 500, message: 'it timed out' } }),
  () => ({ status: 200, body: { message: 'it was queued' } }),
  () => ({ status: 202, body: {} }),
  () => ({ status: 204 }),
  () => ({ stream: broken(), framing: 100 }),
  () => ({ status: 200, body: '{"id":' }),
  () => ({ status: 429, stream: broken(), framing: 100, headers: { 'retry-after': '0' } }),
];
/** Nothing was done. */
const refusals: readonly (() => FakeAnswer)[] = [
  () => ({ status: 400, body: { error: 'bad' } }),
  () => ({ status: 403, body: { error: 'no' } }),
  () => ({ status: 404, body: { error: 'none' } }),
  () => ({ status: 422, body: { error: 'bad' } }),
  () => ({ status: 425 }),
  () => ({ status: 429, headers: { 'retry-after': '0' }, body: {} }),
];
/** Of a look-up, which may be true or tell nothing. */
const noise: readonly (() => FakeAnswer)[] = [
  () => ({ status: 500 }),
  () => ({ status: 404, body: '<html>no backend</html>', headers: html }),
  () => ({ body: { items: [], has_more: true } }),
  () => ({ status: 429, headers: { 'retry-after': '0' } }),
  () => ({ body: '{"items":' }),
];

describe('a third party whose answers lie about a write', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: ActionDrive;
  const random = seededRandom(11);
  /** Of the action that is performed: objects there, the keys that were sent, and what was sent and asked in order. */
  let made: string[] = [];
  let keys: string[] = [];
  let log: string[] = [];
  let honoursKeys = false;

  beforeAll(async () => {
    api = await startFakeApi();
    api.route('POST', '/write', ({ headers }): FakeAnswer => {
      const key = String(headers['key']);
      keys.push(key);
      if (random() < 0.3) {
        log.push('refused');
        return pick(random, refusals)();
      }
      const isNew = !honoursKeys || !made.includes(key);
      const isDone = random() < 0.6;
      if (isDone && isNew) made.push(key);
      if (isDone && random() < 0.5) {
        log.push('answered');
        return { body: { id: key } };
      }
      const answer = pick(random, unclear)();
      // A limit whose answer breaks off is a limit, and those are believed.
      if (answer.status === 429 && isDone && isNew) made.pop();
      log.push(answer.status === 429 ? 'refused' : 'unclear');
      return answer;
    });
    api.route('GET', '/look', (): FakeAnswer => {
      log.push('looked');
      if (random() < 0.4) return pick(random, noise)();
      return { body: { items: made.map((id) => ({ id })) } };
    });
    db = await createTestDatabase();
    drive = createActionDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const Found = z.object({ items: z.array(z.object({ id: z.string() })) });
  const ways: Readonly<Record<string, object>> = {
    'that can only be left to a person': {},
    'that is repeated by key': { idempotent: true },
    'that is looked up, and has a key': {
      idempotent: true,
      whenUnknown: { lookup: () => get('/look'), found: (body: unknown) => Found.parse(body).items[0], afterMs: 1 },
    },
    'that is looked up': {
      whenUnknown: { lookup: () => get('/look'), found: (body: unknown) => Found.parse(body).items[0], afterMs: 1 },
    },
  };
  let providers = 0;
  const anew = (more: object): Action =>
    defineProvider({
      id: `liar-${providers++}`,
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: 4,
    }).action('write', {
      input: z.object({}),
      output: z.object({ id: z.string() }),
      request: (_, { idempotencyKey }) => post('/write', {}, { key: idempotencyKey }),
      ...more,
    }) as Action;

  it.each(Object.keys(ways))(
    'neither doubles a write %s, nor makes one look done, or failed, that is not',
    async (way) => {
      for (let n = 0; n < CASES; n++) {
        [made, keys, log] = [[], [], []];
        honoursKeys = 'idempotent' in (ways[way] as object);
        const action = anew(ways[way] as object);
        const step = await drive.perform(action, await drive.accept(action, {}), { most: 60 });
        const how = `${log.join(' ')} → ${step.state} ${step.errorType ?? ''} ${step.error ?? ''}`;
        expect(made.length, how).toBeLessThanOrEqual(1);
        expect(new Set(keys).size, how).toBe(1);
        expect(['done', 'failed'], how).toContain(step.state);
        if (step.state === 'done') expect(made, how).toEqual([(step.output as { id: string }).id]);
        else if (step.errorType !== 'unknown-write') expect(made, how).toEqual([]);
        for (const [place, entry] of log.entries())
          if (entry === 'unclear' && !honoursKeys) expect(log[place + 1] ?? 'looked', how).toBe('looked');
      }
    },
  );
});
