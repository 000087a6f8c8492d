/** Trees as third parties tell them: whole ones in an answer, rows that name what is below them, rows that move meanwhile. */
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSync, get, path, type Provider } from '../../../providers/index.ts';
import { onListStage, openProvider, type ListStage } from '../../setup/list-stage.ts';

describe('a tree', () => {
  let stage: ListStage;
  let provider: Provider;
  onListStage((set) => (stage = set));
  beforeEach(() => {
    provider = openProvider(stage.api, 'forest', 1);
  });
  const stored = async (node: string) => {
    const { rows } = await stage.db.pool.query<{ key: string }>(
      `select key from sluice.record where account = $1 and resource like '%.' || $2 and deleted_at is null order by key`,
      [stage.account, node],
    );
    return rows.map(({ key }) => key);
  };

  it('that comes as a whole takes one call, and what an answer leaves out is asked for', async () => {
    interface Layer {
      readonly id: string;
      readonly layers?: readonly Layer[] | undefined;
    }
    const deep = (id: string, depth: number): Layer => ({
      id,
      layers: depth === 0 ? [] : [0, 1, 2].map((n) => deep(`${id}.${n}`, depth - 1)),
    });
    const all = (layer: Layer): string[] => (layer.layers ?? []).flatMap((each) => [each.id, ...all(each)]);
    const root = deep('r', 4);
    const told = (layer: Layer): Layer => ({
      id: layer.id,
      ...(layer.id === 'r.1' ? {} : { layers: layer.layers?.map(told) }),
    });
    stage.api.route('GET', '/files', () => ({ body: { layers: [told(root)] } }));
    stage.api.route('GET', '/layers/:id', (_, { id }) => ({
      body: { layers: root.layers?.find((layer) => layer.id === id)?.layers },
    }));
    const Answer = z.object({ layers: z.array(z.object({ id: z.string(), layers: z.array(z.unknown()).optional() })) });
    const paginate = { kind: 'single', items: ({ layers }: z.output<typeof Answer>) => layers } as const;
    const file = provider.endpoint('file', {
      input: z.object({}),
      response: Answer,
      request: () => get('/files'),
      paginate,
    });
    const layers = provider.endpoint('layers', {
      input: z.object({ id: z.string() }),
      response: Answer,
      request: ({ id }) => get(path`/layers/${id}`),
      paginate,
    });
    const sync = defineSync('design', { provider, input: z.object({}) }, (s) => {
      const top = s.one(file, { input: () => ({}), key: ({ id }) => id });
      return {
        top,
        layers: s.tree(top, layers, {
          top: (layer) => layer,
          input: ({ id }) => ({ id }),
          key: ({ id }) => id,
          nested: (layer) => (layer.layers ? { layers: layer.layers } : undefined),
        }),
      };
    });
    expect(await stage.drive.run(sync, { account: stage.account })).toMatchObject({ complete: true, calls: 1 + 1 });
    expect(await stored('layers')).toEqual(all(root).toSorted());
  });

  it('of rows that name what is below them takes one call for each: names are rows of its own, without a call', async () => {
    const kids = (id: number): number[] => [id * 2, id * 2 + 1].filter((kid) => kid < 40);
    stage.api.route('GET', '/items/:id', (_, { id }) => ({
      body: { id: Number(id), text: `t${id}`, kids: kids(Number(id)) },
    }));
    const Item = z.object({ id: z.number(), text: z.string(), kids: z.array(z.number()) });
    const item = provider.endpoint('item', {
      input: z.object({ id: z.number() }),
      response: z.union([Item, z.object({ names: z.array(z.number()) })]),
      request: ({ id }) => get(path`/items/${String(id)}`),
      paginate: {
        kind: 'single',
        items: (answer) =>
          'names' in answer
            ? answer.names.map((id) => ({ isName: true, id, text: '', kids: [id] }))
            : [{ isName: false, ...answer }],
      },
    });
    const sync = defineSync('thread', { provider, input: z.object({ story: z.number() }) }, (s) => ({
      items: s.tree(item, {
        top: ({ story }) => ({ isName: true, id: story, kids: [story] }),
        when: ({ kids: below }) => below.length > 0,
        input: ({ id }) => ({ id }),
        nested: (above) => (above.isName ? undefined : { names: above.kids }),
        key: ({ isName, id }) => (isName ? `name/${id}` : id),
      }),
    }));
    const result = await stage.drive.run(sync, { account: stage.account, input: { story: 1 } });
    expect(result).toMatchObject({ complete: true, calls: 39 });
    expect((await stored('items')).filter((key) => !key.startsWith('name/'))).toHaveLength(39);
  });

  it('whose row moves behind the reader has it again in the next run, with all that is below it', async () => {
    let folders: Record<string, string[]> = { top: ['a', 'b'], a: [], b: ['moving'], moving: ['file'] };
    let moves = false;
    stage.api.route('GET', '/folders/:id', (_, { id }) => {
      const below = folders[id] ?? [];
      if (moves && id === 'a') folders = { ...folders, a: ['moving'], b: [] };
      return { body: { items: below.map((each) => ({ id: each })) } };
    });
    const list = provider.endpoint('list', {
      input: z.object({ id: z.string() }),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: ({ id }) => get(path`/folders/${id}`),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const sync = defineSync('folders', { provider, input: z.object({}) }, (s) => ({
      files: s.tree(list, {
        top: () => ({ id: 'top' }),
        input: ({ id }) => ({ id }),
        key: ({ id }) => id,
        deletions: 'full-pass',
        allowEmpty: true,
        window: 1,
      }),
    }));
    const run = () => stage.drive.run(sync, { account: stage.account });
    expect(await run()).toMatchObject({ complete: true, rows: 4 });
    moves = true;
    expect(await run()).toMatchObject({ complete: true });
    expect(await stored('files')).toEqual(['a', 'b']);
    expect(await run()).toMatchObject({ complete: true });
    expect(await stored('files')).toEqual(['a', 'b', 'file', 'moving']);
  });
});
