import { describe, expect, it } from 'vitest';
import { createNewRows } from '../../../activities/page/insert-hint.ts';

describe('what is expected of the next page of a resource', () => {
  const expectedOf = (pages: number, newRows = createNewRows(), areAllNew = false) => {
    let expected = 0;
    for (let page = 0; page < pages; page++) {
      if (!newRows.expected('a', 'rows')) continue;
      expected++;
      newRows.told('a', 'rows', areAllNew);
    }
    return expected;
  };

  it('is new rows, as long as they come', () => {
    expect(expectedOf(100, createNewRows(), true)).toBe(100);
  });

  it('is nothing for twice as many pages after each disappointment', () => {
    expect(expectedOf(1)).toBe(1);
    expect(expectedOf(11)).toBe(1);
    expect(expectedOf(12)).toBe(2);
    expect(expectedOf(32)).toBe(2);
    expect(expectedOf(33)).toBe(3);
    expect(expectedOf(10_000)).toBeLessThan(20);
  });

  it('is new rows again when they have come once, and is known of each resource alone', () => {
    const newRows = createNewRows();
    newRows.told('a', 'rows', false);
    expect(newRows.expected('a', 'others')).toBe(true);
    expect(newRows.expected('b', 'rows')).toBe(true);
    expect(newRows.expected('a', 'rows')).toBe(false);
    newRows.told('a', 'rows', true);
    expect(expectedOf(100, newRows, true)).toBe(100);
  });
});
