import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSaga, defineSync, get, noAuth, post } from '../../../providers/index.ts';
import { createCatalog } from '../../../workers/catalog.ts';

const given = { input: z.object({}), output: z.object({ id: z.string() }), request: () => post('/posts', {}) };
const lookup = () => get('/posts');
const found = () => undefined;

function mistakesOf(options: object, of: object = {}): readonly string[] {
  const provider = defineProvider({ id: 'social', baseUrl: 'https://x.example', auth: noAuth(), limits: [], ...of });
  provider.action('create', { ...given, ...options });
  return provider.mistakes().map((text) => text.replace('action "create": ', ''));
}

describe('an action', () => {
  it('may be all that is documented', () => {
    const conflicts = { entity: () => 'note/1', policy: 'cancel-previous' };
    const whenUnknown = { lookup, found, afterMs: 0, guards: { 'more-told': false as const } };
    const all = { idempotent: true, keyGoodForMs: Infinity, maxAttempts: 1, totalTimeoutMs: 1_000 };
    for (const format of ['csv', 'text', { kind: 'xml', lists: ['orders.order'] }])
      expect(mistakesOf({ format })).toEqual([]);
    expect(mistakesOf({ ...all, conflicts, whenUnknown, compensate: lookup, what: () => 'x' })).toEqual([]);
  });

  it.each([
    [{ whenUnknown: { lookup, found, afterMS: 5_000 } }, 'whenUnknown: unknown option `afterMS`; known are lookup'],
    [{ whenUnknown: { lookup } }, 'whenUnknown: `found` is missing; it must be a function'],
    [{ whenUnknown: lookup }, '`whenUnknown` must be an object: { lookup, found }'],
    [{ whenUnknown: { lookup, found, afterMs: -5 } }, 'whenUnknown: `afterMs` is -5; it must be a number, 0 or more'],
    [{ compensate: true }, '`compensate` is a boolean; it must be a function'],
    [{ made: 'id' }, '`made` is a string; it must be a function'],
    [{ output: undefined }, '`output` must be a zod schema'],
    [{ input: {} }, '`input` must be a zod schema, z.object({}) where it takes none'],
    [{ idempotent: 'yes' }, '`idempotent` is a string; it must be true or false'],
    [{ conflicts: { entity: found, policy: 'waitt' } }, 'conflicts: `policy` is "waitt"; it must be "wait"'],
    [{ conflicts: { policy: 'wait' } }, 'conflicts: `entity` is missing; it must be a function'],
    [{ response: z.unknown() }, '`response` says nothing without `made`'],
    [{ response: {}, made: found }, '`response` must be a zod schema'],
    [{ format: 'yaml' }, 'format is "yaml"; it must be one of "json", "ndjson", "csv", "xml", "text"'],
    [{ format: { kind: 'xml', list: ['a'] } }, 'format: unknown option `list`; known are kind, lists, prefixes'],
    [{ format: { kind: 'csv', files: found } }, 'format.files: the answer of an action is one file'],
    [{ format: { kind: 'file' } }, 'format is {"kind":"file"}; it must be one of'],
    [{ maxAttempts: 0 }, '`maxAttempts` is 0; it must be a number, 1 or more'],
    [{ totalTimeoutMs: Number.NaN }, '`totalTimeoutMs` is NaN; it must be a number, 1 or more'],
    [{ classify: [] }, '`classify` is a list; it must be a function'],
    [{ perform: async () => ({ id: 'x' }) }, '`request` says nothing beside `perform`; leave one of them out'],
  ])('with a mistake is told of it before anything is sent: %o', (options, mistake) => {
    expect(mistakesOf(options)).toEqual([expect.stringContaining(mistake)]);
  });

  it('has a provider whose timeouts are known and whose numbers are some', () => {
    expect(mistakesOf({}, { timeouts: { totlMs: 3, bodyMs: 0 }, maxAttempts: Number.NaN })).toEqual([
      expect.stringContaining('timeouts: unknown option `totlMs`; known are connectMs, headersMs, bodyMs, totalMs'),
      expect.stringContaining('timeouts: `bodyMs` is 0; it must be a number, 1 or more'),
      expect.stringContaining('`maxAttempts` is NaN; it must be a number, 1 or more'),
    ]);
  });
});

it('`made` gets what the schema `response` makes of the body, and without one something unknown', () => {
  const provider = defineProvider({ id: 'social', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
  const { definition } = provider.action('create', {
    ...given,
    response: z.object({ data: z.object({ no: z.coerce.number() }) }),
    made: (answer) => {
      expectTypeOf(answer).toEqualTypeOf<{ data: { no: number } }>();
      return { id: String(answer.data.no) };
    },
  });
  expect(definition.parseResponse({ data: { no: '7' } })).toEqual({ data: { no: 7 } });
  expect(() => definition.parseResponse({ id: '7' })).toThrow('data');
  provider.action('other', {
    ...given,
    made: (answer) => {
      expectTypeOf(answer).toEqualTypeOf<unknown>();
      return { id: 'x' };
    },
  });
  provider.action('wrong', {
    ...given,
    // @ts-expect-error its output has an `id`
    made: () => ({ no: 7 }),
  });
});

it.each([
  ['ok', { items: [], total: 0 }],
  ['ok', { items: [{ id: 'another' }] }],
  ['ok', { code: 404, message: 'not found' }],
  ['flawed', { items: [{ id: 'another' }], errors: [{ message: 'a part did not answer' }] }],
  ['flawed', { items: [{ id: 'another' }], timed_out: true }],
])('that a look-up has not found the write is %s in %j', (kind, body) => {
  const provider = defineProvider({ id: 'social', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
  const { definition } = provider.action('create', { ...given, whenUnknown: { lookup, found } });
  const answer = { status: 200, headers: {}, text: JSON.stringify(body), elapsedMs: 1 };
  expect(definition.decideAbsence(answer).kind).toBe(kind);
});

describe('a `Date` of a schema', () => {
  const provider = defineProvider({ id: 'social', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
  const Dated = z.object({ id: z.string(), at: z.coerce.date(), days: z.array(z.object({ on: z.date().nullable() })) });
  type Text = { id: string; at: string; days: { on: string | null }[] };

  it('is a text wherever an output comes back as it was kept, and its types say so', () => {
    const create = provider.action('dated', {
      ...given,
      output: Dated,
      compensate: (output) => {
        expectTypeOf(output).toEqualTypeOf<Text>();
        return post('/undo', {});
      },
    });
    expectTypeOf<NonNullable<typeof create.$types>['output']>().toEqualTypeOf<Text>();
    defineSaga('dated', { input: z.object({}) })
      .step('one', create, () => ({}))
      .step('two', create, ({ one }) => {
        expectTypeOf(one).toEqualTypeOf<Text>();
        return {};
      });
  });

  it('is a text in rows that were stored: those of parents, and those that the app reads', () => {
    const one = provider.endpoint('one', { input: z.object({}), response: Dated, request: lookup });
    const sync = defineSync('dated', { provider, input: z.object({}) }, (s) => {
      const rows = s.one(one, {
        input: () => ({}),
        key: (item) => {
          expectTypeOf(item.at).toEqualTypeOf<Date>();
          return item.id;
        },
      });
      const below = s.each(rows, one, {
        input: (parent) => {
          expectTypeOf(parent).toEqualTypeOf<Text>();
          return {};
        },
        key: ({ id }) => id,
        map: ({ id }) => ({ id }),
      });
      return { rows, below };
    });
    expectTypeOf(sync.rows.$row).toEqualTypeOf<Text | undefined>();
    expectTypeOf(sync.below.$row).toEqualTypeOf<{ id: string } | undefined>();
  });
});

describe('a saga', () => {
  const provider = defineProvider({ id: 'social', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
  const create = provider.action('create', given);
  const input = z.object({});

  it('is told of options that it does not know, and of steps that are none', () => {
    const define = (options: object) => () => defineSaga('two', options as { input: typeof input });
    expect(define({ input, conflict: {} })).toThrow('Saga "two": unknown option `conflict`; known are input, what');
    expect(define({})).toThrow('Saga "two": `input` must be a zod schema, z.object({}) where it takes none.');
    const saga = define({ input })();
    expect(() => saga.step('a', {} as never, () => ({}))).toThrow('Step "a" of saga "two" is no action');
    expect(() => saga.step('a', create, undefined as never)).toThrow('Step "a" of saga "two" has no input');
  });

  it('is none of the actions that a worker is given, and the reverse', () => {
    const saga = defineSaga('two', { input }).step('a', create, () => ({}));
    expect(() => createCatalog({ actions: [saga as never], sagas: [create as never, undefined as never] })).toThrow(
      '`actions` has what `provider.action(…)` returns; its entry 0 is a saga.\n' +
        '`sagas` has what `defineSaga(…)` returns; its entry 0 is an action.\n' +
        '`sagas` has what `defineSaga(…)` returns; its entry 1 is undefined; do two modules import each other?',
    );
    expect(createCatalog({ sagas: [saga] }).actionNamed('social/create')).toBe(create.definition);
  });
});
