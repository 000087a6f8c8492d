/** Actions that are cancelled while a call of theirs is on its way. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ActionFailed } from '../../../client/index.ts';
import { defineProvider, get, noAuth, post } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

/** `PENDING_ACTIVITY_STATE_CANCEL_REQUESTED` of Temporal's API. */
const CANCEL_REQUESTED = 3;

describe('an action that is cancelled', () => {
  let api: FakeApi;
  let world: World;
  /** What the third party has made. */
  const made: { id: string; key: unknown }[] = [];

  const Post = z.object({ text: z.string() });
  const Created = z.object({ id: z.string() });
  const provider = defineProvider({ id: 'slow', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 3 });
  const looked = provider.action('looked', {
    input: Post,
    output: Created,
    request: ({ text }, { idempotencyKey }) => post('/slow', { text, key: idempotencyKey }),
    whenUnknown: {
      lookup: (_, { idempotencyKey }) => get('/slow', { key: idempotencyKey }),
      found: (answer) => z.object({ items: z.array(Created) }).parse(answer).items[0],
      afterMs: 100,
    },
  });
  const keyed = provider.action('keyed', {
    input: Post,
    output: Created,
    request: ({ text }, { idempotencyKey }) => post('/slow', { text, key: idempotencyKey }),
    idempotent: true,
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.route('GET', '/slow', ({ query }) => ({ body: { items: made.filter(({ key }) => key === query.get('key')) } }));
    world = await createWorld([], { actions: [looked, keyed] });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('ends before it was sent also where no worker has it, which is what it waits for', async () => {
    const unserved = provider.action('unserved', { input: Post, output: Created, request: () => post('/none', {}) });
    const handle = await world.sluice.act(unserved, { account: 'a', input: { text: 'x' } });
    await expect.poll(async () => String((await handle.waits())[0]?.text)).toMatch(/no action "slow\/unserved"/);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ name: 'ActionFailed', type: 'cancelled' });
    expect(await handle.status()).toMatchObject({ state: 'cancelled', calls: 0 });
  });

  /** The server has been told to cancel the attempt that is on its way. */
  const isAskedToEnd = async (workflowId: string): Promise<boolean> => {
    const { raw } = await world.temporal.workflow.getHandle(workflowId).describe();
    return Number(raw.pendingActivities?.[0]?.state) === CANCEL_REQUESTED;
  };

  it.each([
    { how: 'looked up, done and answered by a 500', action: looked, status: 500, isDone: true, end: 'done' },
    { how: 'looked up, not done and answered by a 500', action: looked, status: 500, isDone: false, end: 'cancelled' },
    { how: 'refused by a limit', action: looked, status: 429, isDone: false, end: 'cancelled' },
    { how: 'done, and nobody can look it up', action: keyed, status: 500, isDone: true, end: 'unknown-write' },
  ])(
    'ends as what became of it, also when its attempt fails after that: $how',
    async ({ action, status, isDone, end }) => {
      made.length = 0;
      let posts = 0;
      let answer = (): void => {};
      const mayAnswer = new Promise<void>((resolve) => (answer = resolve));
      api.route('POST', '/slow', async ({ body }) => {
        posts++;
        if (isDone) made.push({ id: 'slow-1', key: (body as { key: unknown }).key });
        await mayAnswer;
        return { status, body: {} };
      });
      const handle = await world.sluice.act(action, { account: 'a', input: { text: 'x' } });
      await expect.poll(() => posts, { interval: 20 }).toBe(1);
      await handle.cancel();
      await expect.poll(() => isAskedToEnd(handle.workflowId), { interval: 50 }).toBe(true);
      answer();
      const ended = await handle.result().then(
        () => 'done',
        (error: unknown) => (error instanceof ActionFailed ? error.type : String(error)),
      );
      expect(ended).toBe(end);
      expect(posts).toBe(1);
      await expect
        .poll(async () => (await world.sluice.reports.list({ workflowId: handle.workflowId }))[0]?.status)
        .toBe({ done: 'ok', cancelled: 'cancelled' }[end] ?? 'failed');
    },
  );
});
