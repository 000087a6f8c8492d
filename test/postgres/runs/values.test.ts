/** Rows that take no call: values that are known already, each of which may be the parent of lists. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { connectAccount } from '../../../db/index.ts';
import { defineProvider, defineSync, get, noAuth, path, window, type Node } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

describe('values as rows', () => {
  let stage: ListStage;
  let asked: string[];
  onListStage((set) => {
    stage = set;
    asked = [];
    stage.api.route('GET', '/repos/:owner/:name/issues', ({ query }, { owner, name }) => {
      const state = query.get('state') ?? 'all';
      asked.push(`${owner}/${name} ${state}`);
      return { body: [1, 2].map((n) => ({ id: `${owner}-${name}-${state}-${n}` })) };
    });
    stage.api.route('GET', '/repos', () => ({ body: [{ id: 'a/x' }, { id: 'a/y' }] }));
  });

  const endpoints = () => {
    const provider = defineProvider({
      id: 'hub',
      baseUrl: () => stage.api.url,
      auth: noAuth(),
      maxAttempts: 1,
      limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
    });
    const issues = provider.endpoint('issues', {
      input: z.object({ repo: z.string(), state: z.string().optional() }),
      response: z.array(z.object({ id: z.string() })),
      request: ({ repo, state }) => get(`/repos/${repo}/issues`, { state }),
      paginate: { kind: 'single', items: (rows) => rows },
    });
    const repos = provider.endpoint('repos', {
      input: z.object({}),
      response: z.array(z.object({ id: z.string() })),
      request: () => get(path`/repos`),
      paginate: { kind: 'single', items: (rows) => rows },
    });
    return { provider, issues, repos };
  };
  const ofInput = () => {
    const { provider, issues } = endpoints();
    return defineSync('hub', { provider, input: z.object({ repos: z.array(z.string()) }) }, (s) => {
      const repos = s.values(({ repos: names }) => names, { key: (repo) => repo });
      return { repos, issues: s.each(repos, issues, { input: (repo) => ({ repo }), key: ({ id }) => id }) };
    });
  };
  const live = async (node: string) => {
    const { rows } = await stage.db.pool.query<{ key: string; data: unknown }>(
      `select key, data from sluice.record where account = $1 and resource like '%.' || $2 and deleted_at is null order by key`,
      [stage.account, node],
    );
    return rows;
  };

  it('of the run’s input have a list each, and take no call themselves', async () => {
    const { drive, account, api } = stage;
    const result = await drive.run(ofInput(), { account, input: { repos: ['a/x', 'a/y', 'b/z'] } });
    expect(result).toMatchObject({ state: 'done', complete: true, rows: 3 + 6, calls: 3 });
    expect(api.report().calls).toBe(3);
    expect(asked.toSorted()).toEqual(['a/x all', 'a/y all', 'b/z all']);
    expect(await live('repos')).toEqual(['a/x', 'a/y', 'b/z'].map((repo) => ({ key: repo, data: repo })));
  });

  it('may be none, and are complete all the same', async () => {
    const { drive, account } = stage;
    expect(await drive.run(ofInput(), { account, input: { repos: ['a/x'] } })).toMatchObject({ complete: true });
    expect(await drive.run(ofInput(), { account, input: { repos: [] } })).toMatchObject({
      state: 'done',
      complete: true,
      rows: 0,
      calls: 0,
    });
  });

  it('of another input than before: what it does not name any more is deleted, unless it is said to be another list', async () => {
    const { drive, account } = stage;
    const keys = async () => (await live('repos')).map(({ key }) => key);
    await drive.run(ofInput(), { account, input: { repos: ['a/x', 'a/y', 'b/z'] } });
    expect(await drive.run(ofInput(), { account, input: { repos: ['a/x'] } })).toMatchObject({
      complete: true,
      calls: 1,
    });
    expect(await keys()).toEqual(['a/x']);
    expect(await drive.run(ofInput(), { account, input: { repos: [] } })).toMatchObject({ complete: true, calls: 0 });
    expect(await keys()).toEqual([]);
    const byOwner = () => {
      const { provider, issues } = endpoints();
      const input = z.object({ owner: z.string(), repos: z.array(z.string()) });
      return defineSync('hub', { provider, input }, (s) => {
        const repos = s.values((of) => of.repos, { key: (repo) => repo, uniqueBy: ({ owner }) => owner });
        return { repos, issues: s.each(repos, issues, { input: (repo) => ({ repo }), key: ({ id }) => id }) };
      });
    };
    await drive.run(byOwner(), { account, input: { owner: 'a', repos: ['a/x', 'a/y'] } });
    await drive.run(byOwner(), { account, input: { owner: 'b', repos: ['b/z'] } });
    expect(await keys()).toEqual(['a/x', 'a/y', 'b/z']);
    await drive.run(byOwner(), { account, input: { owner: 'a', repos: ['a/y'] } });
    expect(await keys()).toEqual(['a/y', 'b/z']);
  });

  it('of each row of a parent have a list each, and those that are none any more are deleted', async () => {
    const { drive, account } = stage;
    const syncOf = (states: readonly string[]) => {
      const { provider, issues, repos } = endpoints();
      return defineSync('hub', { provider, input: z.object({ but: z.string() }) }, (s) => {
        const all = s.one(repos, { input: () => ({}), key: ({ id }) => id });
        const lists = s.values(
          all,
          ({ id }, { runInput: { but } }) =>
            states.filter((state) => state !== but).map((state) => ({ repo: id, state })),
          { key: ({ repo, state }) => `${repo} ${state}` },
        );
        return { repos: all, lists, issues: s.each(lists, issues, { input: (list) => list, key: ({ id }) => id }) };
      });
    };
    const input = { but: 'lost' };
    expect(await drive.run(syncOf(['open', 'closed', 'lost']), { account, input })).toMatchObject({
      complete: true,
      rows: 2 + 4 + 8,
      calls: 1 + 4,
    });
    expect(asked.toSorted()).toEqual(['a/x closed', 'a/x open', 'a/y closed', 'a/y open']);
    expect(await drive.run(syncOf(['open']), { account, input })).toMatchObject({ complete: true, calls: 1 + 2 });
    expect((await live('lists')).map(({ key }) => key)).toEqual(['a/x open', 'a/y open']);
  });

  it('read a list from both its ends into one node, each row once', async () => {
    const { drive, account, api } = stage;
    const ids = Array.from({ length: 30 }, (_, n) => ({ id: `e${n}`, name: `event ${n}` }));
    // No more than 20 in either order.
    api.route('GET', '/events', ({ query }) => {
      const sorted = query.get('order') === 'desc' ? ids.toReversed() : ids;
      const at = Number(query.get('cursor') ?? 0);
      return { body: { items: sorted.slice(at, at + 5), next: at < 15 ? String(at + 5) : null } };
    });
    const { provider } = endpoints();
    const events = provider.endpoint('events', {
      input: z.object({ order: z.string() }),
      response: z.object({
        items: z.array(z.object({ id: z.string(), name: z.string() })),
        next: z.string().nullable(),
      }),
      request: ({ order }, page) => get('/events', { order, cursor: page.cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const sync = defineSync('both', { provider, input: z.object({}) }, (s) => {
      const orders = s.values(() => ['asc', 'desc'], { key: (order) => order });
      return { orders, events: s.each(orders, events, { input: (order) => ({ order }), key: ({ id }) => id }) };
    });
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, flaws: [], rows: 2 + 30 });
    expect(await live('events')).toHaveLength(30);
  });

  it('of the account’s settings are those that it has when the run reads them', async () => {
    const { drive, account, db, api } = stage;
    const provider = defineProvider(z.object({ markets: z.array(z.string()) }), {
      id: 'shops',
      baseUrl: () => api.url,
      hosts: [new URL(api.url).host],
      auth: noAuth(),
      limits: [],
      allowPrivateAddresses: true,
    });
    const orders = provider.endpoint('orders', {
      input: z.object({ market: z.string() }),
      response: z.array(z.object({ id: z.string() })),
      request: ({ market }) => get(path`/orders/${market}`),
      paginate: { kind: 'single', items: (rows) => rows },
    });
    const sync = defineSync('shops', { provider, input: z.object({}) }, (s) => {
      const markets = s.values((_, { settings }) => settings.markets, { key: (market) => market });
      expectTypeOf(markets).toEqualTypeOf<Node<string>>();
      return { markets, orders: s.each(markets, orders, { input: (market) => ({ market }), key: ({ id }) => id }) };
    });
    api.route('GET', '/orders/:market', (_, { market }) => ({ body: [{ id: `${market}-1` }] }));
    const keys = async () => (await live('markets')).map(({ key }) => key);
    const connected = { provider: 'shops', account };
    await connectAccount(db.pool, undefined, { ...connected, settings: { markets: ['de', 'fr'] } }, undefined);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, calls: 2 });
    expect(await keys()).toEqual(['de', 'fr']);
    await connectAccount(db.pool, undefined, { ...connected, settings: { markets: ['fr', 'it'] } }, undefined);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, calls: 2 });
    expect(await keys()).toEqual(['fr', 'it']);
  });

  it('that are no list fail theirs, with what was given', async () => {
    const { drive, account } = stage;
    const { provider } = endpoints();
    const sync = defineSync('odd', { provider, input: z.object({}) }, (s) => ({
      odd: s.values(() => 'open' as unknown as string[], { key: (value) => value }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({
      state: 'failed',
      calls: 0,
      flaws: [
        {
          node: 'odd',
          kind: 'failed',
          reason: expect.stringMatching(/`values` of node "odd".*it gave a string; it must be a list/),
        },
      ],
    });
  });

  it('have their mistakes told at load', () => {
    const { provider } = endpoints();
    const define = () =>
      defineSync('odd', { provider, input: z.object({}) }, (s) => ({
        none: s.values('open' as never, { key: () => '' }),
        some: s.values(() => ['open'], { key: (value: string) => value, when: () => true, incrementl: true } as never),
      }));
    expect(define).toThrow(/node "none": `s.values` needs a function that gives the values/);
    expect(define).toThrow(/node "some": `when` is of the rows of a parent/);
    expect(define).toThrow(/node "some": unknown option `incrementl`/);
  });
});
