import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readChanges } from '../../../db/index.ts';
import { defineProvider, defineSync, get, minutes, noAuth, type Sync } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';

const Row = z.object({ id: z.string(), updatedAt: z.string() });
type Row = z.output<typeof Row>;

const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();
const rowsOf = (user: string, minutesOf: readonly number[]): Row[] =>
  minutesOf.map((minute) => ({ id: `${user}-${minute}`, updatedAt: at(minute) }));

describe('watermarks and deletions', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  /** What the third party has: users, and the posts of each. */
  let users: string[];
  let posts: Record<string, Row[]>;
  let account: string;
  let counter = 0;

  const provider = defineProvider({ id: 'social', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 1 });
  const usersList = provider.endpoint('users', {
    input: z.object({}),
    response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
    request: (_, page) => get('/users', { limit: page.size, cursor: page.cursor }),
    paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next, pageSize: { start: 10 } },
  });
  const postsList = provider.endpoint('posts', {
    input: z.object({ id: z.string(), since: z.string().optional() }),
    response: z.object({ items: z.array(Row), next: z.string().nullish() }),
    request: ({ id, since }, page) => get(`/users/${id}/posts`, { since, limit: page.size, cursor: page.cursor }),
    paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next, pageSize: { start: 10 } },
  });
  const definition = ({
    lookbackMs = minutes(2),
    ...options
  }: { readonly allowEmpty?: boolean; readonly lookbackMs?: number } = {}) =>
    defineSync('changes', { provider, input: z.object({}) }, (s) => {
      const people = s.one(usersList, { input: () => ({}), key: (user) => user.id });
      const written = s.each(people, postsList, {
        input: (user, state) => ({ id: user.id, since: state.watermark }),
        key: (post) => post.id,
        incremental: { field: (post) => post.updatedAt, lookbackMs },
        deletions: 'full-pass',
        ...options,
      });
      return { people, written };
    });
  const sync = definition();

  /** Posts asked for: path and `since` of each call, in order. */
  let asked: string[] = [];
  /** Told of each of them, before it is answered. */
  let whenAsked: (call: string) => void = () => {};

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/users', { items: () => users.map((id) => ({ id })), pageSize: { max: 10 } });
    api.list('/users/:id/posts', {
      items: ({ id }, call) => {
        asked.push(`${id} ${call.query.get('since') ?? 'all'}${call.query.get('cursor') ? ' more' : ''}`);
        whenAsked(asked.at(-1) ?? '');
        return posts[id];
      },
      since: 'since',
      pageSize: { max: 10 },
    });
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
  });
  beforeEach(() => {
    account = `acct-${counter++}`;
    users = ['ann', 'bob'];
    posts = { ann: rowsOf('ann', [1, 2, 3, 100]), bob: rowsOf('bob', [1, 2, 3, 4]) };
    asked = [];
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const feed = async (after?: string) => {
    const rows = await readChanges(db.pool, { account, resource: 'changes.written', after, limit: 1_000 });
    return { changes: rows.map(({ change, key }) => `${change} ${key}`), after: rows.at(-1)?.sequence ?? after };
  };
  const run = async (options: Parameters<Drive['run']>[1] = {}, of: Sync = sync) => {
    asked = [];
    return drive.run(of, { account, ...options });
  };

  it('asks each parent from its own watermark less the look-back, and stores only what changed', async () => {
    expect(await run()).toMatchObject({ state: 'done', rows: 10 });
    expect(asked).toEqual(['ann all', 'bob all']);
    const first = await feed();
    posts['bob'] = [...rowsOf('bob', [1, 2, 3, 4]), ...rowsOf('bob', [5])];
    expect(await run()).toMatchObject({ state: 'done' });
    // No leak: ann's watermark is far ahead of bob's, and each has its own.
    expect(asked).toEqual([`ann ${at(98)}`, `bob ${at(2)}`]);
    expect((await feed(first.after)).changes).toEqual(['upsert bob-5']);
  });

  it('leaves the watermark of a list that failed where it was, so that nothing is missed', async () => {
    await run();
    posts['bob'] = rowsOf('bob', [1, 2, 3, 4, ...Array.from({ length: 15 }, (_, n) => 10 + n)]);
    // The second page fails: rows up to minute 18 are stored, but the list is not known to be read up to there.
    const script = api.script('GET /users/:id/posts', ['ok', 'ok', { status: 500 }]);
    const failed = await run();
    expect(failed?.state).not.toBe('done');
    expect(asked).toContain(`bob ${at(2)}`);
    script.stop();
    expect(await run()).toMatchObject({ state: 'done' });
    expect(asked).toEqual([`ann ${at(98)}`, `bob ${at(2)}`, `bob ${at(2)} more`]);
    await run();
    expect(asked).toEqual([`ann ${at(98)}`, `bob ${at(22)}`]);
  });

  it('is set anew by a full pass, also to an earlier time', async () => {
    await drive.run(sync, { account });
    posts['ann'] = rowsOf('ann', [1, 2]);
    await drive.run(sync, { account, mode: 'full' });
    asked = [];
    await drive.run(sync, { account });
    expect(asked.filter((each) => each.startsWith('ann'))).toEqual([`ann ${at(0)}`]);
  });

  it('is no later than the begin of its run: a row that was changed after its page had been read is asked for again', async () => {
    // A run that began ten seconds before its first call.
    await db.pool.query(`
      create function public.begin_earlier() returns trigger language plpgsql as $$
      begin new.started_at := new.started_at - interval '10 s'; return new; end $$;
      create trigger begin_earlier before insert on sluice.run for each row execute function public.begin_earlier()`);
    try {
      posts['ann'] = rowsOf(
        'ann',
        Array.from({ length: 25 }, (_, minute) => minute),
      );
      const [first] = posts['ann'];
      whenAsked = (call) => {
        if (!call.startsWith('ann') || !call.endsWith('more') || first?.updatedAt !== at(0)) return;
        // Its page has been read. Five seconds later another row changes, whose page is still to come.
        posts['ann']?.splice(0, 1, { id: 'ann-0', updatedAt: new Date(Date.now() - 5_000).toISOString() });
        posts['ann']?.splice(24, 1, { id: 'ann-24', updatedAt: new Date().toISOString() });
      };
      await run();
      whenAsked = () => {};
      const before = await feed();
      await run({}, definition({ lookbackMs: 0 }));
      expect((await feed(before.after)).changes).toEqual(['upsert ann-0']);
    } finally {
      await db.pool.query('drop trigger begin_earlier on sluice.run; drop function public.begin_earlier()');
    }
  });

  it('of a row that is dated in the future is the time at which the run began, and hides nothing', async () => {
    posts['ann'] = [...rowsOf('ann', [1]), { id: 'ann-odd', updatedAt: '2100-01-01T00:00:00Z' }];
    await drive.run(sync, { account });
    asked = [];
    await drive.run(sync, { account });
    const since = Date.parse(asked.find((each) => each.startsWith('ann'))?.slice(4) ?? '');
    expect(since).toBeLessThan(Date.now());
    expect(since).toBeGreaterThan(Date.now() - minutes(10));
  });

  it('of a row that is dated in the future hides nothing where the third party tells a time that is ahead, too', async () => {
    const items = [...rowsOf('ann', [1]), { id: 'ann-odd', updatedAt: '2100-01-01T00:00:00Z' }];
    const headers = { date: new Date(Date.now() + minutes(60)).toUTCString() };
    api.script('/users/ann/posts', [{ status: 200, headers, body: { items, next: null } }]);
    await drive.run(sync, { account });
    asked = [];
    await drive.run(sync, { account });
    const since = Date.parse(asked.find((each) => each.startsWith('ann'))?.slice(4) ?? '');
    expect(since).toBeLessThan(Date.now());
    expect(since).toBeGreaterThan(Date.now() - minutes(10));
  });

  it('that can not be read fails its list and says so', async () => {
    posts['ann'] = [{ id: 'ann-odd', updatedAt: 'last week' }];
    const result = await drive.run(sync, { account });
    const reason = expect.stringMatching(/incremental\.field.*"last week", which is no watermark/) as string;
    expect(result?.flaws).toMatchObject([{ node: 'written', kind: 'failed', example: 'ann', reason }]);
  });

  it('marks what a full pass no longer finds as deleted, behind the inserts and updates of the feed', async () => {
    await run();
    const first = await feed();
    posts['ann'] = [...rowsOf('ann', [1, 3, 100]), ...rowsOf('ann', [101])];
    await run();
    // An incremental pass can not know of deletions.
    const second = await feed(first.after);
    expect(second.changes).toEqual(['upsert ann-101']);
    await run({ mode: 'full' });
    expect(asked).toEqual(['ann all', 'bob all']);
    const third = await feed(second.after);
    expect(third.changes).toEqual(['delete ann-2']);
    posts['ann'] = rowsOf('ann', [1, 2, 3, 100, 101]);
    await run({ mode: 'full' });
    expect((await feed(third.after)).changes).toEqual(['upsert ann-2']);
  });

  it('keeps a row that one parent has lost as long as another one has it', async () => {
    const shared = { id: 'shared', updatedAt: at(1) };
    posts = { ann: [...rowsOf('ann', [1]), shared], bob: [...rowsOf('bob', [1]), shared] };
    await run();
    const first = await feed();
    posts['ann'] = rowsOf('ann', [1]);
    await run({ mode: 'full' });
    expect((await feed(first.after)).changes).toEqual([]);
    posts['bob'] = rowsOf('bob', [1]);
    await run({ mode: 'full' });
    expect((await feed(first.after)).changes).toEqual(['delete shared']);
  });

  it('deletes a row that two lists lose at once', async () => {
    const shared = { id: 'shared', updatedAt: at(1) };
    posts = { ann: [shared], bob: [shared] };
    await run();
    const first = await feed();
    const [one, other] = await Promise.all([db.pool.connect(), db.pool.connect()]);
    const of = [account, 'changes.written'];
    const lost = `delete from sluice.member where account = $1 and resource = $2 and parent_key = $3`;
    for (const [client, parent] of [
      [one, 'ann'],
      [other, 'bob'],
    ] as const) {
      await client.query('begin');
      await client.query(lost, [...of, parent]);
    }
    const deleteShared = `select sluice.delete_unlisted($1, $2, '{shared}')`;
    await one.query(deleteShared, of);
    let isDone = false;
    const second = other.query(deleteShared, of).then(() => (isDone = true));
    const waiting = `select from pg_stat_activity where query like 'select sluice.delete_unlisted%' and wait_event_type = 'Lock'`;
    await expect.poll(async () => isDone || (await db.pool.query(waiting)).rowCount === 1).toBe(true);
    await one.query('commit');
    await second;
    await other.query('commit');
    for (const client of [one, other]) client.release();
    expect((await feed(first.after)).changes).toEqual(['delete shared']);
  });

  it('deletes nothing after a list that failed, looped or was not asked', async () => {
    await run();
    const first = await feed();
    posts['ann'] = rowsOf('ann', [1]);
    const script = api.script('GET /users/:id/posts', [{ status: 500 }]);
    expect((await run({ mode: 'full' }))?.state).not.toBe('done');
    script.stop();
    expect((await feed(first.after)).changes).toEqual([]);
    users = ['bob'];
    await run({ mode: 'full' });
    expect((await feed(first.after)).changes).toEqual([]);
  });

  it('takes an empty answer where there were rows for an error also where deletions are not looked for', async () => {
    const plain = defineSync('plain', { provider, input: z.object({}) }, (s) => {
      const people = s.one(usersList, { input: () => ({}), key: (user) => user.id });
      return { people, written: s.each(people, postsList, { input: ({ id }) => ({ id }), key: (post) => post.id }) };
    });
    expect(await drive.run(plain, { account })).toMatchObject({ state: 'done' });
    posts['ann'] = [];
    const result = await drive.run(plain, { account });
    expect(result).toMatchObject({
      state: 'incomplete',
      flaws: [{ node: 'written', kind: 'truncated', example: 'ann', reason: 'empty answer: 4 rows kept' }],
    });
  });

  it('takes an empty answer where there were rows for an error, unless it is allowed', async () => {
    await run();
    const first = await feed();
    posts['ann'] = [];
    const result = await run({ mode: 'full' });
    expect(result).toMatchObject({ state: 'incomplete', complete: false });
    expect(result?.flaws).toEqual([
      { node: 'written', kind: 'truncated', reason: 'empty answer: 4 rows kept', count: 1, example: 'ann' },
    ]);
    expect((await feed(first.after)).changes).toEqual([]);
    // The watermark did not move either; what comes with it is not believed, so all is asked for.
    await run();
    expect(asked).toEqual([`ann ${at(98)}`, `bob ${at(2)}`, 'ann all']);
    const allowed = await run({ mode: 'full' }, definition({ allowEmpty: true }));
    expect(allowed).toMatchObject({ state: 'done' });
    expect((await feed(first.after)).changes.toSorted()).toEqual([1, 100, 2, 3].map((n) => `delete ann-${n}`));
  });

  it('visits the children of parents that have not changed too, unless only changed ones are wanted', async () => {
    const groupsList = provider.endpoint('groups', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({ items: z.array(Row), next: z.string().nullish() }),
      request: ({ since }, page) => get('/groups', { since, limit: page.size, cursor: page.cursor }),
      paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next },
    });
    let groups = rowsOf('g', [1, 2, 3]);
    api.list('/groups', { items: () => groups, since: 'since' });
    const tree = (parents: 'all' | 'changed') =>
      defineSync('groups', { provider, input: z.object({}) }, (s) => {
        const all = s.one(groupsList, {
          input: (_, state) => ({ since: state.watermark }),
          key: (group) => group.id,
          incremental: { field: (group) => group.updatedAt, lookbackMs: 0 },
        });
        const members = s.each(all, postsList, { input: ({ id }) => ({ id }), key: (post) => post.id, parents });
        return { all, members };
      });
    posts = { 'g-1': rowsOf('a', [1]), 'g-2': rowsOf('b', [1]), 'g-3': rowsOf('c', [1]), 'g-9': rowsOf('d', [1]) };
    await run({}, tree('all'));
    expect(asked).toEqual(['g-1 all', 'g-2 all', 'g-3 all']);
    groups = [...groups, ...rowsOf('g', [9])];
    expect(await run({}, tree('all'))).toMatchObject({ state: 'done' });
    expect(asked.toSorted()).toEqual(['g-1 all', 'g-2 all', 'g-3 all', 'g-9 all']);
    await run({}, tree('changed'));
    expect(asked).toEqual(['g-9 all']);
  });

  it('settles many lists in batches, and a second time without harm', async () => {
    users = Array.from({ length: 210 }, (_, n) => `u${String(n).padStart(3, '0')}`);
    posts = Object.fromEntries(users.map((id) => [id, rowsOf(id, [1, 2])]));
    await run({ maxCalls: 5_000 });
    const first = await feed();
    for (const id of users) posts[id] = rowsOf(id, [2]);
    expect(await run({ mode: 'full', maxCalls: 5_000 })).toMatchObject({ state: 'done' });
    const { changes } = await feed(first.after);
    expect(changes).toHaveLength(210);
    expect(new Set(changes)).toEqual(new Set(users.map((id) => `delete ${id}-1`)));
    const { rows } = await db.pool.query('select sluice.settle_lists($1, $2, true, false, 200) as n', [
      drive.lastRunId(),
      'written',
    ]);
    expect(rows).toEqual([{ n: 0 }]);
  });
});
