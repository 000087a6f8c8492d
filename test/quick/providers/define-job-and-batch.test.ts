import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, post, window } from '../../../providers/index.ts';
import type { JobOptions, JobState } from '../../../providers/index.ts';

const options = { id: 'p', baseUrl: 'https://api.example', auth: noAuth(), limits: [] } as const;

describe('an endpoint with a job', () => {
  it('infers the types of its input and of both answers from the schemas', () => {
    const provider = defineProvider(options);
    const report = provider.endpoint('report', {
      input: z.object({ day: z.string() }),
      response: z.array(z.object({ id: z.string() })),
      job: {
        submitted: z.object({ reportId: z.number() }),
        polled: z.object({ phase: z.enum(['new', 'over']), url: z.string() }),
        submit: (input, { key, account }) => {
          expectTypeOf(input).toEqualTypeOf<{ day: string }>();
          expectTypeOf(key).toEqualTypeOf<string>();
          expectTypeOf(account).toEqualTypeOf<string>();
          return post('/reports', input);
        },
        id: (answer) => {
          expectTypeOf(answer).toEqualTypeOf<{ reportId: number }>();
          return answer.reportId;
        },
        poll: (id) => get(`/reports/${id}`),
        state: (answer): JobState => {
          expectTypeOf(answer.phase).toEqualTypeOf<'new' | 'over'>();
          return answer.phase === 'over' ? { state: 'done', results: [answer.url] } : { state: 'running' };
        },
      },
      request: (_, page) => {
        expectTypeOf(page.job).toEqualTypeOf<{ readonly id: string; readonly result: string }>();
        return get(page.job.result);
      },
      format: 'csv',
      paginate: { kind: 'single', items: (rows) => rows },
    });
    const sync = defineSync('s', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(report, { input: () => ({ day: 'today' }), key: (row) => row.id }),
    }));
    expectTypeOf(sync.rows.$row).toEqualTypeOf<{ id: string } | undefined>();
    // A call that makes a job, one that asks for it, and one that reads: each is a call of its own to limits.
    expect(sync.definition.plan.nodes[0]?.callTimeoutMs).toBeGreaterThan(120_000);
  });

  it('has its mistakes told at load, all at once, with what to write', () => {
    const provider = defineProvider({
      ...options,
      limits: [
        window('jobs', { by: ['app'], max: 1, perMs: 1_000, endpoints: ['a.submit', 'a.poll'] }),
        window('none', { by: ['app'], max: 1, perMs: 1_000, endpoints: ['b.submit'] }),
      ],
    });
    const row = z.object({ id: z.string() });
    const wrong = {
      submit: () => post('/'),
      id: 1,
      poll: () => get('/'),
      cancel: 'delete',
      whenUnknown: 'ask',
      pollMs: { first: 9, most: 1 },
      maxJobs: 0,
      every: 5,
    };
    const list = provider.endpoint('a', {
      input: z.object({}),
      response: z.array(row),
      job: wrong as unknown as JobOptions<object, z.ZodType, z.ZodType>,
      request: () => get('/'),
      paginate: { kind: 'offset', items: (rows) => rows },
      openHosts: ['*.com'],
    });
    provider.endpoint('b', { input: z.object({}), response: row, request: () => get('/'), openHosts: [] });
    const define = () =>
      defineSync('s', { provider, input: z.object({}) }, (s) => ({
        a: s.one(list, { input: () => ({}), key: ({ id }) => id }),
      }));
    for (const text of [
      'job: `id` is a number; it must be a function',
      'job: `state` is missing',
      'job: unknown option `every`',
      'job: `submitted` is missing; it must be the zod schema',
      'job: `polled` is missing',
      'job: `whenUnknown` must be "submit-again" or { lookup',
      'job: `cancel` must be a function, e.g. (id) => del(path`/reports/${id}`)',
      'pollMs must have 1 ≤ first ≤ most',
      'maxJobs is 0',
      'results are read in order; `paginate` must be of kind "single", "cursor" or "link"',
      'host "*.com" lets in hosts of anybody',
      'openHosts must name hosts',
      'limit "none": no endpoint "b.submit"',
    ])
      expect(define).toThrow(text);
    expect(define).toThrow(/has 13 mistakes/);
  });
});

describe('a node that asks for several parents at once', () => {
  it('infers its types, and has its mistakes told at load', () => {
    const provider = defineProvider(options);
    const posts = provider.endpoint('posts', {
      input: z.object({}),
      response: z.array(z.object({ id: z.string() })),
      request: () => get('/'),
      paginate: { kind: 'single', items: (rows) => rows },
    });
    const one = provider.endpoint('one', {
      input: z.object({ ids: z.array(z.string()) }),
      response: z.object({ post: z.string() }),
      request: () => get('/'),
    });
    const define = () =>
      defineSync('s', { provider, input: z.object({}) }, (s) => {
        const all = s.one(posts, { input: () => ({}), key: ({ id }) => id });
        const stats = s.batch(all, one, {
          size: 1,
          input: (rows) => {
            expectTypeOf(rows).toEqualTypeOf<readonly { id: string }[]>();
            return { ids: rows.map(({ id }) => id) };
          },
          parentOf: undefined as unknown as (item: { post: string }) => string,
          key: (item, post) => {
            expectTypeOf(post).toEqualTypeOf<{ id: string }>();
            return item.post;
          },
          ...({ every: 5 } as object),
        });
        return { posts: all, stats };
      });
    for (const text of [
      'node "stats": unknown option `every`',
      'node "stats": size is 1; it must be a whole number from 2 to 1,000',
      'node "stats": `parentOf` is missing; it says whose row it is',
      "needs paginate: { kind: 'single', items: (answer) => answer.items }",
    ])
      expect(define).toThrow(text);
  });
});
