/** Retries of runs that did not get as far as the rows of earlier runs: what is below those is part of the tree as well. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, path } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();

describe('a retry of a run that asked only for what changed', () => {
  let stage: ListStage;
  let posts: { id: string; updated: string }[];
  let comments: string[];
  let broken: Set<string>;
  let asked: string[];
  onListStage((set) => {
    stage = set;
    posts = [1, 2, 3].map((n) => ({ id: `p${n}`, updated: at(n) }));
    comments = ['first'];
    broken = new Set();
    asked = [];
    stage.api.route('GET', '/posts', ({ query }) => {
      asked.push('posts');
      const since = query.get('since');
      if (broken.has('posts')) return { status: 400, body: {} };
      return { body: { items: posts.filter(({ updated }) => since === null || updated >= since) } };
    });
    stage.api.route('GET', '/posts/:id/comments', (_, { id }) => {
      asked.push(id);
      return broken.has(id)
        ? { status: 400, body: {} }
        : { body: { items: comments.map((text) => ({ id: `${id} ${text}` })) } };
    });
  });

  const run = async (options: Parameters<ListStage['drive']['run']>[1] = {}, parents: 'all' | 'changed' = 'all') => {
    asked = [];
    const provider = defineProvider({
      id: 'forum',
      baseUrl: stage.api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: 1,
    });
    const Items = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) });
    const postList = provider.endpoint('posts', {
      input: z.object({ since: z.string().optional() }),
      response: Items(z.object({ id: z.string(), updated: z.string() })),
      request: ({ since }) => get('/posts', { since }),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const commentList = provider.endpoint('comments', {
      input: z.object({ id: z.string() }),
      response: Items(z.object({ id: z.string() })),
      request: ({ id }) => get(path`/posts/${id}/comments`),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const sync = defineSync('forum', { provider, input: z.object({}) }, (s) => {
      const all = s.one(postList, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ updated }) => updated, lookbackMs: 0 },
      });
      const below = s.each(all, commentList, {
        input: ({ id }) => ({ id }),
        key: ({ id }) => id,
        parents,
        onChildError: { maxSkippedShare: 1 },
      });
      return { all, below };
    });
    const result = await stage.drive.run(sync, { account: stage.account, ...options });
    return { complete: result?.complete, asked: asked.toSorted().join(' ') };
  };
  const retry = (parents?: 'changed') => run({ retryOf: { runId: stage.drive.lastRunId(), also: [] } }, parents);
  const stored = async () => {
    const { rows } = await stage.db.pool.query<{ key: string }>(
      `select key from sluice.record where account = $1 and resource = 'forum.below' order by key`,
      [stage.account],
    );
    return rows.map(({ key }) => key).join(', ');
  };

  it('visits the rows of earlier runs where the list above them had failed', async () => {
    await run();
    comments.push('second');
    broken.add('posts');
    expect(await run()).toEqual({ complete: false, asked: 'posts' });
    broken.clear();
    expect(await retry()).toEqual({ complete: true, asked: 'p1 p2 p3 posts' });
    expect(await stored()).toBe('p1 first, p1 second, p2 first, p2 second, p3 first, p3 second');
  });

  it('visits them where the run had ended before it got to them, and reads nothing twice', async () => {
    await run();
    comments.push('second');
    expect(await run({ dieAfterCalls: 0 })).toEqual({ complete: undefined, asked: '' });
    expect(await retry()).toEqual({ complete: true, asked: 'p1 p2 p3 posts' });
    // The list above, and what is below its newest row and one of the others.
    expect(await run({ dieAfterCalls: 3 })).toMatchObject({ complete: undefined });
    const before = asked;
    const { complete, asked: again } = await retry();
    expect({ complete, all: [...before, ...again.split(' ')].toSorted().join(' ') }).toEqual({
      complete: true,
      all: 'p1 p2 p3 posts',
    });
    // Between the list above and what is below it.
    expect(await run({ dieAfterCalls: 1 })).toEqual({ complete: undefined, asked: 'posts' });
    expect(await retry()).toEqual({ complete: true, asked: 'p1 p2 p3' });
  });

  it('reads what earlier runs have left unread where the run itself did not get to it', async () => {
    broken.add('p1');
    await run({}, 'changed');
    broken.clear();
    expect(await run({ dieAfterCalls: 0 }, 'changed')).toEqual({ complete: undefined, asked: '' });
    expect(await retry('changed')).toEqual({ complete: true, asked: 'p1 p3 posts' });
    expect(await stored()).toBe('p1 first, p2 first, p3 first');
    expect(await run({}, 'changed')).toEqual({ complete: true, asked: 'p3 posts' });
  });
});
