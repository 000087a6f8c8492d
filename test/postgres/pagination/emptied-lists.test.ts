/** Lists of which rows are stored, though no run has read them to their end, and that come back without rows. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { DriveOptions } from '../../../bench/common/drive.ts';
import { defineSync, get, path } from '../../../providers/index.ts';
import { onListStage, openProvider, type ListStage } from '../../setup/list-stage.ts';

describe('a list that no run has read to its end', () => {
  let stage: ListStage;
  let posts: Record<string, readonly string[]>;
  let broken: ReadonlySet<string>;
  onListStage((set) => {
    stage = set;
    posts = { ann: ['a1', 'a2', 'a3', 'a4'], bob: ['b1'] };
    broken = new Set();
    stage.api.route('GET', '/users', () => ({ body: { items: Object.keys(posts).map((id) => ({ id })) } }));
    stage.api.route('GET', '/users/:id/posts', ({ query }, { id }) => {
      const rows = posts[id]!;
      const from = Number(query.get('after')?.slice(1) ?? 0);
      if (from > 0 && broken.has(id)) return { status: 500, body: { error: 'out of order' } };
      const items = rows.slice(from, from + 2).map((row) => ({ id: row }));
      return { body: { items, ...(from + 2 < rows.length ? { next: items.at(-1)!.id } : {}) } };
    });
  });

  const run = (
    options: { readonly deletions?: 'full-pass'; readonly allowEmpty?: true } = {},
    of: DriveOptions = {},
  ) => {
    const provider = openProvider(stage.api, 'blog', 1);
    const Rows = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().optional() });
    const users = provider.endpoint('users', {
      input: z.object({}),
      response: Rows,
      request: () => get('/users'),
      paginate: { kind: 'single', items: (body) => body.items },
    });
    const postsOf = provider.endpoint('posts', {
      input: z.object({ id: z.string() }),
      response: Rows,
      request: ({ id }, page) => get(path`/users/${id}/posts`, { after: page.cursor }),
      paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next },
    });
    const sync = defineSync('blog', { provider, input: z.object({}) }, (s) => {
      const people = s.one(users, { input: () => ({}), key: ({ id }) => id });
      const child = {
        input: ({ id }: { readonly id: string }) => ({ id }),
        key: ({ id }: { readonly id: string }) => id,
      };
      return { users: people, posts: s.each(people, postsOf, { ...child, ...options }) };
    });
    return stage.drive.run(sync, { account: stage.account, skipsBackoffs: true, ...of });
  };
  const stored = async () => {
    const { rows } = await stage.db.pool.query<{ key: string }>(
      `select key from sluice.record where account = $1 and resource = 'blog.posts' and deleted_at is null order by key`,
      [stage.account],
    );
    return rows.map(({ key }) => key).join(' ');
  };

  const lacksAnn = {
    complete: false,
    flaws: [{ node: 'posts', kind: 'truncated', example: 'ann', reason: 'empty answer: 2 rows kept' }],
  };

  it.each([{}, { deletions: 'full-pass' }] as const)(
    'is not believed to be empty where rows of it came: %o',
    async (options) => {
      broken = new Set(['ann']);
      expect(await run(options)).toMatchObject({ complete: false });
      const { ann } = posts;
      posts = { ...posts, ann: [] };
      expect(await run(options)).toMatchObject(lacksAnn);
      expect(await run(options)).toMatchObject(lacksAnn);
      expect(await stored()).toBe('a1 a2 b1');
      broken = new Set();
      posts = { ...posts, ann: ann! };
      expect(await run(options)).toMatchObject({ complete: true });
      expect(await stored()).toBe('a1 a2 a3 a4 b1');
    },
  );

  it('is believed to be empty where that may be', async () => {
    const options = { deletions: 'full-pass', allowEmpty: true } as const;
    broken = new Set(['ann']);
    await run(options);
    posts = { ...posts, ann: [] };
    expect(await run(options)).toMatchObject({ complete: true });
    expect(await stored()).toBe('b1');
  });

  it('is not believed to be empty in a retry, or where it was empty before those rows came', async () => {
    const options = { deletions: 'full-pass' } as const;
    const { ann } = posts;
    posts = { ...posts, ann: [] };
    expect(await run(options)).toMatchObject({ complete: true });
    posts = { ...posts, ann: ann! };
    broken = new Set(['ann']);
    expect(await run(options)).toMatchObject({ complete: false });
    posts = { ...posts, ann: [] };
    const runId = stage.drive.lastRunId();
    expect(await run(options, { retryOf: { runId, also: [] } })).toMatchObject(lacksAnn);
    expect(await run(options)).toMatchObject(lacksAnn);
    expect(await stored()).toBe('a1 a2 b1');
  });
});
