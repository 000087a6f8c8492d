import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connect } from '../../../client/index.ts';
import { defineProvider, defineSync, get, noAuth, post } from '../../../providers/index.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const provider = defineProvider({ id: 'never', baseUrl: 'http://127.0.0.1:1', auth: noAuth(), limits: [] });
const list = provider.endpoint('list', {
  input: z.object({}),
  response: z.object({ items: z.array(z.object({ id: z.string() })) }),
  request: () => get('/list'),
  paginate: { kind: 'single', items: ({ items }) => items },
});
const sync = defineSync('never', { provider, input: z.object({}) }, (s) => ({
  list: s.one(list, { input: () => ({}), key: ({ id }) => id }),
}));
const write = provider.action('write', {
  input: z.object({}),
  output: z.object({}),
  request: () => post('/write', {}),
  idempotent: true,
});

describe('a client that is closed', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld([sync], { workers: 0 });
  });
  afterAll(() => world?.end());

  it('ends the wait for results with an error, and leaves what was started alone', async () => {
    const { taskQueue, db } = world;
    const client = await connect({ databaseUrl: db.url, temporal: { address: temporalAddress() }, taskQueue });
    const run = await client.start(sync, { account: 'a', input: {} });
    const action = await client.act(write, { account: 'a', input: {} });
    const results = Promise.allSettled([run.result(), action.result()]);
    await client.close();
    for (const result of await results)
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { message: expect.stringMatching(/^The client was closed/) as string },
      });
    expect(await world.sluice.run({ sync, account: 'a' }).progress()).toMatchObject({ state: 'starting' });
  });
});
