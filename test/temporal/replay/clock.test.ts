/** What a workflow decides must not hang on the time that it sees: a replay may show another one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { replayHistory } from '../../setup/replay.ts';
import { createWorld, type World } from '../../setup/world.ts';

const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });

describe('a replay by another clock', () => {
  let api: FakeApi;
  let world: World;
  const provider = defineProvider({
    id: 'clock',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 30, perMs: 1_500 })],
  });
  const list = (name: string, path: (id: string) => string) =>
    provider.endpoint(name, {
      input: z.object({ id: z.string() }),
      response: Page,
      request: ({ id }, page) => get(path(id), { cursor: page.cursor, limit: page.size }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 10 } },
    });
  const users = list('users', () => '/users');
  const posts = list('posts', (id) => `/users/${id}/posts`);
  const sync = defineSync('clock', { provider, input: z.object({}) }, (s) => {
    const top = s.one(users, { input: () => ({ id: '' }), key: ({ id }) => id });
    return { top, posts: s.each(top, posts, { input: ({ id }) => ({ id }), key: ({ id }) => id, window: 2 }) };
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/users', { count: 10, itemAt: (_, i) => ({ id: `u${i}` }) });
    api.list('/users/:id/posts', { count: 150, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    world = await createWorld([sync]);
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('gives the same commands: a run that waits, and has a deadline', async () => {
    const run = await world.sluice.start(sync, { account: 'a', input: {}, deadline: 600_000 });
    expect(await run.result()).toMatchObject({ state: 'done', rows: 10 + 10 * 150 });
    const { workflowId } = run;
    const history = await world.temporal.workflow.getHandle(workflowId).fetchHistory();
    const events = history.events ?? [];
    expect(events.filter((event) => event.activityTaskScheduledEventAttributes).length).toBeGreaterThan(0);
    // Every second becomes a quarter of an hour.
    const firstS = Number(events[0]?.eventTime?.seconds);
    for (const event of events) {
      const { seconds } = event.eventTime!;
      event.eventTime!.seconds = seconds!.sub(firstS).mul(900).add(firstS);
    }
    await replayHistory(history, workflowId);
  }, 60_000);
});
