/** Nodes whose lists end at the same time: none of them is the last one, and the run ends all the same. */
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

beforeAll(async () => {
  world = await createWorld([sync]);
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
