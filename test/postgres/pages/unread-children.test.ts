import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { countRecords } from '../../../db/index.ts';
import { defineProvider, defineSync, get, noAuth, type Sync } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';

const Row = z.object({ id: z.string(), updatedAt: z.string(), thread: z.string().optional() });
const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();

describe('lists below unchanged parents that an earlier run left unread', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let groups: z.output<typeof Row>[];
  /** Groups whose members answer so. */
  let broken: Map<string, number>;
  /** Lists asked for, in order. */
  let asked: string[];
  let account: string;
  let counter = 0;

  const provider = defineProvider({ id: 'unread', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 1 });
  const list = (name: string, path: (id: string) => string) =>
    provider.endpoint(name, {
      input: z.object({ id: z.string(), since: z.string().optional() }),
      response: z.object({ items: z.array(Row), next: z.string().nullish() }),
      request: ({ id, since }, page) => get(path(id), { since, limit: page.size, cursor: page.cursor }),
      paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next, pageSize: { start: 10 } },
    });
  const groupsList = list('groups', () => '/groups');
  const membersList = list('members', (id) => `/groups/${id}/members`);
  const postsList = list('posts', (id) => `/members/${id}/posts`);

  interface Shape {
    readonly key?: (group: z.output<typeof Row>) => string;
    readonly isWanted?: (group: z.output<typeof Row>) => boolean;
  }
  const tree = ({ key, isWanted }: Shape = {}): Sync =>
    defineSync('unread', { provider, input: z.object({}) }, (s) => {
      const all = s.one(groupsList, {
        input: (_, state) => ({ id: '', since: state.watermark }),
        key: (group) => group.id,
        incremental: { field: (group) => group.updatedAt, lookbackMs: 0 },
        deletions: 'full-pass',
      });
      const members = s.each(all, membersList, {
        input: ({ id }) => ({ id }),
        key: (member) => member.id,
        parents: 'changed',
        onChildError: { maxSkippedShare: 1 },
        ...(key ? { uniqueBy: key } : {}),
        ...(isWanted ? { when: isWanted } : {}),
      });
      const posts = s.each(members, postsList, { input: ({ id }) => ({ id }), key: (post) => post.id });
      return { all, members, posts };
    });
  const sync = tree();

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/groups', {
      items: (_, call) => {
        asked.push(`groups ${call.query.get('since') ? 'since' : 'all'}`);
        return groups;
      },
      since: 'since',
    });
    api.route('GET', '/groups/:id/members', (_, { id }) => {
      asked.push(id);
      const status = broken.get(id);
      if (status) return { status, body: { error: 'broken' } };
      return { body: { items: [{ id: `${id}-m`, updatedAt: at(0) }], next: null } };
    });
    api.route('GET', '/members/:id/posts', (_, { id }) => {
      asked.push(id);
      const status = broken.get(id);
      if (status) return { status, body: { error: 'broken' } };
      return { body: { items: [{ id: `${id}-p`, updatedAt: at(0) }], next: null } };
    });
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
  });
  beforeEach(() => {
    account = `acct-${counter++}`;
    groups = [1, 2, 3, 4].map((n) => ({ id: `g${n}`, updatedAt: at(n) }));
    broken = new Map();
    asked = [];
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const run = async (options: Parameters<Drive['run']>[1] = {}, of = sync) => {
    asked = [];
    return drive.run(of, { account, ...options });
  };
  const stored = (node: string) => countRecords(db.pool, account, `unread.${node}`);
  // The watermark's own row comes again with each run: the field is asked for from there on, itself included.
  const NEWEST = 'g4';

  it('are read by the next run, and nothing that was read before is asked for again', async () => {
    // The list of groups and the members of two: then all workers die.
    expect(await run({ dieAfterCalls: 3 })).toBeUndefined();
    expect(asked).toEqual(['groups all', 'g1', 'g2']);
    expect(await run()).toMatchObject({ state: 'done', complete: true });
    expect(asked.filter((each) => /^g\d$/.test(each)).toSorted()).toEqual(['g3', 'g4']);
    // Below g1 and g2 nothing had been read: theirs are owed as well, though the lists above them are not.
    expect(asked.filter((each) => each.endsWith('-m')).toSorted()).toEqual(['g1-m', 'g2-m', 'g3-m', 'g4-m']);
    expect([await stored('members'), await stored('posts')]).toEqual([4, 4]);
    await run();
    expect(asked).toEqual(['groups since', NEWEST, `${NEWEST}-m`]);
  });

  it('are handed on from run to run, also by those that die before they have got to them', async () => {
    await run({ dieAfterCalls: 3 });
    // Dies before the groups are read; the next one after one more list.
    await run({ dieAfterCalls: 0 });
    await run({ dieAfterCalls: 2 });
    expect(asked).toEqual(['groups since', NEWEST]);
    await run({ dieAfterCalls: 0 });
    expect(await run()).toMatchObject({ state: 'done' });
    expect(asked.filter((each) => /^g\d$/.test(each)).toSorted()).toEqual(['g3', NEWEST]);
    expect([await stored('members'), await stored('posts')]).toEqual([4, 4]);
  });

  it('are read again after they failed, for as long as they fail, at both levels', async () => {
    broken.set('g2', 500).set('g3-m', 500);
    expect((await run())?.complete).toBe(false);
    // As long as it is not read, no run claims to be complete.
    const second = await run();
    expect(asked.toSorted()).toEqual(['g2', 'g3-m', NEWEST, `${NEWEST}-m`, 'groups since']);
    expect(second?.flaws.map(({ node, example }) => [node, example]).toSorted()).toEqual([
      ['members', 'g2'],
      ['posts', 'g3-m'],
    ]);
    broken.clear();
    expect(await run()).toMatchObject({ state: 'done' });
    expect(asked.toSorted()).toEqual(['g2', 'g2-m', 'g3-m', NEWEST, `${NEWEST}-m`, 'groups since']);
    expect([await stored('members'), await stored('posts')]).toEqual([4, 4]);
    await run();
    expect(asked).toEqual(['groups since', NEWEST, `${NEWEST}-m`]);
  });

  it('are not owed once a retry or a full run has read them', async () => {
    broken.set('g2', 500);
    await run();
    broken.clear();
    await run({ retryOf: { runId: drive.lastRunId(), also: [] } });
    expect(asked).toEqual(['g2', 'g2-m']);
    await run();
    expect(asked).toEqual(['groups since', NEWEST, `${NEWEST}-m`]);

    groups = [...groups, { id: 'g5', updatedAt: at(5) }];
    broken.set('g5', 500);
    await run();
    broken.clear();
    expect(await run({ mode: 'full' })).toMatchObject({ state: 'done' });
    expect(asked.filter((each) => /^g\d$/.test(each))).toEqual(['g1', 'g2', 'g3', 'g4', 'g5']);
    await run();
    expect(asked).toEqual(['groups since', 'g5', 'g5-m']);
  });

  it('are owed again by a retry that did not get to them', async () => {
    broken.set('g2', 500).set('g3', 500);
    await run();
    const failed = drive.lastRunId();
    broken.clear();
    await run({ retryOf: { runId: failed, also: [] }, dieAfterCalls: 1 });
    expect(asked).toEqual(['g2']);
    expect(await run()).toMatchObject({ state: 'done' });
    expect(asked.toSorted()).toEqual(['g2-m', 'g3', 'g3-m', NEWEST, `${NEWEST}-m`, 'groups since']);
  });

  it("are not asked for again where a refusal was the answer, nor where the parent's row is gone", async () => {
    broken.set('g1', 404).set('g2', 500);
    expect((await run())?.flaws.map(({ kind }) => kind).toSorted()).toEqual(['failed', 'skipped']);
    groups = groups.filter(({ id }) => id !== 'g2');
    broken.clear();
    await db.pool.query(
      `update sluice.record set deleted_at = now() where account = $1 and resource = 'unread.all' and key = 'g2'`,
      [account],
    );
    expect(await run()).toMatchObject({ state: 'done' });
    expect(asked).toEqual(['groups since', NEWEST, `${NEWEST}-m`]);
  });

  it('are read once where several parents share them, and not where the parent no longer wants them', async () => {
    groups = groups.map((group, n) => ({ ...group, thread: n < 2 ? 'shared' : group.id }));
    const shared = tree({ key: (group) => group.thread ?? group.id });
    await run({ dieAfterCalls: 1 }, shared);
    await run({}, tree({ key: (group) => group.thread ?? group.id, isWanted: ({ id }) => id !== 'g3' }));
    expect(asked.filter((each) => /^g\d$/.test(each)).toSorted()).toEqual(['g1', NEWEST]);
  });

  it('are taken over in batches, each once, with counters that agree', async () => {
    groups = Array.from({ length: 230 }, (_, n) => ({ id: `g${n}`, updatedAt: at(n) }));
    expect(await run({ dieAfterCalls: 3, maxCalls: 5_000 })).toBeUndefined();
    // All groups came in pages of ten, so the run died before its list of groups ended; the next one is cut behind that.
    expect(await run({ dieAfterCalls: 30 })).toBeUndefined();
    const read = asked.filter((each) => /^g\d+$/.test(each));
    expect(read.length).toBeGreaterThan(0);
    const last = await run({ maxCalls: 5_000 });
    expect(last).toMatchObject({ state: 'done' });
    const members = asked.filter((each) => /^g\d+$/.test(each));
    expect(members).toHaveLength(new Set(members).size);
    expect(members.filter((each) => read.includes(each))).toEqual([]);
    expect([await stored('members'), await stored('posts')]).toEqual([230, 230]);
    const { rows } = await db.pool.query(
      'select name, waiting, running, done from sluice.node where run_id = $1 order by 1',
      [drive.lastRunId()],
    );
    expect(rows).toEqual([
      { name: 'all', waiting: 0, running: 0, done: 1 },
      { name: 'members', waiting: 0, running: 0, done: 230 - read.length },
      { name: 'posts', waiting: 0, running: 0, done: 230 },
    ]);
  });
});
