/** Lists that are visited only below rows that have changed, where all rows of the parent come again in each run. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSync, get, path } from '../../../providers/index.ts';
import { onListStage, openProvider, type ListStage } from '../../setup/list-stage.ts';

interface Product {
  readonly id: string;
  readonly updatedAt: number;
  readonly shelf?: string | undefined;
}

describe('children of parents that changed', () => {
  let stage: ListStage;
  let products: Product[];
  let failing: Set<string>;
  /** Lists that were asked for since it was emptied. */
  let asked: string[];
  /** What happens at the third party when a list is asked for. */
  let onAsked: (id: string) => void;
  onListStage((set) => {
    stage = set;
    products = [1, 2, 3, 4, 5].map((n) => ({ id: `p${n}`, updatedAt: 0, shelf: `s${n % 2}` }));
    failing = new Set();
    asked = [];
    onAsked = () => {};
    stage.api.route('GET', '/products', ({ query }) => {
      const at = (query.get('cursor') ?? '').length;
      return {
        body: { items: products.slice(at, at + 2), next: at + 2 < products.length ? 'x'.repeat(at + 2) : null },
      };
    });
    for (const what of ['details', 'prices'])
      stage.api.route('GET', `/${what}/:id`, (_, { id }) => {
        asked.push(what === 'details' ? id : `${what} ${id}`);
        onAsked(id);
        return failing.has(id) ? { status: 400, body: {} } : { body: { items: [{ id: `${id}-${what}` }] } };
      });
  });

  const syncOf = (more: 'prices' | 'by shelf' | 'below' | '' = '') => {
    const provider = openProvider(stage.api, 'shop', 1);
    const list = provider.endpoint('products', {
      input: z.object({}),
      response: z.object({
        items: z.array(z.object({ id: z.string(), updatedAt: z.number(), shelf: z.string().optional() })),
        next: z.string().nullable(),
      }),
      request: (_, page) => get('/products', { cursor: page.cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const listOf = (what: 'details' | 'prices') =>
      provider.endpoint(what, {
        input: z.object({ id: z.string() }),
        response: z.object({ items: z.array(z.object({ id: z.string() })) }),
        request: ({ id }) => get(path`/${what}/${id}`),
        paginate: { kind: 'single', items: ({ items }) => items },
      });
    const [details, prices] = [listOf('details'), listOf('prices')];
    return defineSync('shop', { provider, input: z.object({}) }, (s) => {
      const all = s.one(list, { input: () => ({}), key: ({ id }) => id, map: (product): Product => product });
      const options = {
        key: ({ id }: { id: string }) => id,
        parents: 'changed' as const,
        onChildError: { maxSkippedShare: 1 },
      };
      const its = s.each(all, details, {
        ...options,
        input: ({ id, shelf = '' }) => ({ id: more === 'by shelf' ? shelf : id }),
        ...(more === 'by shelf' ? { uniqueBy: ({ shelf = '' }: Product) => shelf } : {}),
      });
      if (more === 'below') {
        const below = s.each(its, prices, { input: ({ id }) => ({ id }), key: ({ id }) => id });
        return { all, its, below };
      }
      if (more !== 'prices') return { all, its };
      return { all, its, prices: s.each(all, prices, { ...options, input: ({ id }) => ({ id }) }) };
    });
  };
  const read = async (sync = syncOf(), mode: 'incremental' | 'full' = 'incremental') => {
    asked = [];
    const result = await stage.drive.run(sync, { account: stage.account, mode });
    return { complete: result?.complete, asked: asked.toSorted().join(' ') };
  };
  const change = (id: string) => {
    products = products.map((each) => (each.id === id ? { ...each, updatedAt: each.updatedAt + 1 } : each));
  };

  it('are asked for again only below rows of which something else is stored, and all in a full run', async () => {
    expect(await read()).toEqual({ complete: true, asked: 'p1 p2 p3 p4 p5' });
    expect(await read()).toEqual({ complete: true, asked: '' });
    change('p2');
    products = [...products, { id: 'p6', updatedAt: 0 }];
    expect(await read()).toEqual({ complete: true, asked: 'p2 p6' });
    expect(await read()).toEqual({ complete: true, asked: '' });
    expect(await read(syncOf(), 'full')).toEqual({ complete: true, asked: 'p1 p2 p3 p4 p5 p6' });
  });

  it('are asked for again where they could not be read, though their row stays as it is', async () => {
    failing.add('p3');
    expect(await read()).toMatchObject({ complete: false });
    expect(await read()).toEqual({ complete: false, asked: 'p3' });
    failing.clear();
    expect(await read()).toEqual({ complete: true, asked: 'p3' });
    expect(await read()).toEqual({ complete: true, asked: '' });
  });

  it('are asked for below all rows where the node is new', async () => {
    await read();
    expect(await read(syncOf('prices'))).toEqual({
      complete: true,
      asked: products.map(({ id }) => `prices ${id}`).join(' '),
    });
    expect(await read(syncOf('prices'))).toEqual({ complete: true, asked: '' });
  });

  it('are asked for again below a row that changed once more while the run was going on', async () => {
    const { drive, account } = stage;
    const sync = syncOf();
    // Its list has been read when the row comes again, on a later page, and is another one by then.
    onAsked = (id) => {
      if (id !== 'p1') return;
      change('p1');
      products = [...products, products[0]!];
    };
    const runId = crypto.randomUUID();
    const { units } = await drive.open(sync, runId, { account });
    const of = { runId, node: 'all', unit: units[0]!.id };
    await drive.call(sync, of, account);
    const { rows } = await stage.db.pool.query<{ id: string }>(
      `select id from sluice.unit where run_id = $1 and node = 'its' and parent_key = 'p1'`,
      [runId],
    );
    await drive.call(sync, { runId, node: 'its', unit: Number(rows[0]!.id) }, account);
    expect(asked).toEqual(['p1']);
    onAsked = () => {};
    expect(await drive.goOn(sync, runId, { account })).toMatchObject({ complete: true });
    expect(await read()).toEqual({ complete: true, asked: 'p1' });
    expect(await read()).toEqual({ complete: true, asked: '' });
  });

  it('that several rows lead to are asked for when one of them has changed', async () => {
    expect(await read(syncOf('by shelf'))).toEqual({ complete: true, asked: 's0 s1' });
    // Rows of it have come since it was opened.
    expect(await read(syncOf('by shelf'))).toEqual({ complete: true, asked: 's0 s1' });
    expect(await read(syncOf('by shelf'))).toEqual({ complete: true, asked: '' });
    change('p4');
    expect(await read(syncOf('by shelf'))).toEqual({ complete: true, asked: 's0' });
  });

  it('leave out nothing further below that an earlier run could not read', async () => {
    failing.add('p2-details');
    expect(await read(syncOf('below'))).toMatchObject({ complete: false });
    failing.clear();
    expect(await read(syncOf('below'))).toEqual({ complete: true, asked: 'prices p2-details' });
    expect(await read(syncOf('below'))).toEqual({ complete: true, asked: '' });
  });

  it('are read again by a retry, and by it alone', async () => {
    const { drive, account } = stage;
    failing.add('p3');
    await read();
    const of = drive.lastRunId();
    failing.clear();
    asked = [];
    expect(await drive.run(syncOf(), { account, retryOf: { runId: of, also: [] } })).toMatchObject({ complete: true });
    expect(asked).toEqual(['p3']);
    expect(await read()).toEqual({ complete: true, asked: '' });
  });
});
