import { expect, it } from 'vitest';
import { keepLatest } from '../../../contracts/values/keep-latest.ts';

it('what is used again is forgotten after all that was used before that', () => {
  const map = new Map<string, number>();
  for (const [n, key] of ['a', 'b', 'a', 'c'].entries()) keepLatest(map, key, n, 2);
  expect([...map]).toEqual([
    ['a', 2],
    ['c', 3],
  ]);
});
