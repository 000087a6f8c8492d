/** Lists that a third party cuts at a number of rows, and lists that happen to have as many. */
import type { Api, Body, Group, HonestyKind } from '../kind.ts';
import { list, type ListOptions } from '../third-party.ts';

const total = (body: Body) => body.total as number;

/** The same kind by page number, by offset and by cursor, in pages of 500 or of 1,000: ten calls are enough to tell. */
function each(
  name: string,
  size: number,
  options: ListOptions & { truth?: HonestyKind['truth']; tells?: number; api?: Partial<Api> },
): Omit<HonestyKind, 'group'>[] {
  const { truth = 'short', tells, api = {}, ...rest } = options;
  return (['page', 'offset', 'cursor'] as const).map((style) => ({
    name: `${name}, by ${style}`,
    truth,
    api: { style, size, ...(tells === undefined ? {} : { total }), ...api },
    world: list({
      by: style === 'cursor' ? 'token' : style,
      body: ({ items, next }) => ({
        items,
        ...(tells === undefined ? {} : { total: tells }),
        ...(style === 'cursor' ? { next: next === null ? null : String(next) } : {}),
      }),
      ...rest,
    }),
  }));
}

const refusal =
  (status: number): NonNullable<ListOptions['pastEnd']> =>
  () => ({
    status,
    body: { message: 'Only the first 1000 results are available' },
  });

export const caps: Group = {
  group: 'caps',
  kinds: [
    ...each('1,000 of 2,600 rows, without a word', 100, { count: () => 2_600, cap: 1_000 }),
    ...each('1,000 of 2,600 rows, 60 a page whatever is asked for', 100, {
      count: () => 2_600,
      cap: 1_000,
      given: () => 60,
    }),
    ...each('1,000 of 2,600 rows, 60 a page, whose size can not be asked for', 100, {
      count: () => 2_600,
      cap: 1_000,
      given: () => 60,
      api: { isFixed: true },
    }),
    ...each('951 to 999 rows, 50 a page, whose size can not be asked for', 100, {
      truth: 'whole',
      count: (random) => 951 + random(49),
      given: () => 50,
      api: { isFixed: true },
    }),
    ...each('1,000 of 2,600 rows; the total says so', 100, { count: () => 2_600, cap: 1_000, tells: 2_600 }),
    ...each('422 behind 1,000 of 2,600 rows', 100, { count: () => 2_600, cap: 1_000, pastEnd: refusal(422) }),
    ...each('10,000 of 23,456 rows, counted up to 10,000 (gte)', 1_000, {
      count: () => 23_456,
      cap: 10_000,
      tells: 10_000,
    }),
    ...each('400 behind 10,000 of 23,456 rows, counted up to 10,000', 1_000, {
      count: () => 23_456,
      cap: 10_000,
      tells: 10_000,
      pastEnd: refusal(400),
    }),
    ...each('a documented cap of 300, of 650 rows', 50, {
      count: () => 650,
      cap: 300,
      api: { always: { resultCap: 300 } },
    }),
    ...each('a documented cap of 300, of 250 rows', 50, {
      truth: 'whole',
      count: () => 250,
      tells: 250,
      api: { always: { resultCap: 300 } },
    }),
    ...each('exactly 1,000 rows, and no more', 100, { truth: 'whole', count: () => 1_000, tells: 1_000 }),
    ...each('more than 1,000 rows', 100, { truth: 'whole', count: (random) => 1_001 + random(200) }),
  ],
};
