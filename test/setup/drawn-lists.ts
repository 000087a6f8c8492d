/**
 * Lists drawn at random: size, pages, what moves, what the total says, how the end looks, and how the definition is written. Left out is
 * what no reader can notice: rows that slip between pages which can't overlap, and cuts that look like the end.
 * Used by: `test/postgres/pagination/honesty.test.ts`.
 */
import * as fc from 'fast-check';
import type { Definition } from '../../bench/honesty/definitions.ts';
import type { Api, Body, EndSign, Row } from '../../bench/honesty/kind.ts';
import type { Job } from '../../bench/honesty/run-kind.ts';
import { list, type ListOptions, type Page } from '../../bench/honesty/third-party.ts';

const MOVES = ['head in', 'head out', 'tail in', 'tail out', 'in', 'out', 'in and out', 'a page in'] as const;
const ENDS = ['blank', 'null', 404, 410, 416, 'last again', 'first again'] as const;
const TOTALS = [
  'none',
  'exact',
  'too low',
  'too high',
  'of the page',
  'left',
  'zero',
  'text',
  'jumping',
  'first page only',
] as const;

export const drawn = fc.record({
  style: fc.constantFrom('cursor', 'keyset', 'link', 'page', 'offset'),
  count: fc.integer({ min: 0, max: 260 }),
  size: fc.integer({ min: 8, max: 60 }),
  /** The server gives no more than this. */
  cap: fc.option(fc.integer({ min: 8, max: 60 })),
  isFixed: fc.boolean(),
  total: fc.constantFrom(...TOTALS),
  totalIs: fc.constantFrom('exact', 'exact', 'estimate'),
  hasMore: fc.constantFrom('none', 'none', 'true'),
  lanes: fc.constantFrom(undefined, undefined, 1, 3, 8),
  lastPage: fc.constantFrom(undefined, 'short'),
  advanceBy: fc.constantFrom(undefined, undefined, 'size'),
  moves: fc.uniqueArray(fc.constantFrom(...MOVES), { maxLength: 3 }),
  movesUntil: fc.integer({ min: 2, max: 20 }),
  /** Every so manieth row is not shown, after pages were cut; 0: none. */
  hidesEvery: fc.constantFrom(0, 0, 0, 2, 3, 7),
  /** An error under 200, or a refusal, behind so many rows. */
  failsBehind: fc.option(fc.integer({ min: 1, max: 260 }), { freq: 5 }),
  failure: fc.constantFrom(400, 422, 'ok: false', 'error', 'null', 'half'),
  end: fc.constantFrom(...ENDS),
  seed: fc.nat(),
});

export type Drawn = typeof drawn extends fc.Arbitrary<infer Of> ? Of : never;

export function jobOf(of: Drawn): Job {
  const { style, seed, lastPage, advanceBy, lanes } = of;
  const isNumbered = style === 'page' || style === 'offset';
  const kind = isNumbered || style === 'link' ? style : 'cursor';
  const api: Api = {
    style: kind,
    isFixed: style === 'page' && of.isFixed,
    ...(style === 'link' ? { next: (body: Body) => body.next } : {}),
    ...(style === 'keyset' ? { next: (body: Body) => body.items.at(-1)?.id } : {}),
  };
  const numbered = {
    ...(lanes === undefined ? {} : { lanes }),
    // Who filters what was cut has short pages in the middle; nobody who knows says that they are the last.
    ...(lastPage === undefined || of.hidesEvery > 0 ? {} : { lastPage }),
    // It says that as many are cut as were asked for.
    ...(advanceBy === undefined || (of.cap ?? of.size) < of.size ? {} : { advanceBy }),
  };
  const definition: Definition = {
    name: JSON.stringify(of),
    sign: 'blank' satisfies EndSign,
    size: of.size,
    isTyped: false,
    options: {
      pageSize: { start: of.size },
      ...(of.total === 'none' ? {} : { total: (body: Body) => body.total, totalIs: of.totalIs }),
      ...(of.hasMore === 'none' || style === 'keyset' ? {} : { hasMore: (body: Body) => body.more }),
      ...(isNumbered ? numbered : {}),
    },
  };
  return {
    kind: { name: `drawn ${style}`, group: 'drawn', truth: 'open', api, world: list(worldOf(of)) },
    definition,
    seed,
  };
}

function worldOf(of: Drawn): ListOptions {
  const { style, count, size, cap, hidesEvery, end } = of;
  // Offsets with a total have eight lanes by default.
  const lanes = of.lanes ?? (style === 'offset' && of.total !== 'none' ? 8 : 1);
  // Many lanes that fail are an outage, and the probes of one take minutes.
  const failsBehind = lanes > 3 ? null : of.failsBehind;
  const isFixed = style === 'page' && of.isFixed;
  const served = Math.min(cap ?? Infinity, isFixed ? size : Infinity);
  return {
    count: () => count,
    by: style === 'page' || style === 'offset' ? style : 'token',
    given: (asked) => Math.min(isFixed ? size : asked, served),
    ...(hidesEvery > 0 ? { hides: (n: number) => n % hidesEvery === 0 } : {}),
    ...(canMove(of) ? { change: changeOf(of) } : {}),
    body: (page) => bodyOf(of, page),
    instead: (ask, self) => {
      const place =
        style === 'page'
          ? (ask.number - 1) * Math.min(ask.size, served)
          : style === 'offset'
            ? ask.offset
            : Number(ask.cursor ?? 0);
      if (style !== 'keyset')
        return failsBehind !== null && place > failsBehind && place < self.rows.length ? failure(of) : undefined;
      const from =
        ask.cursor === undefined ? 0 : self.rows.findIndex(({ n }) => Number(n) > Number(String(ask.cursor).slice(1)));
      return { body: bodyOf(of, self.page(ask, from < 0 ? self.rows.length : from)) };
    },
    pastEnd: (page, self) => {
      if (typeof end === 'number') return { status: end, body: { message: 'nothing there' } };
      if (end === 'null') return { body: { items: null, next: null } };
      const last = Math.floor(Math.max(0, self.rows.length - 1) / page.ask.size) * page.ask.size;
      const from = end === 'last again' ? last : 0;
      return { body: end === 'blank' ? bodyOf(of, page) : bodyOf(of, self.page(page.ask, from)) };
    },
  };
}

/** Rows that slip between pages which can't overlap leave no trace; nor do those behind a cursor that is a place in disguise. */
function canMove({ style, isFixed, lanes = 1, advanceBy, hidesEvery, cap, end }: Drawn): boolean {
  const isWhole =
    hidesEvery === 0 && typeof end !== 'string' ? true : hidesEvery === 0 && (end === 'blank' || end === 'null');
  if (style === 'keyset') return true;
  if (!isWhole || advanceBy === 'size') return false;
  return style === 'offset' || (style === 'page' && !isFixed && lanes === 1 && (cap ?? 8) >= 8);
}

function changeOf({ style, moves, movesUntil, size }: Drawn): NonNullable<ListOptions['change']> {
  return (rows, random, nth) => {
    if (moves.length === 0 || nth > movesUntil) return;
    const move = moves[random(moves.length)] as (typeof MOVES)[number];
    const made = (n = 0): Row => ({ id: `new${nth}-${n}`, n: style === 'keyset' ? 100_000 + nth * 1_000 + n : -1 });
    // A keyset is in the order of its keys: new rows are the last ones.
    if (style === 'keyset' && /in/.test(move)) return void rows.push(made());
    if (move === 'head in') rows.unshift(made(0), made(1));
    if (move === 'head out') rows.shift();
    if (move === 'tail in') rows.push(made(0), made(1));
    if (move === 'tail out') rows.pop();
    if (move === 'in' || move === 'in and out') rows.splice(random(rows.length + 1), 0, made());
    if ((move === 'out' || move === 'in and out') && rows.length > 0) rows.splice(random(rows.length), 1);
    if (move === 'a page in' && nth === 3) rows.unshift(...Array.from({ length: size }, (_, n) => made(n)));
  };
}

function bodyOf({ style, total, hasMore, count }: Drawn, { items, from, next, isLast, total: rows, ask }: Page): Body {
  const says = {
    none: undefined,
    exact: rows,
    'too low': Math.floor(rows / 2),
    'too high': rows + 5,
    'of the page': items.length,
    left: rows - from,
    zero: 0,
    text: String(rows),
    jumping: count + (ask.nth % 3) * 10 - 10,
    'first page only': from === 0 ? rows : undefined,
  }[total];
  return {
    items,
    ...(says === undefined ? {} : { total: says }),
    ...(hasMore === 'none' ? {} : { more: !isLast }),
    ...(style === 'cursor' ? { next: next === null ? null : String(next) } : {}),
    ...(style === 'link' ? { next: next === null ? null : `?cursor=${next}&limit=${ask.size}` } : {}),
  };
}

function failure({ failure: what }: Drawn) {
  if (typeof what === 'number') return { status: what, body: { message: 'refused' } };
  if (what === 'half') return { body: '{"items":[{"id":"r' };
  if (what === 'null') return { body: { items: null } };
  return { body: what === 'error' ? { error: 'oops', items: [] } : { ok: false } };
}
