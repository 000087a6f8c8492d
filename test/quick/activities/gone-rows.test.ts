/** How many gone rows a list counts where its pages turn out not to overlap, and rows that come twice. Whole lists: `test/postgres/pagination/gone-rows.test.ts`. */
import { describe, expect, it } from 'vitest';
import { rowsOfPage } from '../../../activities/page/page-rows.ts';
import { withGone } from '../../../providers/pagination/gone-rows.ts';
import type { ListState } from '../../../providers/pagination/step.ts';
import { fallBack } from '../../../providers/pagination/walks/fall-back.ts';

/** Two gone rows are counted; this page begins with the last row of the one before and has a third. */
const at: ListState = {
  position: { offset: 4, border: ['r4'], borderAt: 4, size: 5 },
  asked: { cursor: undefined, url: undefined, behind: undefined, offset: 4, number: 2, size: 5, range: undefined },
  pages: 1,
  items: 5,
  rows: 3,
  guard: { gone: 2 },
  isLaned: false,
  given: null,
  isSizable: true,
  beyond: 0,
  followed: 0,
  closed: 0,
};
const rows = ['r4', 'r5', 'r6', 'r7', 'r8'].map((key) => ({ key, isGone: key === 'r6' }));

it.each([
  ['on behind the page that came', 9, 1, 3],
  ['from the last border, so that the page comes again', undefined, 5, 2],
  ['from its beginning, where a row may come twice', 0, 5, 0],
  ['from the middle of a page, where a row may come twice', 8, 3, 0],
])('gone rows of a list that is read %s', (_, reached, size, gone) => {
  const next = withGone(at, fallBack(at, {}, reached, size), rows);
  expect(Number(next.guard['gone'] ?? 0)).toBe(gone);
});

describe('a row that comes twice in a page', () => {
  const page = (...items: readonly object[]) =>
    items.map((item) => ({ key: String((item as { id: number }).id), item, data: item }));
  const [old, newer] = [
    { id: 1, name: 'a' },
    { id: 1, name: 'b', size: 2 },
  ];

  it('is a newer version of itself where the list tells changes, and two rows under one key elsewhere', () => {
    expect(rowsOfPage(page(old, newer), 0, true)).toMatchObject({ data: [newer], flaws: null });
    expect(rowsOfPage(page(old, newer), 0)).toMatchObject({ data: [newer], flaws: { count: 1 } });
  });

  it.each([
    ['has other fields', { id: 1, title: 'a' }, { id: 1, text: 'b' }],
    ['has another id', { id: '1', name: 'a' }, { id: 1, name: 'b' }],
  ])('is another one, also there, where it %s', (_, first, second) => {
    expect(rowsOfPage(page(first, second), 0, true)).toMatchObject({ flaws: { count: 1 } });
  });
});
