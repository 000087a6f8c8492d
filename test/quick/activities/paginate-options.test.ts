import { compilePagination } from '../../../providers/pagination/compile.ts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withSize } from '../../../providers/pagination/page-request.ts';
import { answeredAt, askFrom, highestMark, isBelow, isTime } from '../../../activities/page/watermark.ts';
import { defineProvider, defineSync, get, hours, noAuth, type Paginate } from '../../../providers/index.ts';

type Item = { readonly id: string };

describe('mistakes in the options of a list', () => {
  const define = (paginate: Paginate<{ items: Item[] }, Item>, lookbackMs = 0) => {
    const provider = defineProvider({
      id: 'social',
      baseUrl: 'https://api.social.example',
      auth: noAuth(),
      limits: [],
    });
    const list = provider.endpoint('list', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: () => get('/list'),
      paginate,
    });
    return defineSync('lists', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id, incremental: { field: ({ id }) => id, lookbackMs } }),
    }));
  };
  const items = (body: { items: Item[] }) => body.items;

  it('are told all at once, in words', () => {
    expect(() =>
      define(
        {
          kind: 'offset',
          items,
          pageSize: { start: 10, min: 20 },
          lanes: 0,
          overlap: 30,
          resultCap: 0,
          maxPages: 0,
          range: { whole: () => ({ from: 1, to: 2 }), widest: 0 },
        },
        -1,
      ),
    ).toThrow(
      /has 7 mistakes[^]*1 ≤ min ≤ start ≤ max, not 20, 10, 10[^]*maxPages` is 0[^]*resultCap is 0[^]*`widest` is 0; it must be a number above 0[^]*lanes is 0[^]*overlap is 30[^]*lookbackMs is -1/,
    );
  });

  it('name values of another type than is wanted', () => {
    const wrong = (more: object) => () => define({ kind: 'page', items, ...more } as never);
    expect(wrong({ hasMore: true, total: 5 })).toThrow(
      /`hasMore` is a boolean; it must be a function[^]*`total` is a number/,
    );
    expect(wrong({ pageSize: 50 })).toThrow(/pageSize is 50; it must be an object, e\.g\. \{ start: 50 \}/);
    expect(wrong({ firstPage: -1 })).toThrow(/firstPage is -1/);
    expect(wrong({ firstPage: 0, pageSize: { start: 50 }, hasMore: () => false, total: undefined })).not.toThrow();
  });

  it('name what excludes each other', () => {
    expect(() => define({ kind: 'page', items, overlap: 2, pageSize: { min: 5 } })).toThrow(/overlap is for offsets/);
    expect(() => define({ kind: 'offset', items, overlap: 2, lanes: 4, pageSize: { min: 5 } })).toThrow(
      /overlap and lanes exclude each other/,
    );
    expect(() => define({ kind: 'offset', items, overlap: 2, pageSize: { min: 5 } })).not.toThrow();
  });
});

describe('watermarks', () => {
  const incremental = { field: (item: unknown) => item as string | number | null, lookbackMs: hours(1) };
  const answered = Date.parse('2024-06-01T00:00:00Z');
  const mark = (items: readonly unknown[], before: string | number | null = null, more: object = {}) =>
    highestMark({ ...incremental, ...more }, items, { highest: before, guard: null }, answered).highest;
  /** Of a list whose pages have these ids. */
  const ofPages = (pages: readonly (readonly unknown[])[]) => {
    let list: Parameters<typeof highestMark>[2] = { highest: null, guard: null };
    for (const items of pages) {
      const { highest, memory } = highestMark(incremental, items, list, answered);
      list = { highest, guard: { ...list.guard, ...memory } };
    }
    return list.highest;
  };

  it('are the highest value of a list, whatever zone and precision its times are written in', () => {
    const marks = ['2024-03-01T10:00:00+02:00', '2024-03-01T09:30:00Z', null, '2024-03-01T08:59:59.999Z'];
    expect(mark(marks)).toBe('2024-03-01T09:30:00.000Z');
    expect(mark(marks, '2024-04-01T00:00:00.000Z')).toBe('2024-04-01T00:00:00.000Z');
    expect(mark([9, 10, '11'])).toBe(11);
    expect(mark(['-3', ' +2', '', '1.5'])).toBe(2);
    // A fraction is none of the digits that a number can't hold.
    expect(mark(['1709285400.5'])).toBe(1_709_285_400.5);
    expect(mark([])).toBeNull();
    expect(mark([undefined, null])).toBeNull();
    const nothing = { highest: null, guard: null };
    for (const none of [undefined, 'checkpoint'] as const)
      expect(highestMark(none, marks, nothing, answered).highest).toBeNull();
  });

  it('are UTC where no zone is told, wherever the worker runs, or in the zone that the sync names', () => {
    expect(mark(['2024-03-01 09:30:00'])).toBe('2024-03-01T09:30:00.000Z');
    expect(mark(['2024-03-01T09:30'], null, { zone: 'Europe/Berlin' })).toBe('2024-03-01T08:30:00.000Z');
    expect(mark(['2024-04-01T09:30'], null, { zone: 'Europe/Berlin' })).toBe('2024-04-01T07:30:00.000Z');
    expect(mark(['2024-03-10T03:30'], null, { zone: 'America/New_York' })).toBe('2024-03-10T07:30:00.000Z');
    expect(mark(['2024-04-01T09:30Z'], null, { zone: 'Europe/Berlin' })).toBe('2024-04-01T09:30:00.000Z');
  });

  it('never pass the time of the answer: one row dated in the future would hide all others', () => {
    expect(mark(['2031-01-01T00:00:00Z', '2024-03-01T09:30:00Z'])).toBe('2024-06-01T00:00:00.000Z');
    expect(mark([answered + 5_000, 2 ** 60])).toBe(answered);
    expect(mark([answered / 1_000 + 5_000])).toBe(answered / 1_000);
    // The second that has begun counts.
    const list = { highest: null, guard: null };
    expect(highestMark(incremental, [answered / 1_000 + 5], list, answered + 1).highest).toBe(answered / 1_000 + 1);
    expect(mark([4_000_000_000], null, { numbers: 'ids' })).toBe(4_000_000_000);
  });

  it.each([
    ['in their order', [[1, 2], [2, 3], [null], [4, 9]], 9],
    [
      'in their order, the last one first',
      [
        [9, 8],
        [7, 6],
        [5, 9],
      ],
      9,
    ],
    [
      'in any order',
      [
        [4, 9],
        [1, 12],
        [20, 30],
      ],
      9,
    ],
    [
      'in their order up to one that was changed since',
      [
        [1, 2],
        [3, 4],
        [5, 30],
        [6, 7],
        [31, 32],
      ],
      2,
    ],
    [
      'in their order, some of them twice',
      [
        [1, 2, 3],
        [2, 3, 4],
        [3, 4, 7],
      ],
      7,
    ],
    [
      'in their order but for two, each the last one of its page',
      [
        [1, 2],
        [5, 30],
        [6, 31],
      ],
      2,
    ],
    ['in any order, in a first page only', [[9, 4]], 9],
    [
      'of many digits, in any order',
      [['9007199254740993'], ['10007199254740993', '9007199254740999']],
      '9007199254740993',
    ],
  ])(
    'of ids that come %s are no higher than ids that had been given out when all lower ones were read',
    (_, pages, is) => {
      expect(ofPages(pages)).toBe(is);
    },
  );

  it('of ids do not rise in another reading of a list, nor in a lane that does not come in their order', () => {
    expect(mark([9, 10], 3)).toBe(3);
    const lane = (items: readonly unknown[]) =>
      highestMark(incremental, items, { highest: null, guard: { 'ids.first': 5 } }, answered).highest;
    expect([lane([30, 31]), lane([31, 30])]).toEqual([31, 5]);
  });

  it('may be ids of more digits than a number holds', () => {
    expect(mark(['9007199254740993', '10007199254740993', '9007199254740999'])).toBe('10007199254740993');
    expect(mark([' 10007199254740993 '])).toBe('10007199254740993');
    expect(askFrom('10007199254740993', incremental)).toBe('10007199254740993');
  });

  it('that are neither a time nor a number are told, and not compared as text', () => {
    for (const odd of ['yesterday', '03/04/2024', '2024-13-01', ' ', '0x1f', Number.NaN])
      expect(() => mark([odd]), String(odd)).toThrow(/is no watermark; it must be a time in ISO 8601, or a number/);
  });

  it('are taken back by the look-back where they are times, and left alone where they are ids', () => {
    expect(askFrom('2024-03-01T09:30:00.000Z', incremental)).toBe('2024-03-01T08:30:00.000Z');
    expect(askFrom(1_709_285_400_000, incremental)).toBe('1709281800000');
    expect(askFrom(1_709_285_400, incremental)).toBe('1709281800');
    // Those of 1999 have a digit less.
    expect(askFrom(915_148_800_000, incremental)).toBe('915145200000');
    expect(askFrom(915_148_800, incremental)).toBe('915145200');
    // A second at least: a third party that asks for what is later, and not as late, would leave out a row of the same second.
    expect(askFrom('2024-03-01T09:30:00.000Z', { lookbackMs: 0 })).toBe('2024-03-01T09:29:59.000Z');
    expect(askFrom(1_709_285_400, { lookbackMs: 0 })).toBe('1709285399');
    expect(askFrom(1_709_285_400, { lookbackMs: 1_500 })).toBe('1709285398');
    expect(askFrom(4_711, incremental)).toBe('4711');
    expect(askFrom(1_709_285_400, { ...incremental, numbers: 'ids' })).toBe('1709285400');
  });

  it.each([
    [1_709_285_400, true],
    [4_711, false],
    ['2024-03-01T09:30:00.000Z', true],
    ['10007199254740993', false],
  ])('say whether they are times: %s, %s', (of, is) => {
    expect(isTime(of, {})).toBe(is);
  });

  it.each([
    [9, '10', true],
    [1.5, '1.25', false],
    [5, '2024-03-01T09:30:00.000Z', false],
    ['2024-03-01T09:30:00.000Z', '2024-03-01T09:30:00.001Z', true],
    ['2024-03-01T09:30:00.000Z', '2024-03-01T09:30:00.000Z', false],
    ['2024-03-01T09:30:00.001Z', '2024-03-01T09:30:00.000Z', false],
    ['2024-03-01T09:30:00.000Z', '10007199254740993', false],
    ['9007199254740993', '10007199254740993', true],
    ['9007199254740993', '2024-03-01T09:30:00.000Z', false],
  ])('are below what is asked from only where both are of one kind: %s, %s: %s', (of, since, is) => {
    expect(isBelow(of, since)).toBe(is);
  });

  it('are compared with the clock of the third party, where it tells one', () => {
    expect(answeredAt({ date: 'Sat, 01 Jun 2024 00:00:00 GMT' }, 0)).toBe(answered);
    expect(answeredAt({ date: 'soon' }, 7)).toBe(7);
  });
});

describe('next links', () => {
  it('get another page size where its parameter is named, and stay as they are otherwise', () => {
    expect(withSize('https://api.social.example/v2/list?limit=100&cursor=x', 'limit', 50)).toBe(
      'https://api.social.example/v2/list?limit=50&cursor=x',
    );
    expect(withSize('/list?limit=100', undefined, 50)).toBe('/list?limit=100');
    expect(withSize('/list?limit=100', 'limit', 100)).toBe('/list?limit=100');
    expect(withSize('/list', 'limit', 25)).toBe('/list?limit=25');
  });
});

describe('what `hasMore` gives', () => {
  const said = (given: unknown): boolean | undefined =>
    compilePagination({
      kind: 'cursor',
      items: () => [],
      next: () => undefined,
      hasMore: () => given as boolean,
    }).hasMore?.({}, { headers: {}, url: 'https://x.example/', input: {} });

  it.each<[given: unknown, is: boolean | undefined]>([
    ...[true, 1, 'true', 'TRUE', '1', 'Y', 'yes', ' true '].map((given): [unknown, boolean] => [given, true]),
    ...[false, 0, 'false', '0', 'N', 'no', ''].map((given): [unknown, boolean] => [given, false]),
    [undefined, undefined],
    [null, undefined],
  ])('is read as it is meant: %j', (given, is) => {
    expect(said(given)).toBe(is);
  });

  it.each([[2], ['maybe'], [{}], [[]]])('is a mistake that is told where it is neither: %j', (given) => {
    expect(() => said(given)).toThrow('it must be true, false, or undefined');
  });
});
