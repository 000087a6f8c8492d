/** Lists in lists to any depth: a node whose rows are parents of further lists of it. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createQuarantine } from '../../../client/quarantine.ts';
import { defineSync, get, minutes, path } from '../../../providers/index.ts';
import { onListStage, openProvider, type ListStage } from '../../setup/list-stage.ts';

interface Block {
  readonly id: string;
  readonly below?: readonly Block[];
}

/** `depth` levels below it, `width` blocks each, of which every second one goes on. */
function branch(id: string, depth: number, width = 3): Block {
  if (depth === 0) return { id };
  return { id, below: Array.from({ length: width }, (_, n) => branch(`${id}.${n}`, n % 2 === 0 ? depth - 1 : 0)) };
}

const allOf = (block: Block): Block[] => (block.below ?? []).flatMap((each) => [each, ...allOf(each)]);
const idsOf = (block: Block): string[] => allOf(block).map(({ id }) => id);

describe('a tree of unknown depth', () => {
  let stage: ListStage;
  let pages: Block[];
  /** Answers of lists other than they are. */
  let failing: Map<string, number>;
  let asked: string[];
  onListStage((set) => {
    stage = set;
    failing = new Map();
    asked = [];
    const listOf = (id: string): readonly Block[] | undefined => {
      const found = [...pages, ...pages.flatMap(allOf)].find((each) => each.id === id);
      return found && (found.below ?? []);
    };
    stage.api.route('GET', '/pages', () => ({ body: { items: pages.map(({ id }) => ({ id })) } }));
    stage.api.route('GET', '/blocks/:id/children', ({ query }, { id }) => {
      asked.push(id);
      const at = Number(query.get('cursor') ?? 0);
      const status = failing.get(at === 0 ? id : `${id}, further on`);
      if (status) return { status, body: {} };
      const all = listOf(id);
      if (!all) return { status: 404, body: {} };
      const items = all.slice(at, at + 2).map((each) => ({ id: each.id, has_children: each.below !== undefined }));
      return { body: { items, next: at + 2 < all.length ? String(at + 2) : null } };
    });
  });

  const endpoints = () => {
    const provider = openProvider(stage.api, 'notes', 1);
    const list = provider.endpoint('pages', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: () => get('/pages'),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const children = provider.endpoint('children', {
      input: z.object({ id: z.string() }),
      response: z.object({
        items: z.array(z.object({ id: z.string(), has_children: z.boolean() })),
        next: z.string().nullable(),
      }),
      request: ({ id }, page) => get(path`/blocks/${id}/children`, { cursor: page.cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    return { provider, list, children };
  };
  const syncOf = (deletions = false) => {
    const { provider, list, children } = endpoints();
    return defineSync('notes', { provider, input: z.object({}) }, (s) => {
      const all = s.one(list, { input: () => ({}), key: ({ id }) => id });
      return {
        pages: all,
        blocks: s.tree(all, children, {
          top: ({ id }) => ({ id, has_children: true, page: id }),
          when: (above) => above.has_children,
          input: ({ id }) => ({ id }),
          key: ({ id }) => id,
          map: (block, { page }) => ({ ...block, page }),
          onChildError: { maxSkippedShare: 0.9 },
          ...(deletions ? { deletions: 'full-pass' as const, allowEmpty: true } : {}),
        }),
      };
    });
  };
  const stored = async (node = 'blocks') => {
    const { rows } = await stage.db.pool.query<{ key: string; page: string }>(
      `select key, data->>'page' as page from sluice.record where account = $1 and resource like '%.' || $2 and deleted_at is null`,
      [stage.account, node],
    );
    return new Map(rows.map(({ key, page }) => [key, page]));
  };
  const sorted = (keys: Iterable<string>): string[] => [...keys].toSorted();

  it('is read to its ends, each list once, and rows hand down what stands above them', async () => {
    const { drive, account, api } = stage;
    pages = [branch('a', 6), branch('b', 1), { id: 'c' }];
    const blocks = pages.flatMap(idsOf);
    const lists = [...pages, ...pages.flatMap(allOf)].filter((each, index) => index < 3 || each.below);
    const calls = 1 + lists.reduce((sum, { below = [] }) => sum + Math.max(1, Math.ceil(below.length / 2)), 0);
    const result = await drive.run(syncOf(), { account });
    expect(result).toMatchObject({ complete: true, rows: 3 + blocks.length });
    const found = await stored();
    expect(sorted(found.keys())).toEqual(sorted(blocks));
    expect([...found].every(([key, page]) => key.startsWith(page))).toBe(true);
    // The first page of a list may be looked at twice, no other.
    expect(api.report().calls).toBeLessThanOrEqual(calls + lists.length);
    expect(result?.calls).toBe(api.report().calls);
  });

  it('goes on where it was left', async () => {
    const { drive, account } = stage;
    pages = [branch('a', 5)];
    const sync = syncOf();
    for (const dieAfterCalls of [1, 3, 8]) {
      const of = `${account}-${dieAfterCalls}`;
      expect(await drive.run(sync, { account: of, dieAfterCalls })).toBeUndefined();
      expect(await drive.goOn(sync, drive.lastRunId(), { account: of })).toMatchObject({
        complete: true,
        rows: 1 + allOf(pages[0]!).length,
      });
    }
  });

  it('may lead back to itself, and share keys with its parents', async () => {
    const { drive, account } = stage;
    pages = [{ id: 'a' }, { id: '/a' }, { id: '~/a' }];
    // Whichever list is asked for, it has the same rows.
    stage.api.route('GET', '/loops/:id', () => ({ body: { items: ['a', '/a', 'b'].map((id) => ({ id })) } }));
    const { provider, list } = endpoints();
    const loops = provider.endpoint('loops', {
      input: z.object({ id: z.string() }),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: ({ id }) => get(path`/loops/${id}`),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const sync = defineSync('notes', { provider, input: z.object({}) }, (s) => {
      const all = s.one(list, { input: () => ({}), key: ({ id }) => id });
      const options = { input: ({ id }: { id: string }) => ({ id }), key: ({ id }: { id: string }) => id };
      return { pages: all, blocks: s.tree(all, loops, { top: ({ id }) => ({ id }), ...options }) };
    });
    // Each page, and each of three rows once, below which the same three come again.
    expect(await drive.run(sync, { account })).toMatchObject({ state: 'done', rows: 3 + 3, calls: 1 + 3 + 3 });
  });

  it('begins at the input of the run, too', async () => {
    const { drive, account } = stage;
    pages = [branch('root', 4)];
    const { provider, children } = endpoints();
    const sync = defineSync('drive', { provider, input: z.object({ root: z.string() }) }, (s) => ({
      files: s.tree(children, {
        top: ({ root }) => ({ id: root, has_children: true }),
        when: (above) => above.has_children,
        input: ({ id }) => ({ id }),
        key: ({ id }) => id,
        onChildError: { maxSkippedShare: 0.9 },
      }),
    }));
    expect(await drive.run(sync, { account, input: { root: 'root' } })).toMatchObject({ complete: true });
    expect(sorted((await stored('files')).keys())).toEqual(sorted(idsOf(pages[0]!)));
    // Its own list may not fail; one below may.
    failing.set('root.0', 404);
    expect(await drive.run(sync, { account, input: { root: 'root' } })).toMatchObject({
      state: 'incomplete',
      flaws: [{ node: 'files', kind: 'skipped', example: '/root.0' }],
    });
    failing.set('root.0', 500);
    expect(await drive.run(sync, { account, input: { root: 'root' } })).toMatchObject({
      state: 'incomplete',
      flaws: [{ node: 'files', kind: 'failed', example: '/root.0' }],
    });
    failing.set('root', 404);
    expect(await drive.run(sync, { account, input: { root: 'root' } })).toMatchObject({ state: 'failed' });
  });

  it('reads again what failed, and what is below it', async () => {
    const { drive, account } = stage;
    pages = [branch('a', 5)];
    const sync = syncOf();
    failing.set('a.0', 500);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: false });
    expect([...(await stored()).keys()].some((key) => key.startsWith('a.0.'))).toBe(false);
    failing.clear();
    const of = drive.lastRunId();
    asked = [];
    expect(await drive.run(sync, { account, retryOf: { runId: of, also: [] } })).toMatchObject({ complete: true });
    expect(sorted((await stored()).keys())).toEqual(sorted(idsOf(pages[0]!)));
    expect(asked.every((id) => id.startsWith('a.0'))).toBe(true);
  });

  it('loses with a row all that is below it, and what is below a row that has nothing any more', async () => {
    const { drive, account } = stage;
    pages = [branch('a', 5), branch('b', 3)];
    const sync = syncOf(true);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    const [a, b] = pages as [Block, Block];
    const without = (block: Block, id: string): Block => ({
      ...block,
      ...(block.below ? { below: block.below.filter((each) => each.id !== id).map((each) => without(each, id)) } : {}),
    });
    // A row that is gone; one that says that it has nothing below it; one that has moved with all that is below it.
    const moved = allOf(a).find(({ id }) => id === 'a.2.0') as Block;
    pages = [
      { ...without(without(a, 'a.0'), 'a.2.0') },
      { ...b, below: [moved, ...(b.below ?? []).map((each) => (each.id === 'b.0' ? { id: 'b.0' } : each))] },
    ];
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    expect(sorted((await stored()).keys())).toEqual(sorted(pages.flatMap(idsOf)));
  });

  it('keeps what is below a list that could not be read', async () => {
    const { drive, account } = stage;
    pages = [branch('a', 5)];
    const sync = syncOf(true);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    failing.set('a.0', 500);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: false });
    expect(sorted((await stored()).keys())).toEqual(sorted(idsOf(pages[0]!)));
    failing.clear();
    expect(await drive.run(sync, { account, retryOf: { runId: drive.lastRunId(), also: [] } })).toMatchObject({
      complete: true,
    });
    expect(sorted((await stored()).keys())).toEqual(sorted(idsOf(pages[0]!)));
  });

  it('keeps what is below rows whose list failed on a later page, in the retry too', async () => {
    const { drive, account } = stage;
    pages = [branch('a', 4)];
    const sync = syncOf(true);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    failing.set('a, further on', 500);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: false });
    failing.clear();
    asked = [];
    expect(await drive.run(sync, { account, retryOf: { runId: drive.lastRunId(), also: [] } })).toMatchObject({
      complete: true,
    });
    // What is below the first page had been read to its end.
    expect(asked.some((id) => id.startsWith('a.0'))).toBe(false);
    expect(sorted((await stored()).keys())).toEqual(sorted(idsOf(pages[0]!)));
  });

  it('reads rows again from quarantine with what stands above them', async () => {
    const { drive, account, db, api } = stage;
    pages = [{ id: 'a' }];
    api.route('GET', '/odd/:id', (_, { id }) => ({
      body: { items: id === 'a' ? [{ id: 'x' }] : id === 'x' ? [{ id: 7 }] : [] },
    }));
    const syncWith = (id: z.ZodType<string>) => {
      const { provider, list } = endpoints();
      const odd = provider.endpoint('odd', {
        input: z.object({ id: z.string() }),
        response: z.object({ items: z.array(z.object({ id })) }),
        request: (input) => get(path`/odd/${input.id}`),
        paginate: { kind: 'single', items: ({ items }) => items },
        onMismatch: 'quarantine',
      });
      return defineSync('notes', { provider, input: z.object({}) }, (s) => {
        const all = s.one(list, { input: () => ({}), key: (row) => row.id });
        return {
          pages: all,
          blocks: s.tree(all, odd, {
            top: (row) => ({ id: row.id, page: row.id }),
            input: (above) => ({ id: above.id }),
            key: (row) => row.id,
            map: (row, { page }) => ({ ...row, page }),
          }),
        };
      });
    };
    expect(await drive.run(syncWith(z.string()), { account })).toMatchObject({ complete: false, rows: 2 });
    const again = await createQuarantine(db.pool).readAgain(syncWith(z.coerce.string()), { account });
    expect(again).toEqual({ stored: 1, left: 0 });
    expect(await stored()).toEqual(
      new Map([
        ['x', 'a'],
        ['7', 'a'],
      ]),
    );
  });

  it('has its mistakes told at load', () => {
    const { provider, list, children } = endpoints();
    const define = () =>
      defineSync('notes', { provider, input: z.object({}) }, (s) => {
        const all = s.one(list, { input: () => ({}), key: ({ id }) => id });
        const some = s.each(all, children, { input: ({ id }) => ({ id }), key: ({ id }) => id, parents: 'changed' });
        const options = { input: ({ id }: { id: string }) => ({ id }), key: ({ id }: { id: string }) => id };
        const wrong = { ...options, incremental: { field: () => 1, lookbackMs: minutes(1) } };
        return {
          pages: all,
          some,
          blocks: s.tree(some, children, { top: 'id' as never, ...wrong }),
          // @ts-expect-error: its rows do not have what `top` gives
          others: s.tree(all, children, { top: ({ id }) => ({ id, page: id }), ...options }),
        };
      });
    expect(define).toThrow(/node "blocks": `top` is missing; it says what stands above the first lists/);
    expect(define).toThrow(/node "blocks": a tree is read as a whole by each run/);
    expect(define).toThrow(/node "some" above it visits only parents that changed/);
  });
});
