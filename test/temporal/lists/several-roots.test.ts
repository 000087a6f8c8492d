/** Several lists at the root: nodes that end at the same time, so that none of them is the last one; and a list for each value of the run's input. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

let api: FakeApi;
let world: World;
const provider = defineProvider({ id: 'roots', baseUrl: () => api.url, auth: noAuth(), limits: [] });
const thing = provider.endpoint('thing', {
  input: z.object({ id: z.string() }),
  response: z.object({ id: z.string() }),
  request: ({ id }) => get('/thing', { id }),
});
const sync = defineSync('roots', { provider, input: z.object({}) }, (s) => {
  const root = (id: string) => s.one(thing, { input: () => ({ id }), key: (row) => row.id });
  return { a: root('a'), b: root('b'), c: root('c'), d: root('d'), e: root('e') };
});

const named = defineSync('named', { provider, input: z.object({ ids: z.array(z.string()) }) }, (s) => {
  const ids = s.values(({ ids }) => ids, { key: (id) => id });
  return { ids, things: s.each(ids, thing, { input: (id) => ({ id }), key: (row) => row.id }) };
});

beforeAll(async () => {
  world = await createWorld([sync, named]);
  api = await startFakeApi();
  api.route('GET', '/thing', ({ query }) => ({ body: { id: query.get('id') } }));
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});

it('a run whose nodes end at the same time ends', async () => {
  for (let round = 0; round < 5; round++) {
    const run = await world.sluice.start(sync, { account: 'a', input: {} });
    expect(await run.result()).toMatchObject({ complete: true, rows: 5 });
  }
}, 60_000);

it.each([
  ['some', ['a', 'b', 'c']],
  ['none', []],
])('a run has a list for each value of its input: %s', async (_, ids) => {
  const before = api.report().calls;
  const run = await world.sluice.start(named, { account: `of-${ids.length}`, input: { ids } });
  expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 2 * ids.length, calls: ids.length });
  expect(api.report().calls - before).toBe(ids.length);
});
