/**
 * How lists of values that are known, and lists in lists whose depth nobody knows, are written. `docs/guides/any-api.md` shows these lines.
 */
import { z } from 'zod';
import { bearer, defineProvider, defineSync, get, path } from '../../providers/index.ts';

const notes = defineProvider({ id: 'notes', baseUrl: 'https://api.notes.example', auth: bearer(), limits: [] });

const pages = notes.endpoint('pages', {
  input: z.object({}),
  response: z.object({ items: z.array(z.object({ id: z.string(), title: z.string() })), next: z.string().nullish() }),
  request: (_, page) => get('/pages', { cursor: page.cursor }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
});

const children = notes.endpoint('children', {
  input: z.object({ id: z.string() }),
  response: z.object({
    items: z.array(z.object({ id: z.string(), has_children: z.boolean() })),
    next: z.string().nullish(),
  }),
  request: ({ id }, page) => get(path`/blocks/${id}/children`, { cursor: page.cursor }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
});

export const book = defineSync('book', { provider: notes, input: z.object({}) }, (s) => {
  const all = s.one(pages, { input: () => ({}), key: (page) => page.id });
  const blocks = s.tree(all, children, {
    top: (page) => ({ id: page.id, has_children: true, page: page.id }), // what stands above the first lists
    when: (above) => above.has_children, // a page, or a block: which have something below them
    input: (above) => ({ id: above.id }),
    key: (block) => block.id,
    map: (block, above) => ({ ...block, page: above.page }), // handed down from row to row
  });
  return { pages: all, blocks };
});

const issues = notes.endpoint('issues', {
  input: z.object({ repo: z.string(), state: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
  request: ({ repo, state }, page) => get(`/repos/${repo}/issues`, { state, cursor: page.cursor }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
});

export const chosen = defineSync(
  'chosen',
  { provider: notes, input: z.object({ repos: z.array(z.string()) }) },
  (s) => {
    const lists = s.values(
      ({ repos }) => repos.flatMap((repo) => ['open', 'closed'].map((state) => ({ repo, state }))),
      {
        key: ({ repo, state }) => `${repo} ${state}`,
      },
    );
    return { lists, issues: s.each(lists, issues, { input: (list) => list, key: (issue) => issue.id }) };
  },
);
