import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createListStates, type ListStates } from '../../../client/state.ts';
import { defineProvider, defineSync, get, minutes, noAuth } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';

const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();
/** What is asked for from a mark of that minute: a second at least is taken off. */
const since = (minute: number) => at(minute - 1 / 60);
const rowsOf = (user: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: `${user}-${n}`, updatedAt: at(n + 1) }));

describe('what is known of lists from run to run', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let state: ListStates;
  let account: string;
  let counter = 0;
  let posts: Record<string, { id: string; updatedAt: string }[]>;
  /** Posts asked for: user and `since` of each call, in order. */
  let asked: string[] = [];

  const provider = defineProvider({ id: 'social', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 1 });
  const users = provider.endpoint('users', {
    input: z.object({}),
    response: z.object({ items: z.array(z.object({ id: z.string() })) }),
    request: () => get('/users'),
    paginate: { kind: 'single', items: (body) => body.items },
  });
  const postsOf = provider.endpoint('posts', {
    input: z.object({ id: z.string(), since: z.string().optional() }),
    response: z.object({
      items: z.array(z.object({ id: z.string(), updatedAt: z.string() })),
      next: z.string().nullish(),
    }),
    request: ({ id, since }, page) => get(`/users/${id}/posts`, { since, limit: page.size, cursor: page.cursor }),
    paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next, pageSize: { start: 10 } },
  });
  const sync = defineSync('changes', { provider, input: z.object({}) }, (s) => {
    const people = s.one(users, { input: () => ({}), key: (user) => user.id });
    const written = s.each(people, postsOf, {
      input: (user, known) => ({ id: user.id, since: known.watermark }),
      key: (post) => post.id,
      incremental: { field: (post) => post.updatedAt, lookbackMs: minutes(0) },
      deletions: 'full-pass',
    });
    return { people, written };
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/users', { items: () => [{ id: 'ann' }, { id: 'bob' }], pageSize: { max: 10 } });
    api.list('/users/:id/posts', {
      items: ({ id }, call) => {
        asked.push(`${id} ${call.query.get('since') ?? 'all'}${call.query.get('cursor') ? ' more' : ''}`);
        return posts[id];
      },
      since: 'since',
      pageSize: { max: 10 },
    });
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
    state = createListStates(db.pool);
  });
  beforeEach(() => {
    account = `acct-${counter++}`;
    posts = { ann: rowsOf('ann', 4), bob: rowsOf('bob', 25) };
    asked = [];
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const run = async (options: Parameters<Drive['run']>[1] = {}) => {
    asked = [];
    return drive.run(sync, { account, ...options });
  };
  const ofBob = () => ({ account, sync: 'changes', node: 'written', parentKey: 'bob' });

  it('is shown list by list, and page by page', async () => {
    const result = await run();
    const lists = await state.show({ account });
    expect(lists).toMatchObject([
      { sync: 'changes', node: 'people', parentKey: '', rows: 2, watermark: null },
      { sync: 'changes', node: 'written', parentKey: 'ann', rows: 4, watermark: at(4), resetAt: null },
      { sync: 'changes', node: 'written', parentKey: 'bob', rows: 25, watermark: at(25), runId: result?.runId },
    ]);
    expect(await state.show({ account, node: 'people' })).toEqual([lists[0]]);
    expect(await state.show({ account, parentKey: '' })).toEqual([lists[0]]);
    expect(await state.show({ account, sync: 'another' })).toEqual([]);
    const [first] = await state.show({ account }, { limit: 1 });
    expect(await state.show({ account }, { after: first?.place as string })).toEqual(lists.slice(1));
    await expect(state.show({ account }, { after: 'x' })).rejects.toThrow('pass the `place`');
  });

  it('is taken back for one parent: its list is read from the beginning, and no other one', async () => {
    await run();
    expect(await state.reset(ofBob())).toBe(1);
    expect(await state.show(ofBob())).toMatchObject([{ watermark: null, rows: 25 }]);
    posts['bob'] = rowsOf('bob', 24);
    expect(await run()).toMatchObject({ state: 'done' });
    expect(asked).toEqual([`ann ${since(4)}`, 'bob all', 'bob all more', 'bob all more']);
    expect(await state.show(ofBob())).toMatchObject([{ watermark: at(24), rows: 24 }]);
    const { rows } = await db.pool.query(
      'select key from sluice.record where account = $1 and deleted_at is not null',
      [account],
    );
    expect(rows).toEqual([{ key: 'bob-24' }]);
  });

  it('still makes an empty answer suspicious, unless that is taken back too', async () => {
    await run();
    posts['bob'] = [];
    await state.reset(ofBob());
    expect((await run())?.flaws).toMatchObject([{ kind: 'truncated', reason: 'empty answer: 25 rows kept' }]);
    expect(await state.reset(ofBob(), { forgetsRows: true })).toBe(1);
    expect(await run()).toMatchObject({ state: 'done', complete: true });
    expect(await state.show(ofBob())).toMatchObject([{ rows: 0 }]);
  });

  it('is taken back with its rows also where it was never read to its end', async () => {
    const broken = { status: 400, body: { error: 'no' } };
    api.script('GET /users/:id/posts', ['ok', 'ok', broken]);
    expect((await run())?.flaws).toMatchObject([{ kind: 'failed', example: 'bob' }]);
    posts['bob'] = [];
    expect((await run())?.flaws).toMatchObject([{ kind: 'truncated', reason: 'empty answer: 10 rows kept' }]);
    expect(await state.show(ofBob())).toEqual([]);
    // Without a watermark there is nothing else to take back; other lists are as they were.
    expect(await state.reset(ofBob())).toBe(0);
    expect((await run())?.flaws).toMatchObject([{ kind: 'truncated' }]);
    expect(await state.reset({ ...ofBob(), parentKey: 'ann' }, { forgetsRows: true })).toBe(1);
    expect((await run())?.flaws).toMatchObject([{ kind: 'truncated' }]);
    expect(await state.reset(ofBob(), { forgetsRows: true })).toBe(1);
    expect(await run()).toMatchObject({ state: 'done', complete: true });
    expect(await state.reset(ofBob(), { forgetsRows: true })).toBe(1);
  });

  it('may be taken back while a run reads: that one reads on from where it began, and leaves no watermark', async () => {
    await run();
    posts['bob'] = rowsOf('bob', 50);
    // The users, ann, and one page of bob.
    await run({ dieAfterCalls: 3 });
    expect(asked.at(-1)).toBe(`bob ${since(25)}`);
    expect(await state.reset({ account, node: 'written' })).toBe(2);
    asked = [];
    expect(await drive.goOn(sync, drive.lastRunId(), { account })).toMatchObject({ state: 'done', complete: true });
    expect(new Set(asked)).toEqual(new Set([`bob ${since(25)} more`]));
    expect(await state.show({ account, node: 'written' })).toMatchObject([
      { parentKey: 'ann', watermark: null },
      { parentKey: 'bob', watermark: null, rows: 26 },
    ]);
    await run();
    expect(asked).toEqual(expect.arrayContaining(['ann all', 'bob all']));
    expect(await state.show(ofBob())).toMatchObject([{ watermark: at(50), rows: 50 }]);
  });

  it('is not taken back by a name that is misspelt or missing', async () => {
    await run();
    await expect(state.reset({ account: '' })).rejects.toThrow('`account`');
    await expect(state.reset({ account, parent: 'bob' } as never)).rejects.toThrow('`parent` is unknown here');
    expect(await state.reset({ account, parentKey: 'nobody' })).toBe(0);
    expect(await state.show(ofBob())).toMatchObject([{ watermark: at(25) }]);
  });
});
