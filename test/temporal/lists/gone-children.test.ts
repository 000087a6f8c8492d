import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, endOfData, get, noAuth, rules, status, when } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const PROJECTS = 6;
const TASKS = 4;
const Row = z.object({ id: z.string() });

/** docs/guides/pagination.md#lists-that-cant-be-had */
describe('a child whose list is refused with 404', () => {
  let api: FakeApi;
  let world: World;
  const gone = new Set(['p3']);

  const provider = defineProvider({ id: 'crew', baseUrl: () => api.url, auth: noAuth(), limits: [] });
  const page = z.object({ items: z.array(Row), next: z.string().nullish() });
  const paginate = {
    kind: 'cursor',
    items: (body: z.output<typeof page>) => body.items,
    next: (body: z.output<typeof page>) => body.next,
  } as const;
  const projects = provider.endpoint('projects', {
    input: z.object({}),
    response: page,
    request: (_, { cursor }) => get('/projects', { cursor }),
    paginate,
  });
  const of = (name: string, classify?: ReturnType<typeof rules>) =>
    provider.endpoint(name, {
      input: z.object({ id: z.string() }),
      response: page,
      request: ({ id }, { cursor }) => get(`/projects/${id}/tasks`, { cursor }),
      paginate,
      ...(classify && { classify }),
    });
  const plain = of('plain-tasks');
  const ruled = of('tasks', rules([when(status(404), endOfData())]));

  const tree = (name: string, endpoint: typeof plain, allowEmpty: boolean) =>
    defineSync(name, { provider, input: z.object({}) }, (s) => {
      const all = s.one(projects, { input: () => ({}), key: ({ id }) => id });
      const tasks = s.each(all, endpoint, {
        input: ({ id }) => ({ id }),
        key: ({ id }) => id,
        deletions: 'full-pass',
        allowEmpty,
      });
      return { all, tasks };
    });
  const counted = tree('counted', plain, false);
  const kept = tree('kept', ruled, false);
  const empty = tree('empty', ruled, true);
  const run = async (sync: typeof counted, account: string) =>
    (await world.sluice.start(sync, { account, input: {}, mode: 'full' })).result();
  const tasksOf = async (sync: typeof counted, account: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { change, key } of world.sluice.records(sync.tasks, { account }))
      if (change === 'upsert') found.push(key);
    return found;
  };

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/projects', { count: PROJECTS, itemAt: (_, n) => ({ id: `p${n}` }) });
    api.list('/projects/:id/tasks', {
      count: ({ id }) => (gone.has(id) ? undefined : TASKS),
      itemAt: ({ id }, n) => ({ id: `${id}-${n}` }),
    });
    world = await createWorld([counted, kept, empty]);
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('is skipped, counted, and the run is incomplete, by default', async () => {
    expect(await run(counted, 'a')).toMatchObject({
      state: 'incomplete',
      flaws: [{ node: 'tasks', kind: 'skipped', count: 1, example: 'p3' }],
    });
    expect(await tasksOf(counted, 'a')).toHaveLength((PROJECTS - 1) * TASKS);
  });

  it('is an empty list where a rule says so, and rows that were known are kept', async () => {
    expect(await run(kept, 'b')).toMatchObject({ state: 'done', complete: true, flaws: [] });
    gone.add('p5');
    expect(await run(kept, 'b')).toMatchObject({
      state: 'incomplete',
      flaws: [{ node: 'tasks', kind: 'truncated', example: 'p5' }],
    });
    expect(await tasksOf(kept, 'b')).toHaveLength((PROJECTS - 1) * TASKS);
    gone.delete('p5');
  });

  it('loses the rows that were known where an empty list may', async () => {
    expect(await run(empty, 'c')).toMatchObject({ state: 'done', complete: true });
    gone.add('p5');
    expect(await run(empty, 'c')).toMatchObject({ state: 'done', complete: true, flaws: [] });
    expect(await tasksOf(empty, 'c')).toHaveLength((PROJECTS - 2) * TASKS);
  });
});
