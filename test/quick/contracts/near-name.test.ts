/** The name that is meant by a misspelt one. */
import { expect, it } from 'vitest';
import { didYouMean, nearName } from '../../../contracts/operate/near-name.ts';

const KNOWN = ['planner', 'plan', 'github', 'social', 'acct_42', 'acct_7'];

it.each([
  ['planer', 'planner'],
  ['Planner', 'planner'],
  ['pln', 'plan'],
  ['plnaner', 'planner'],
  ['githbu', 'github'],
  ['gith', 'github'],
  ['acct_24', 'acct_42'],
  ['gh', undefined],
  ['stripe', undefined],
  ['', undefined],
])('"%s" is meant as %s', (given, meant) => {
  expect(nearName(given, KNOWN)).toBe(meant);
  expect(didYouMean(given, KNOWN)).toBe(meant === undefined ? '' : `; did you mean ${meant}?`);
});
