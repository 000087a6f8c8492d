/**
 * The usual list of a third party, with whatever is unusual about one changed. Used by: the files of `kinds`.
 * Next: `kind.ts` says what a world is.
 */
import type { FakeAnswer } from '../../testing/fake-api/answer.ts';
import type { Ask, Body, EndSign, Random, Row, World } from './kind.ts';

/** A page as it was cut. */
export interface Page {
  readonly ask: Ask;
  readonly items: readonly Row[];
  /** Rows before it, and behind the next one's beginning. */
  readonly from: number;
  readonly total: number;
  readonly isLast: boolean;
  /** Where the next page begins; null on the last one. */
  readonly next: number | null;
}

export interface ListOptions {
  /** Rows of the list. Default: some pages of 100, a full last page as often as a short one. */
  readonly count?: (random: Random) => number;
  /** Most rows in a page, whatever is asked for; a function is given what is asked for. Default as asked. */
  readonly given?: number | ((asked: number, random: Random) => number);
  readonly by?: 'token' | 'page' | 'offset';
  readonly firstPage?: number;
  readonly row?: (n: number) => Row;
  /** Rows behind this one can't be reached. */
  readonly cap?: number;
  /** Rows that are left out of the pages after these were cut: nobody sees them. */
  readonly hides?: (n: number) => boolean;
  /** Changes the rows before a call behind the first. */
  readonly change?: (rows: Row[], random: Random, nth: number) => void;
  /** Default `{ items }`, with `next` where pages have tokens. */
  readonly body?: (page: Page) => unknown;
  /** The whole answer, where it is more than a body. */
  readonly answer?: (page: Page, random: Random) => FakeAnswer | undefined;
  /** Page numbers and offsets behind the end. Default a page without rows. */
  readonly pastEnd?: (page: Page, list: List) => FakeAnswer;
  /** Instead of the page; undefined: the page. Answers that no reader can avoid are added to the fewest calls. */
  readonly instead?: (ask: Ask, list: List) => FakeAnswer | Promise<FakeAnswer> | undefined;
  readonly fewest?: (rows: number, sign: EndSign, size: number) => number;
}

export interface List {
  readonly rows: Row[];
  readonly random: Random;
  page(ask: Ask, from: number): Page;
  bodyOf(page: Page): unknown;
  /** Answers that brought no page and that no reader can avoid. */
  refusals: number;
}

export const row = (n: number): Row => ({ id: `r${n}`, n });

/** So many pages that the last one is full, or has one row more or less, or any number. */
export function aroundPages(size: number, most = 4): (random: Random) => number {
  return (random) =>
    size * (2 + random(most - 1)) + ([0, 1, -1, 0] as const)[random(4)]! + [0, random(size)][random(2)]!;
}

export function list(options: ListOptions = {}): (random: Random) => World {
  const { count = aroundPages(100), given, by = 'token', firstPage = 1, row: rowAt = row, hides } = options;
  return (random) => {
    const rows = Array.from({ length: count(random) }, (_, n) => rowAt(n));
    const first = new Set(rows.filter(({ n }) => !hides?.(Number(n))).map(({ id }) => String(id)));
    const gone = new Set<string>();
    const reachable = (): number => Math.min(rows.length, options.cap ?? Infinity);
    const servedOf = (asked: number): number =>
      typeof given === 'function' ? given(asked, random) : Math.min(asked, given ?? asked);
    const self: List = {
      rows,
      random,
      refusals: 0,
      page: (ask, from) => {
        const size = servedOf(ask.size);
        const end = Math.min(from + size, reachable());
        const cut = rows.slice(from, Math.max(from, end));
        const isLast = end >= reachable();
        const items = hides ? cut.filter(({ n }) => !hides(Number(n))) : cut;
        return { ask, items, from, total: rows.length, isLast, next: isLast ? null : end };
      },
      bodyOf: (page) => options.body?.(page) ?? defaultBody(page, by),
    };
    const answer = (ask: Ask): FakeAnswer | Promise<FakeAnswer> => {
      if (ask.nth > 1) {
        options.change?.(rows, random, ask.nth);
        const left = new Set(rows.map(({ id }) => String(id)));
        for (const id of first) if (!left.has(id)) gone.add(id);
      }
      const instead = options.instead?.(ask, self);
      if (instead) return instead;
      const from =
        by === 'page'
          ? (ask.number - firstPage) * servedOf(ask.size)
          : by === 'offset'
            ? ask.offset
            : Number(ask.cursor ?? 0);
      const page = self.page(ask, from);
      if (from > 0 && from >= reachable() && options.pastEnd) return options.pastEnd(page, self);
      return options.answer?.(page, random) ?? { body: self.bodyOf(page) };
    };
    return {
      answer,
      stood: () => [...first].filter((id) => !gone.has(id)),
      fewest: (sign, size) => {
        const served = typeof given === 'function' ? given(size, () => 0) : Math.min(size, given ?? size);
        const pages = options.fewest?.(reachable(), sign, size) ?? fewestPages(reachable(), served, sign);
        return pages + self.refusals;
      },
    };
  };
}

function defaultBody({ items, next }: Page, by: string): Body {
  return by === 'token' ? { items, next: next === null ? null : String(next) } : { items };
}

/** Pages of a list, and what shows its end. */
export function fewestPages(rows: number, size: number, sign: EndSign): number {
  if (rows === 0) return 1;
  if (sign === 'told') return Math.ceil(rows / size);
  return sign === 'short' ? Math.floor(rows / size) + 1 : Math.ceil(rows / size) + 1;
}
