/** Lists whose token for what has changed is told by another call, before they are read: change feeds of drives, mailboxes, task lists. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  bodyField,
  checkpointExpired,
  defineProvider,
  defineSync,
  get,
  noAuth,
  rules,
  status,
  when,
} from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

describe('a token that is told before its list', () => {
  let stage: ListStage;
  let asked: string[];
  let ids: string[];
  let changes: { id: string; removed?: boolean }[];
  let oldest: number;
  onListStage((set) => {
    stage = set;
    [asked, ids, changes, oldest] = [[], ['a', 'b', 'c', 'd', 'e'], [], 0];
    const { api } = stage;
    api.route('GET', '/start', () => ({ body: { token: `t${changes.length}` } }));
    api.route('GET', '/files', ({ query }) => {
      const behind = query.get('cursor') ?? '';
      asked.push(`files ${behind}`);
      const rest = ids.filter((id) => id > behind);
      const page = rest.slice(0, 3);
      // Changed while the list is read, where it was read already.
      if (behind === 'c') change({ id: 'a', removed: true });
      return { body: { files: page.map((id) => ({ id })), ...(rest.length > 3 ? { next: page.at(-1) } : {}) } };
    });
    api.route('GET', '/changes', ({ query }) => {
      const since = Number(query.get('since')?.slice(1));
      asked.push(`changes ${since}`);
      if (since < oldest) return { status: 410, body: { error: 'sync token is too old' } };
      return { body: { files: changes.slice(since), token: `t${changes.length}` } };
    });
  });
  const change = (entry: { id: string; removed?: boolean }) => {
    changes.push(entry);
    ids = ids.filter((id) => id !== entry.id);
    if (!entry.removed) ids.push(entry.id);
  };

  const drive = () => {
    const provider = defineProvider({ id: 'drive', baseUrl: () => stage.api.url, auth: noAuth(), limits: [] });
    const start = provider.endpoint('start', {
      input: z.object({}),
      response: z.object({ token: z.string() }),
      request: () => get('/start'),
    });
    const files = provider.endpoint('files', {
      input: z.object({ since: z.string().optional(), start: z.string() }),
      response: z.object({
        files: z.array(z.object({ id: z.string(), removed: z.boolean().optional() })),
        next: z.string().optional(),
        token: z.string().optional(),
      }),
      request: ({ since }, page) => get(since === undefined ? '/files' : '/changes', { since, cursor: page.cursor }),
      classify: rules([when(status(410), checkpointExpired())]),
      paginate: {
        kind: 'cursor',
        items: (answer) => answer.files,
        next: (answer) => answer.next,
        checkpoint: ({ token }, { input }) => (input.since === undefined ? input.start : token),
      },
    });
    return defineSync('drive', { provider, input: z.object({}) }, (s) => {
      const from = s.one(start, { input: () => ({}), key: () => 'start' });
      return {
        from,
        files: s.each(from, files, {
          input: ({ token }, { checkpoint }) => ({ start: token, since: checkpoint }),
          key: ({ id }) => id,
          incremental: 'checkpoint',
          isGone: ({ removed }) => removed === true,
        }),
      };
    });
  };
  const live = async () => {
    const { rows } = await stage.db.pool.query<{ key: string }>(
      `select key from sluice.record where account = $1 and resource like '%.files' and deleted_at is null order by key`,
      [stage.account],
    );
    return rows.map(({ key }) => key).join('');
  };
  const run = () => stage.drive.run(drive(), { account: stage.account, input: {} });

  it('is kept when the list was read to its end, and shows what has changed while it was', async () => {
    expect(await run()).toMatchObject({ complete: true, calls: 3 });
    expect(await live()).toBe('abcde');
    change({ id: 'f' });
    expect(await run()).toMatchObject({ complete: true, calls: 2 });
    expect(await live()).toBe('bcdef');
    await run();
    expect(asked).toEqual(['files ', 'files c', 'changes 0', 'changes 2']);
  });

  it('is the one that is told anew, where the third party does not know the old one any more', async () => {
    await run();
    change({ id: 'g' });
    oldest = changes.length;
    expect(await run()).toMatchObject({ complete: true });
    expect(await live()).toBe('bcdeg');
    change({ id: 'h' });
    expect(await run()).toMatchObject({ complete: true });
    expect(await live()).toBe('bcdegh');
    expect(asked.slice(2)).toEqual(['changes 0', 'files ', 'files d', 'changes 2']);
  });

  it('that is answered with all there is, under a word that says so, leads to a whole reading, which finds deletions', async () => {
    const { api, account, drive: engine } = stage;
    let isForgotten = false;
    const tokens: (string | null)[] = [];
    api.route('GET', '/tasks', ({ query }) => {
      const since = query.get('since');
      tokens.push(since);
      const isAll = since === null || isForgotten;
      return { body: { items: isAll ? ids.map((id) => ({ id })) : [], full: isAll, token: 'now' } };
    });
    const provider = defineProvider({ id: 'tasks', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const tasks = provider.endpoint('tasks', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({ items: z.array(z.object({ id: z.string() })), token: z.string() }),
      request: ({ since }) => get('/tasks', { since }),
      classify: rules([when(bodyField('full', true), checkpointExpired())]),
      paginate: { kind: 'single', items: ({ items }) => items, checkpoint: ({ token }) => token },
    });
    const sync = defineSync('tasks', { provider, input: z.object({}) }, (s) => ({
      files: s.one(tasks, {
        input: (_, { checkpoint }) => ({ since: checkpoint }),
        key: ({ id }) => id,
        incremental: 'checkpoint',
        deletions: 'full-pass',
      }),
    }));
    const read = () => engine.run(sync, { account, input: {} });
    expect(await read()).toMatchObject({ complete: true, calls: 1 });
    expect(await read()).toMatchObject({ complete: true, calls: 1 });
    expect(await live()).toBe('abcde');
    [isForgotten, ids] = [true, ['a', 'b']];
    expect(await read()).toMatchObject({ complete: true, calls: 2 });
    expect(await live()).toBe('ab');
    expect(tokens).toEqual([null, 'now', 'now', null]);
  });
});

describe('a list with a token and deletions that are told', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it.each(['a to b', 'b to a'])(
    'that tells of a row which has moved into another list leaves it there, whatever order they are read in: %s',
    async (move) => {
      const [from, to] = move.split(' to ') as [string, string];
      const entries: Record<string, { id: string; removed?: boolean }[]> = { a: [{ id: 'a1' }], b: [{ id: 'b1' }] };
      const { api, drive, db, account } = stage;
      api.route('GET', '/folders', () => ({ body: [{ id: 'a' }, { id: 'b' }] }));
      for (const folder of ['a', 'b'])
        api.route('GET', `/entries/${folder}`, ({ query }) => ({
          body: {
            rows: entries[folder]!.slice(Number(query.get('since') ?? 0)),
            token: String(entries[folder]!.length),
          },
        }));
      const provider = defineProvider({ id: 'drive', baseUrl: () => api.url, auth: noAuth(), limits: [] });
      const folders = provider.endpoint('folders', {
        input: z.object({}),
        response: z.array(z.object({ id: z.string() })),
        request: () => get('/folders'),
        paginate: { kind: 'single', items: (rows) => rows },
      });
      const list = provider.endpoint('entries', {
        input: z.object({ folder: z.string(), since: z.string().optional() }),
        response: z.object({
          rows: z.array(z.object({ id: z.string(), removed: z.boolean().optional() })),
          token: z.string(),
        }),
        request: ({ folder, since }) => get(`/entries/${folder}`, { since }),
        paginate: { kind: 'single', items: ({ rows }) => rows, checkpoint: ({ token }) => token },
      });
      const sync = defineSync('moved', { provider, input: z.object({}) }, (s) => {
        const all = s.one(folders, { input: () => ({}), key: ({ id }) => id });
        return {
          folders: all,
          entries: s.each(all, list, {
            input: ({ id }, { checkpoint }) => ({ folder: id, since: checkpoint }),
            key: ({ id }) => id,
            incremental: 'checkpoint',
            isGone: ({ removed }) => removed === true,
            deletions: 'told',
          }),
        };
      });
      const stored = async () => {
        const text = `select key from sluice.record where account = $1 and resource = 'moved.entries' and deleted_at is null order by key`;
        return (await db.pool.query<{ key: string }>(text, [account])).rows.map(({ key }) => key);
      };
      await drive.run(sync, { account });
      entries[to]!.push({ id: `${from}1` });
      entries[from]!.push({ id: `${from}1`, removed: true });
      expect(await drive.run(sync, { account })).toMatchObject({ complete: true, flaws: [] });
      expect(await stored()).toEqual(['a1', 'b1']);
      entries[to]!.push({ id: `${from}1`, removed: true });
      await drive.run(sync, { account });
      expect(await stored()).toEqual([`${to}1`]);
    },
  );
});
