/** Lists whose rows come, go and move while they are read. */
import { randomOf, type Ask, type Body, type Group, type HonestyKind, type Random, type Row } from '../kind.ts';
import { list, type ListOptions } from '../third-party.ts';

type Change = NonNullable<ListOptions['change']>;

/** Calls after which the list stands still: no reader catches up with one that never does. */
const MOVES_FOR = 6;
const coming = (nth: number, n: number): Row => ({ id: `new${nth}-${n}`, n: -1 });
const some = (random: Random, most = 3): number[] => Array.from({ length: 1 + random(most) }, (_, n) => n);
const anywhere = (rows: readonly Row[], random: Random): number => random(rows.length + 1);

const changes: Readonly<Record<string, Change>> = {
  'rows come in at the head': (rows, random, nth) => void rows.unshift(...some(random).map((n) => coming(nth, n))),
  'rows are removed at the head': (rows, random) => void rows.splice(0, some(random).length),
  'a page of rows comes in at the head': (rows, _, nth) =>
    nth === 3 && void rows.unshift(...Array.from({ length: 100 }, (__, n) => coming(nth, n))),
  'rows are added at the tail': (rows, random, nth) => void rows.push(...some(random).map((n) => coming(nth, n))),
  'rows are removed at the tail': (rows, random) => void rows.splice(rows.length - some(random).length),
  'rows come in anywhere': (rows, random, nth) => void rows.splice(anywhere(rows, random), 0, coming(nth, 0)),
  'rows are removed anywhere': (rows, random) => void rows.splice(random(rows.length), 1),
  'rows come and go': (rows, random, nth) => {
    rows.splice(anywhere(rows, random), 0, coming(nth, 0));
    rows.splice(random(rows.length), 1);
  },
  'rows jump to the head': (rows, random) => void rows.unshift(...rows.splice(random(rows.length), 1)),
  'the list is turned round': (rows, _, nth) => nth === 3 && void rows.splice(0, rows.length, ...rows.toReversed()),
};

/** A number for a row, another one for each salt. */
const drawnFor = ({ n }: Row, salt: number): number => randomOf(Number(n) * 7_919 + salt * 104_729)(1_000_000);

/** How rows of one time are told apart: not at all, or by what the row itself does not say. */
const ties: Readonly<Record<string, (ask: Ask) => number>> = {
  'another way at each call': ({ nth }) => nth,
  'by as many rows as are asked for and before them': ({ offset, number, size, cursor }) =>
    offset + number * size + size + Number(cursor ?? 0),
  'another way by each of two replicas in turn': ({ nth }) => nth % 2,
};
const TIED_ROWS = 7;
const tiedStyles = {
  'by page': { style: 'page' },
  'by page, the size fixed': { style: 'page', isFixed: true },
  'by offset': { style: 'offset' },
  'by a cursor that counts': { style: 'cursor' },
} as const;

const styles = {
  'by page': { style: 'page' },
  'by page, the size fixed': { style: 'page', isFixed: true },
  'by offset': { style: 'offset' },
} as const;

export const moving: Group = {
  group: 'lists that move',
  kinds: [
    ...Object.entries(changes).flatMap(([what, change]) =>
      Object.entries(styles).map(([how, api]): Omit<HonestyKind, 'group'> => ({
        name: `${what}, ${how}`,
        truth: 'whole',
        isMoving: true,
        api: { ...api, total: (body: Body) => body.total },
        world: list({
          by: api.style,
          change: (rows, random, nth) => {
            if (nth <= MOVES_FOR && rows.length > 10) change(rows, random, nth);
          },
          body: ({ items, total }) => ({ items, total }),
        }),
      })),
    ),
    ...Object.entries(ties).flatMap(([what, tie]) =>
      Object.entries(tiedStyles).map(([how, api]): Omit<HonestyKind, 'group'> => ({
        name: `rows that share a time in order ${what}, ${how}`,
        truth: 'open',
        isMoving: true,
        api,
        world: list({
          by: api.style === 'cursor' ? 'token' : api.style,
          instead: (ask, { rows }) => {
            const time = (row: Row): number => Math.floor(Number(row['n']) / TIED_ROWS);
            const salt = tie(ask);
            rows.sort((a, b) => time(a) - time(b) || drawnFor(a, salt) - drawnFor(b, salt));
            return undefined;
          },
        }),
      })),
    ),
    // Sorted by nothing, for ever: it must end, and not complete where rows are missing.
    ...Object.entries(styles).map(([how, api]): Omit<HonestyKind, 'group'> => ({
      name: `another order at each call, ${how}`,
      truth: 'open',
      isMoving: true,
      api,
      world: list({
        by: api.style,
        change: (rows, _, nth) =>
          void rows.sort((a, b) => ((Number(a.n) * 31 + nth * 17) % 997) - ((Number(b.n) * 31 + nth * 17) % 997)),
      }),
    })),
  ],
};
