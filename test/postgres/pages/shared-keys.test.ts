/** Rows of several parents under one key: one of them at two places, or others that take each other's place. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { OpenRunInput } from '../../../contracts/messages.ts';
import { defineProvider, defineSync, get, noAuth, path } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

type Fields = Readonly<Record<string, unknown>>;
const Parent = z.object({ id: z.string() });
const Row = z.looseObject({});

describe('rows of several parents under one key', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  interface Asked {
    readonly hasParentInKey?: boolean;
    readonly key?: (line: Fields) => string;
    readonly parents?: readonly number[];
    readonly retryOf?: OpenRunInput['retryOf'];
  }
  /** @param rowsOf the rows of each parent, page by page; none: it fails. */
  const read = async (
    rowsOf: (parent: number) => readonly (readonly Fields[])[] | undefined,
    { hasParentInKey = false, key = ({ id }) => String(id), parents = [0, 1, 2], retryOf }: Asked = {},
  ) => {
    const { api, drive, account } = stage;
    api.route('GET', '/orders', () => ({ status: 200, body: { items: parents.map((n) => ({ id: `o${n}` })) } }));
    api.route('GET', '/orders/:id/lines', ({ query }, { id }) => {
      const pages = rowsOf(Number(id.slice(1)));
      if (!pages) return { status: 400, body: { error: 'broken' } };
      const at = Number(query.get('page') ?? 0);
      return { status: 200, body: { items: pages[at], next: at + 1 < pages.length ? String(at + 1) : null } };
    });
    const provider = defineProvider({ id: 'shop', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const orders = provider.endpoint('orders', {
      input: z.object({}),
      response: z.object({ items: z.array(Parent) }),
      request: () => get('/orders'),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const lines = provider.endpoint('lines', {
      input: Parent,
      response: z.object({ items: z.array(Row), next: z.string().nullish() }),
      request: ({ id }, page) => get(path`/orders/${id}/lines`, { page: page.cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => {
      const all = s.one(orders, { input: () => ({}), key: ({ id }) => id });
      return {
        orders: all,
        lines: s.each(all, lines, {
          input: ({ id }) => ({ id }),
          key: (line, { id }) => (hasParentInKey ? `${id}/${key(line)}` : key(line)),
        }),
      };
    });
    return drive.run(sync, { account, ...(retryOf ? { retryOf } : {}) });
  };
  const flawed = (reason: RegExp) => ({
    complete: false,
    flaws: [{ node: 'lines', kind: 'flawed', reason: expect.stringMatching(reason) as string }],
  });
  const OTHER_PARENTS = /rows of another parent.*"1".*in `key`/;

  const numbered = (parent: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: n + 1, sku: `s${parent}-${n}`, qty: 1, price: parent * 7 + n }));
  /** Most of their fields are the same. */
  const alike = (parent: number) =>
    [1, 2, 3].map((id) => ({ id, sku: `s${parent}-${id}`, qty: 1, unit: 'pcs', tax: 19, currency: 'EUR' }));

  const people = (fieldsOf: (n: number) => Fields) =>
    [1, 2, 3, 4].map((n) => ({ id: `u${n}`, login: `login${n}`, name: `Name ${n}`, kind: 'user', ...fieldsOf(n) }));
  const when = (parent: number, n: number) =>
    new Date(1_767_225_600_000 + parent * 86_400_000 + n * 1_000).toISOString();

  it.each<[string, (parent: number) => readonly (readonly Fields[])[]]>([
    ['line 1, 2, 3 of each', (parent) => [numbered(parent, 3)]],
    ['one line of each', (parent) => [numbered(parent, 1)]],
    ['over several pages', (parent) => [numbered(parent, 3), numbered(parent, 5).slice(3)]],
    ['of fields that are mostly the same', (parent) => [alike(parent)]],
    ['two lines of fields that are mostly the same', (parent) => [alike(parent).slice(0, 2)]],
    [
      'of numbers and times alone',
      (parent) => [
        [1, 2].map((id) => ({ id, position: id, product: parent * 100 + id, qty: 1, at: when(parent, id) })),
      ],
    ],
  ])('are flawed where they are others: %s', async (_, rowsOf) => {
    const result = await read(rowsOf);
    expect(result).toMatchObject(flawed(OTHER_PARENTS));
    expect(await read(rowsOf, { hasParentInKey: true })).toMatchObject({ complete: true });
  });

  it('are flawed where they have ids of their own, whatever else is the same', async () => {
    const labels = (parent: number) =>
      ['bug', 'docs'].map((name, n) => ({ id: parent * 10 + n, name, color: `c${n}`, description: `about ${n}` }));
    const key = ({ name }: Fields) => String(name);
    expect(await read((parent) => [labels(parent)], { key })).toMatchObject(flawed(/rows of another parent.*"bug"/));
  });

  it('are flawed where an earlier run has brought the others, or the run that is retried', async () => {
    const { drive } = stage;
    expect(await read((parent) => [numbered(parent, 2)], { parents: [0] })).toMatchObject({ complete: true });
    expect(await read((parent) => [numbered(parent, 2)], { parents: [1] })).toMatchObject(flawed(OTHER_PARENTS));
    expect(await read((parent) => (parent === 3 ? undefined : [alike(parent)]), { parents: [2, 3] })).toMatchObject({
      complete: false,
    });
    const retryOf = { runId: drive.lastRunId(), also: [] };
    // What is carried over from the run that is retried stays what it was.
    const again = await read((parent) => [alike(parent)], { parents: [2, 3], retryOf });
    expect(again?.flaws.map(({ kind }) => kind)).toEqual(again?.flaws.map(() => 'flawed'));
    expect(again?.flaws.map(({ example }) => example)).toContain('o3');
  });

  it('are flawed where one list brings others on a later page', async () => {
    const events = (page: number) =>
      ['u1', 'u2', `u${page + 3}`].map((user) => ({ user, event: `e-${page}-${user}`, text: `${user} did ${page}` }));
    const key = ({ user }: Fields) => String(user);
    const result = await read(() => [events(0), events(1)], { parents: [0], key });
    expect(result).toMatchObject(flawed(/other rows of this list.*"u1".*`key`/));
  });

  it('are flawed where one list has rows of several types, whose ids are unique only in their type', async () => {
    const posts = [1, 2, 3].map((id) => ({ id, type: 'post', title: `Title ${id}`, at: when(0, id) }));
    const notes = [1, 2, 3].map((id) => ({ id, type: 'note', body: `Body ${id}`, at: when(1, id) }));
    const lists = () => [posts, notes];
    expect(await read(lists, { parents: [0] })).toMatchObject(flawed(/other rows of this list.*"1".*`key`/));
    const key = ({ type, id }: Fields) => `${String(type)}/${String(id)}`;
    expect(await read(lists, { parents: [0], key })).toMatchObject({ complete: true });
    // One of them came again and says more, or less, than before.
    const closed = posts.map((post) => ({ ...post, closedBy: `by ${post.id}` }));
    expect(await read(() => [posts, closed], { parents: [0], key })).toMatchObject({ complete: true });
    expect(await read(() => [closed, posts.map(({ id }) => ({ id, gone: true }))], { parents: [0] })).toMatchObject({
      complete: true,
    });
  });

  it.each<[string, (parent: number) => readonly (readonly Fields[])[]]>([
    ['a row belongs to all of them', () => [numbered(0, 3)]],
    [
      'one was changed in between',
      (parent) => [[{ id: 'u', name: 'Ann', email: 'a@x.example', seen: parent }, ...numbered(0, 3)]],
    ],
    [
      'it tells its part in each',
      (parent) => [[{ id: 'u', name: 'Ann', email: 'a@x.example', role: parent === 1 ? 'owner' : 'member' }]],
    ],
    [
      'all of them tell their parts in each',
      (parent) => [
        people((n) => ({ role: parent === n ? 'owner' : 'member', joinedAt: when(parent, n), team: `o${parent}` })),
      ],
    ],
    ['they are counted in each', (parent) => [people((n) => ({ contributions: parent * 10 + n }))]],
    [
      'they have places in each',
      (parent) => [people((n) => ({ position: (parent + n) % 4, addedAt: when(parent, n) }))],
    ],
    [
      'they are inside of what each says of them',
      (parent) => [
        people(() => ({})).map((user, n) => ({
          id: user.id,
          addedBy: `by ${parent}-${n}`,
          addedAt: when(parent, n),
          user,
        })),
      ],
    ],
    [
      'their addresses are signed anew',
      (parent) => [
        people((n) => ({ avatar: `https://cdn.example/${n}.png?sig=${parent}${n}`, etag: `e${parent}${n}` })),
      ],
    ],
    [
      'their numbers change all the time',
      (parent) => [people((n) => Object.fromEntries([1, 2, 3, 4, 5, 6].map((f) => [`price${f}`, parent + n * f])))],
    ],
    ['no key is the same', (parent) => [[{ id: `${parent}` }]]],
  ])('are complete where %s', async (_, rowsOf) => {
    expect(await read(rowsOf)).toMatchObject({ complete: true });
    // Another run finds all rows there, told by another parent.
    expect(await read(rowsOf)).toMatchObject({ complete: true });
  });

  it('stay flawed where their lists are read again', async () => {
    expect(await read((parent) => [numbered(parent, 3)])).toMatchObject(flawed(OTHER_PARENTS));
    for (let times = 0; times < 2; times++) {
      const retryOf = { runId: stage.drive.lastRunId(), also: ['flawed' as const] };
      expect(await read((parent) => [numbered(parent, 3)], { retryOf })).toMatchObject(flawed(OTHER_PARENTS));
    }
  });

  it('are complete where one that several parents have was renamed between two runs, and another parent is the first', async () => {
    const shared = (name: string) => [
      { id: 'u1', name },
      { id: 'u2', name: 'Bo' },
      { id: 'u3', name: 'Cy' },
    ];
    expect(await read(() => [shared('Ann')], { parents: [0, 1] })).toMatchObject({ complete: true });
    expect(await read(() => [shared('Anna')], { parents: [2, 0] })).toMatchObject({ complete: true });
  });

  it('are complete where rows come again in one list, changed in between', async () => {
    const pages = [people((n) => ({ seen: n })), people((n) => ({ seen: n + 7, text: 'new' })).slice(2)];
    const more = people(() => ({})).map((user, n) => ({ ...user, id: `v${n}` }));
    const result = await read(() => [pages[0] ?? [], [...(pages[1] ?? []), ...more]], { parents: [0] });
    expect(result).toMatchObject({ complete: true });
  });
});
