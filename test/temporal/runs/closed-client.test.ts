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

  it('says so to all who ask it for something, and to a start that waits for a run to end', async () => {
    const { taskQueue, db } = world;
    const client = await connect({ databaseUrl: db.url, temporal: { address: temporalAddress() }, taskQueue });
    const run = await client.start(sync, { account: 'b', input: {} });
    const other = client.as({ by: 'user:7' });
    await run.cancel();
    // No worker ends it: both wait.
    const waiting = Promise.allSettled([client.start(sync, { account: 'b', input: {} }), run.startAgain()]);
    await expect.poll(async () => (await world.sluice.reports.list({ account: 'b' })).length).toBe(1);
    await client.close();
    await other.close();
    const rows = async () => {
      for await (const row of client.records(sync.list, { account: 'b' })) return row;
      return undefined;
    };
    const asked = Promise.allSettled([
      client.start(sync, { account: 'b', input: {} }),
      client.act(write, { account: 'b', input: {} }),
      run.progress(),
      run.cancel(),
      client.reports.list(),
      client.accounts.list(),
      other.run({ sync, account: 'b' }).waits(),
      rows(),
    ]);
    for (const answer of [...(await waiting), ...(await asked)])
      expect(answer).toMatchObject({ status: 'rejected', reason: { name: 'ClientClosed' } });
    await expect(client.start(sync, { account: '', input: {} })).rejects.toThrow(TypeError);
  });
});
