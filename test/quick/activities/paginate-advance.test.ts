import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Step } from '../../../providers/pagination/step.ts';
import type { ListMemory, Position } from '../../../contracts/list.ts';
import { compilePagination, type AnyPaginate } from '../../../providers/pagination/compile.ts';
import type { Paginate } from '../../../providers/pagination/options.ts';
import type { Range } from '../../../contracts/list.ts';
import { cut, halve } from '../../../providers/pagination/range.ts';

interface Page {
  readonly rows: readonly string[];
  readonly next?: string | undefined;
}

interface Walk {
  readonly end: Step['end'] | 'still going';
  readonly seen: ReadonlySet<string>;
  readonly pages: number;
  readonly asked: readonly { readonly offset: number; readonly size: number }[];
}

/** Walks a list that one lane walks, as the store would: position and memory are carried as JSON. */
function walk(
  paginate: Paginate<Page, string>,
  serve: (asked: { cursor: string | undefined; offset: number; size: number }, page: number) => Page,
  maxPages: number,
  { followed, closed } = { followed: 0, closed: 0 },
): Walk {
  const pagination = compilePagination(paginate as AnyPaginate);
  let position: Position | null = null;
  let guard: ListMemory | null = null;
  let items = 0;
  const seen = new Set<string>();
  const asked: { offset: number; size: number }[] = [];
  for (let pages = 0; pages < maxPages; pages++) {
    const request = pagination.request(position, pagination.pageSize.start, undefined);
    asked.push({ offset: request.offset, size: request.size });
    const page = serve(request, pages);
    const rows = seen.size;
    page.rows.forEach((row) => seen.add(row));
    const at = {
      position,
      asked: request,
      pages,
      items,
      rows,
      guard,
      isLaned: false,
      given: null,
      beyond: 0,
      followed,
      closed,
      isSizable: true,
    };
    const answer = {
      response: page,
      headers: {},
      url: 'https://x.example/',
      input: {},
      itemCount: page.rows.length,
      keys: page.rows,
      rowItems: [],
    };
    const next: Step = JSON.parse(JSON.stringify(pagination.advance(at, answer))) as Step;
    items += page.rows.length;
    ({ position, guard } = next);
    if (next.isQuietEnd && seen.size === rows) return { end: { kind: 'complete' }, seen, pages: pages + 1, asked };
    if (next.end) return { end: next.end, seen, pages: pages + 1, asked };
  }
  return { end: 'still going', seen, pages: maxPages, asked };
}

const cursorList: Paginate<Page, string> = {
  kind: 'cursor',
  items: (page) => page.rows,
  next: (page) => page.next,
  pageSize: { start: 5 },
};

describe('lists whose pages name the next one', () => {
  it('are read to their end with one call a page, whatever pages are empty or short', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 40 }).filter(
      // Ten empty pages in a row are taken for a loop.
      (pages) => !/(0,){9}0/.test(pages.join(',')),
    );
    fc.assert(
      fc.property(sizes, (pages) => {
        let n = 0;
        const content = pages.map((size) => Array.from({ length: size }, () => `r${n++}`));
        const {
          end,
          seen,
          pages: calls,
        } = walk(
          cursorList,
          ({ cursor }) => {
            const at = Number(cursor?.slice(1) ?? 0);
            return { rows: content[at] ?? [], next: at + 1 < content.length ? `p${at + 1}` : undefined };
          },
          1_000,
        );
        expect(end).toEqual({ kind: 'complete' });
        expect(seen.size).toBe(n);
        // A blank end behind a full page is looked at again, with the page before it.
        const [before = 0, last = 0] = pages.slice(-2);
        const looks = pages.length > 1 && last === 0 && before === 5 ? 2 : 0;
        // A blank page behind a full one that names a next one is looked at once more, five times at most.
        const blank = pages.slice(1, -1).filter((size, at) => size === 0 && pages[at] === 5).length;
        expect(calls).toBe(pages.length + looks + Math.min(5, blank));
      }),
    );
  });

  it('never end green and never go on for ever when a page leads back to an earlier one', () => {
    fc.assert(
      // A page of one row that leads back to itself is the border of a list by time or id: its end.
      fc.property(fc.nat({ max: 60 }), fc.integer({ min: 2, max: 60 }), (before, length) => {
        const { end, pages } = walk(
          cursorList,
          ({ cursor }) => {
            const at = Number(cursor ?? 0);
            const next = at + 1 < before + length ? at + 1 : before;
            return { rows: [`r${at}`], next: String(next) };
          },
          1_000,
        );
        expect(end).toMatchObject({ kind: 'looped' });
        // Brent: at most three times the way into the loop and once round it.
        expect(pages).toBeLessThanOrEqual(3 * (before + length) + 3);
      }),
    );
  });

  it('are noticed by their rows when every token is new', () => {
    fc.assert(
      fc.property(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 30 }), (before, length) => {
        const { end } = walk(
          cursorList,
          ({ cursor }) => {
            const at = Number(cursor ?? 0);
            const shown = at < before ? at : before + ((at - before) % length);
            return { rows: [`r${shown}`], next: String(at + 1) };
          },
          400,
        );
        expect(end).toMatchObject({ kind: 'looped' });
      }),
    );
  });

  it('end truncated when more is promised but no next page is named', () => {
    const { end } = walk({ ...cursorList, hasMore: () => true }, () => ({ rows: ['a'] }), 10);
    expect(end).toMatchObject({ kind: 'truncated', reason: expect.stringMatching(/names no next page/) });
  });

  it('end where the answer says so, even with a token left', () => {
    const list: Paginate<Page, string> = { ...cursorList, hasMore: () => false };
    expect(walk(list, () => ({ rows: ['a'], next: 'b' }), 10)).toMatchObject({ end: { kind: 'complete' }, pages: 1 });
  });
});

describe('lists by offset with an overlap', () => {
  const overlapping: Paginate<Page, string> = {
    kind: 'offset',
    items: (page) => page.rows,
    pageSize: { start: 20, min: 6 },
    overlap: 5,
  };
  const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), inserts: fc.boolean() });

  it('miss no row that was there all the time, however rows come and go between the pages', () => {
    const changes = fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 150 }), changes, (count, perPage) => {
        const rows = Array.from({ length: count }, (_, n) => `r${n}`);
        let made = count;
        const { end, seen } = walk(
          overlapping,
          ({ offset, size }, page) => {
            for (const { at, inserts } of page === 0 ? [] : (perPage[page - 1] ?? [])) {
              const index = Math.floor(at * rows.length);
              if (inserts) rows.splice(index, 0, `r${made++}`);
              else rows.splice(index, 1);
            }
            return { rows: rows.slice(offset, offset + size) };
          },
          500,
        );
        expect(end).not.toBe('still going');
        if (end !== 'still going' && end?.kind !== 'complete') return; // told, not silent
        const original = new Set(Array.from({ length: count }, (_, n) => `r${n}`));
        expect(rows.filter((row) => original.has(row) && !seen.has(row))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('step back when more rows were deleted than the overlap has, and find what had moved', () => {
    const rows = Array.from({ length: 100 }, (_, n) => `r${n}`);
    const { end, seen, asked } = walk(
      overlapping,
      ({ offset, size }, page) => {
        if (page === 2) rows.splice(0, 12);
        return { rows: rows.slice(offset, offset + size) };
      },
      50,
    );
    expect(end).toEqual({ kind: 'complete' });
    expect(rows.filter((row) => !seen.has(row))).toEqual([]);
    expect(asked.slice(0, 4).map(({ offset }) => offset)).toEqual([0, 15, 30, 11]);
  });

  it('give up with a reason when the list changes faster than it is read', () => {
    let turn = 0;
    const { end } = walk(
      overlapping,
      ({ offset, size }) => {
        turn++;
        return { rows: Array.from({ length: size }, (_, n) => `t${turn}-${offset + n}`) };
      },
      200,
    );
    expect(end).toMatchObject({ kind: 'truncated', reason: expect.stringMatching(/changes faster than it is read/) });
  });
});

describe('a numbered list walked by one lane', () => {
  const kinds = fc.constantFrom('page' as const, 'offset' as const);

  it('does not end at a short page that says that more follows, whatever its definition says of short pages', () => {
    const rows = Array.from({ length: 23 }, (_, n) => `r${n}`);
    const { end, seen } = walk(
      { kind: 'offset', items: (page) => page.rows, lastPage: 'short', advanceBy: 'size', pageSize: { start: 5 } },
      ({ offset, size }) => {
        const cut = rows.slice(offset, offset + size);
        // One is left out of the second page after it was cut.
        return { rows: offset === 5 ? cut.slice(1) : cut, ...(offset + size < 23 ? { next: 'more' } : {}) };
      },
      20,
    );
    expect({ end, seen: seen.size }).toEqual({ end: { kind: 'complete' }, seen: 22 });
  });

  it('is read to its end with few calls too many but the one that sees the end', () => {
    fc.assert(
      fc.property(
        kinds,
        fc.nat({ max: 120 }),
        fc.integer({ min: 1, max: 30 }),
        fc.option(fc.integer({ min: 1, max: 30 })),
        fc.constantFrom('none', 'exact', 'estimate'),
        fc.boolean(),
        (kind, count, size, cap, total, promises) => {
          const served = Math.min(size, cap ?? size);
          const list: Paginate<Page, string> = {
            kind,
            items: (page) => page.rows,
            pageSize: { start: size },
            lanes: 1,
            ...(total === 'none' ? {} : { total: () => (total === 'exact' ? count : Math.round(count * 1.3)) }),
            totalIs: total === 'exact' ? 'exact' : 'estimate',
            // Each page with rows promises another one.
            ...(promises ? { hasMore: (page) => page.rows.length > 0 } : {}),
          };
          const { end, seen, pages } = walk(
            list,
            ({ offset, size: asked }) => {
              // A server with page numbers multiplies them by the size that it really gives.
              const given = Math.min(asked, served);
              const from = kind === 'page' ? (offset / asked) * given : offset;
              return {
                rows: Array.from({ length: Math.max(0, Math.min(given, count - from)) }, (_, n) => `r${from + n}`),
              };
            },
            500,
          );
          expect(end).toEqual({ kind: 'complete' });
          expect(seen.size).toBe(count);
          const needed = Math.max(1, Math.ceil(count / served));
          // Offsets overlap by a row. Page numbers overlap by asking for slightly smaller pages, which small ones hardly allow.
          const most =
            kind === 'offset' ? Math.ceil(count / Math.max(1, served - 1)) : served < 20 ? 2 * needed : 1.25 * needed;
          // Where pages do not overlap, the front, the middle and the blank page are looked at again.
          expect(pages).toBeLessThanOrEqual(most + (promises ? 7 : 4));
        },
      ),
      {
        numRuns: 500,
        // Capped in silence, and the end is one page on: where it would have been asked for whole is behind the end.
        examples: [
          ['page', 79, 25, 2, 'none', false],
          ['page', 99, 20, 2, 'none', false],
          ['page', 75, 27, 2, 'exact', false],
          ['page', 101, 30, null, 'none', true],
          ['offset', 99, 30, null, 'none', true],
        ],
      },
    );
  });

  it.each(['cursor', 'page', 'offset'] as const)(
    'ends where there is no page, and asks no function about it: %s',
    (kind) => {
      const next = (page: Page) => page.next;
      const paginate = { kind, items: next, next, hasMore: next, total: next, checkpoint: next };
      const list = compilePagination(paginate as unknown as AnyPaginate);
      const asked = list.request(null, 5, undefined);
      const at = {
        position: null,
        asked,
        pages: 0,
        items: 0,
        rows: 0,
        guard: null,
        isLaned: false,
        given: null,
        beyond: 0,
        followed: 0,
        closed: 0,
      };
      const none = {
        response: undefined,
        headers: {},
        url: '',
        input: {},
        itemCount: 0,
        keys: [],
        rowItems: [],
        isEnd: true,
      };
      expect(list.advance({ ...at, isSizable: true }, none).end).toEqual({ kind: 'complete' });
    },
  );

  it('is read again where a page came in the middle, so that a page that was not full came twice', () => {
    const cells = [
      ['a', 'b', 'c', 'd'],
      ['e', 'f', 'g', 'h'],
      ['i', 'j', 'k'],
      ['l', 'm'],
    ];
    const { end, seen } = walk(
      { kind: 'page', items: (page) => page.rows, pageSize: { start: 4 }, overlap: 0 },
      ({ offset }, page) => {
        if (page === 3) cells.splice(2, 0, ['w', 'x', 'y', 'z']);
        return { rows: cells[offset / 4] ?? [] };
      },
      40,
    );
    expect(end).toEqual({ kind: 'complete' });
    expect([...seen].toSorted()).toEqual(cells.flat().toSorted());
  });

  it('is read once where its last page is short, and nothing is left of it', () => {
    const rows = Array.from({ length: 87 }, (_, n) => `r${n}`);
    const { end, seen, asked } = walk(
      { kind: 'offset', items: (page) => page.rows, pageSize: { start: 10 }, overlap: 0 },
      ({ offset, size }) => ({ rows: rows.slice(offset, offset + size) }),
      40,
    );
    expect(end).toEqual({ kind: 'complete' });
    expect(seen.size).toBe(87);
    // Nine pages, what is left of the last one, and three looks.
    expect(asked.map(({ offset }) => offset).slice(9)).toEqual([87, 0, 30, 90]);
  });

  it('asks for sizes that divide the page where a page number must reach into it', () => {
    const pagination = compilePagination({ kind: 'page', items: () => [], pageSize: { start: 100 } });
    const at = (done: number, size: number) => pagination.request({ index: 3, done, size: 100 }, size, undefined);
    expect(at(0, 40)).toMatchObject({ size: 25, number: 1 + 12, offset: 300 });
    expect(at(25, 40)).toMatchObject({ size: 25, number: 1 + 13, offset: 325 });
    expect(at(50, 100)).toMatchObject({ size: 50, number: 1 + 7, offset: 350 });
  });
});

describe('a blank page that ends a list by cursor', () => {
  const list: Paginate<Page, string> = {
    kind: 'cursor',
    items: (page) => page.rows,
    next: (page) => page.next,
    pageSize: { start: 100 },
  };
  /**
   * Pages of so many rows, each of which names the next one, and a blank one behind them. @returns calls that it takes where so much is known
   * of the endpoint.
   */
  const callsWith = (known: { followed: number; closed: number }, ...sizes: readonly number[]): number => {
    const { end, seen, pages } = walk(
      list,
      ({ cursor }) => {
        const at = Number(cursor?.slice(1) ?? 0);
        const rows = Array.from({ length: sizes[at] ?? 0 }, (_, n) => `r${at}-${n}`);
        return { rows, next: at < sizes.length ? `p${at + 1}` : undefined };
      },
      20,
      known,
    );
    expect(end).toEqual({ kind: 'complete' });
    expect(seen.size).toBe(sizes.reduce((sum, size) => sum + size, 0));
    return pages;
  };
  const callsFor = (...sizes: readonly number[]): number => callsWith({ followed: 0, closed: 0 }, ...sizes);

  it('is believed behind a page that nobody has cut, and looked behind once more where it may have been', () => {
    expect(callsFor(12)).toBe(2);
    expect(callsFor(8)).toBe(2);
    expect(callsFor(20, 12)).toBe(3);
    // A round number may be a full page, until a list of as many had ended twice: many accounts may have twenty rows.
    expect(callsFor(20)).toBe(2 + 2);
    expect(callsWith({ followed: 0, closed: 20 }, 20)).toBe(2);
    // As full as a page that had others behind it, and less than that.
    expect(callsWith({ followed: 12, closed: 12 }, 12)).toBe(2 + 2);
    expect(callsWith({ followed: 25, closed: 10 }, 20)).toBe(2);
    // At what was asked for; twice at the same.
    expect(callsFor(100)).toBe(2 + 2);
    expect(callsFor(12, 12)).toBe(3 + 2);
  });
});

describe('ranges', () => {
  it('are halved without a gap and without an overlap, down to single steps', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 1000 }), fc.nat({ max: 500 }), (from, length) => {
        const leaves = (low: number, high: number): number[] => {
          const halves = halve({ from: low, to: high });
          if (!halves) return low === high ? [low] : [];
          return halves.flatMap((half) => leaves(half.from as number, half.to as number));
        };
        expect(leaves(from, from + length)).toEqual(Array.from({ length: length + 1 }, (_, n) => from + n));
      }),
    );
  });

  it('of days stay days, those of times go down to the millisecond', () => {
    // Where the last day means its midnight, the one between two halves would be lost.
    expect(halve({ from: '2024-01-01', to: '2024-01-04' })).toEqual([
      { from: '2024-01-01', to: '2024-01-03' },
      { from: '2024-01-03', to: '2024-01-04' },
    ]);
    expect(halve({ from: '2024-01-01', to: '2024-01-02' })).toEqual([
      { from: '2024-01-01', to: '2024-01-01' },
      { from: '2024-01-02', to: '2024-01-02' },
    ]);
    expect(halve({ from: '2024-01-01', to: '2024-01-04' }, 86_400_000)).toEqual([
      { from: '2024-01-01', to: '2024-01-02' },
      { from: '2024-01-03', to: '2024-01-04' },
    ]);
    expect(halve({ from: '2024-01-01', to: '2024-01-01' })).toBeUndefined();
    expect(halve({ from: '2024-01-01T00:00:00Z', to: '2024-01-01T00:00:01Z' })).toEqual([
      { from: '2024-01-01T00:00:00Z', to: '2024-01-01T00:00:00.500Z' },
      { from: '2024-01-01T00:00:00.500Z', to: '2024-01-01T00:00:01Z' },
    ]);
  });

  it('of times share the time between two parts, unless a step is stated, and come to an end', () => {
    const timeOf = (ms: number): string => new Date(Date.UTC(2024, 0, 1) + ms).toISOString();
    fc.assert(
      fc.property(fc.nat({ max: 300 }), fc.integer({ min: 2, max: 400 }), (length, widest) => {
        const ways = [
          { parts: (range: Range) => halve(range), most: 0 },
          { parts: (range: Range) => cut(range, widest), most: widest - 1 },
        ];
        for (const { parts, most } of ways) {
          const leaves = (range: Range): Range[] => parts(range)?.flatMap(leaves) ?? [range];
          const all = leaves({ from: timeOf(0), to: timeOf(length) });
          expect([all[0]?.from, all.at(-1)?.to]).toEqual([timeOf(0), timeOf(length)]);
          for (const [n, { from, to }] of all.entries()) {
            expect(Date.parse(String(to)) - Date.parse(String(from))).toBeLessThanOrEqual(most);
            // Halves of one millisecond have none to share.
            if (n > 0 && most > 0) expect(from).toBe(all[n - 1]?.to);
          }
        }
      }),
    );
    expect(halve({ from: timeOf(0), to: timeOf(9_999) }, 1_000)).toEqual([
      { from: timeOf(0), to: timeOf(4_000) },
      { from: timeOf(5_000), to: timeOf(9_999) },
    ]);
    const pieces = cut({ from: timeOf(0), to: timeOf(99) }, 50);
    expect(pieces).toEqual([
      { from: timeOf(0), to: timeOf(98) },
      { from: timeOf(98), to: timeOf(99) },
    ]);
  });

  it('that are too wide are cut into as few pieces as can be, without a gap and without an overlap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1000, max: 1000 }),
        fc.nat({ max: 500 }),
        fc.integer({ min: 1, max: 600 }),
        (from, length, widest) => {
          const pieces = (low: number, high: number): (readonly [number, number])[] => {
            const parts = cut({ from: low, to: high }, widest);
            return parts ? parts.flatMap((part) => pieces(part.from as number, part.to as number)) : [[low, high]];
          };
          const found = pieces(from, from + length);
          expect(found.length).toBe(Math.ceil((length + 1) / widest));
          expect(found.every(([low, high]) => high - low + 1 <= widest)).toBe(true);
          expect(found.flatMap(([low, high]) => Array.from({ length: high - low + 1 }, (_, n) => low + n))).toEqual(
            Array.from({ length: length + 1 }, (_, n) => from + n),
          );
        },
      ),
    );
    expect(cut({ from: '2024-01-01', to: '2024-02-10' }, 31 * 86_400_000)).toEqual([
      { from: '2024-01-01', to: '2024-01-31' },
      { from: '2024-01-31', to: '2024-02-10' },
    ]);
    expect(cut({ from: '2024-01-01', to: '2024-01-02' }, 86_400_000)).toEqual([
      { from: '2024-01-01', to: '2024-01-01' },
      { from: '2024-01-02', to: '2024-01-02' },
    ]);
    expect(cut({ from: '2024-01-01T00:00:00Z', to: '2024-01-02T00:00:00Z' }, 86_400_000)).toEqual([
      { from: '2024-01-01T00:00:00Z', to: '2024-01-01T23:59:59.999Z' },
      { from: '2024-01-01T23:59:59.999Z', to: '2024-01-02T00:00:00Z' },
    ]);
    expect(cut({ from: '2024-01-01', to: '2024-01-31' }, 31 * 86_400_000)).toBeUndefined();
    expect(() => cut({ from: 'a', to: 'z' }, 10)).toThrow('a … z has no width, and `widest` is given');
  });
});
