/** What the builder of a sync says of arguments that no type checker has seen. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { RowsHave } from '../../../providers/define/node-options.ts';
import { DefinitionError, defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- as somebody writes it without types
type Untyped = any;

const provider = defineProvider({ id: 'plain', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
const list = provider.endpoint('list', {
  input: z.object({}),
  response: z.array(z.object({ id: z.string() })),
  request: () => get('/list'),
  paginate: { kind: 'single', items: (rows) => rows },
});
const options = { input: () => ({}), key: () => 1 };
const values = { key: () => 1 };
const tree = { ...options, top: () => ({}) };

function mistakesOf(build: (s: Untyped) => Record<string, Untyped>): readonly string[] {
  try {
    defineSync('plain', { provider, input: z.object({}) }, build as never);
  } catch (error) {
    if (error instanceof DefinitionError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('functions that nobody waits for', () => {
  it('are mistakes where they are async, all at once; those that are waited for may be', () => {
    const later = async (): Promise<never> => Promise.reject(new Error('never called'));
    const late = defineProvider({ id: 'late', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
    const endpoint = late.endpoint('list', {
      input: z.object({}),
      response: z.array(z.object({ id: z.string() })),
      request: later as never,
      paginate: { kind: 'cursor', items: (rows) => rows, next: later as never },
    });
    late.action('send', {
      input: z.object({}),
      output: z.object({}),
      perform: later,
      conflicts: { entity: later as never },
      whenUnknown: { lookup: later },
    });
    const mistakes = ((): readonly string[] => {
      try {
        defineSync('late', { provider: late, input: z.object({}) }, (s) => ({
          list: s.one(endpoint, { ...options, map: later, isGone: later as never, store: later }),
        }));
      } catch (error) {
        return (error as DefinitionError).mistakes;
      }
      return [];
    })();
    expect(mistakes.filter((text) => text.includes('is async')).toSorted()).toEqual([
      'action "send": conflicts: `entity` is async; it must give its value at once',
      'endpoint "list": `request` is async; it must give its value at once',
      'endpoint "list": paginate: `next` is async; it must give its value at once',
      'node "list": `isGone` is async; it must give its value at once',
      'node "list": `map` is async; it must give its value at once',
    ]);
  });
});

describe('arguments of the builder', () => {
  it('that no node can be made of are mistakes with its name, all at once, and what hangs below it is looked at too', () => {
    const mistakes = mistakesOf((s) => {
      const lost = s.one(undefined, options);
      const some = s.values(() => ['a'], values);
      return {
        lost,
        some,
        below: s.each(lost, list, { ...options, window: 0 }),
        orphan: s.each(undefined, list, options),
        early: s.values(undefined, () => ['a'], values),
        swapped: s.tree(list, some, tree),
        bare: s.tree(list),
        none: s.values(() => ['a']),
        text: s.batch(some, 'list', { ...options, size: 5, parentOf: () => 1 }),
      };
    });
    expect(mistakes).toEqual([
      'node "lost": s.one: its endpoint is undefined (do two modules import each other?); it must be what provider.endpoint(…) returns',
      'node "orphan": s.each: its parent is undefined (do two modules import each other?); it must be a node of this sync, as s.one(…) returns it',
      'node "early": s.values: its parent is undefined (do two modules import each other?); it must be a node of this sync, as s.one(…) returns it',
      'node "swapped": s.tree: its endpoint is a node; it must be what provider.endpoint(…) returns',
      'node "bare": s.tree: its options are undefined (do two modules import each other?); write them as the last argument, e.g. { key: (row) => row.id }',
      'node "none": s.values: its options are undefined (do two modules import each other?); write them as the last argument, e.g. { key: (row) => row.id }',
      'node "text": s.batch: its endpoint is a string; it must be what provider.endpoint(…) returns',
      'node "below": window is 0; it must be a number from 1 to 1,000',
    ]);
  });

  it('that a node of another kind has are refused, with the options that this kind has', () => {
    const mistakes = mistakesOf((s) => {
      const root = s.one(list, { ...options, parents: 'changed', when: () => true, nested: undefined });
      return {
        root,
        some: s.values(root, () => ['a'], { ...values, map: (each: string) => each, incremental: 'checkpoint' }),
        deep: s.tree(root, list, { ...tree, size: 10, maxDepth: 3, parents: 'changed', uniqueBy: () => 1 }),
        many: s.batch(root, list, {
          ...options,
          size: 5,
          parentOf: () => 1,
          top: () => ({}),
          incremental: 'checkpoint',
        }),
      };
    });
    expect(mistakes).toEqual([
      'node "root": `parents` says which rows of a parent are visited, and a root has none',
      'node "root": `when` is of the rows of a parent, and a root has none',
      'node "some": unknown option `map`; known are key, uniqueBy, when, store, window',
      'node "some": unknown option `incremental`; known are key, uniqueBy, when, store, window',
      'node "deep": unknown option `size`; known are top, input, key, map, store, deletions, isGone, allowEmpty, window, onChildError, nested, when',
      'node "deep": unknown option `maxDepth`; known are top, input, key, map, store, deletions, isGone, allowEmpty, window, onChildError, nested, when',
      'node "deep": a tree is read as a whole by each run, every list of it once; leave out `incremental`, `parents` and `uniqueBy`',
      'node "many": unknown option `top`; known are size, parentOf, allowMissing, input, key, map, store, deletions, isGone, allowEmpty, window, onChildError, uniqueBy, when, parents',
      'node "many": a batch asks for several parents at once, which have no watermark in common; leave out `incremental`',
    ]);
  });
});

it('rows of a tree that lack something that `top` gives are told by its name, where types are', () => {
  type Above = { id: string; at: Date; page?: string };
  type Told<Names extends string> =
    `each row must have what \`top\` gives, and \`${Names}\` is not there or of another type: let \`map\` add it`;
  expectTypeOf<RowsHave<Above, { id: string; at: string }>>().toEqualTypeOf<{ readonly top: Told<'at'> }>();
  expectTypeOf<RowsHave<Above, { page: null }>>().toEqualTypeOf<{ readonly top: Told<'id' | 'at' | 'page'> }>();
  // What may be left out may be undefined: neither is kept.
  expectTypeOf<RowsHave<Above, { id: string; at: Date; page: string | undefined }>>().toBeUnknown();
  expectTypeOf<RowsHave<Above, { id: string; at: Date; more: number }>>().toBeUnknown();
});
