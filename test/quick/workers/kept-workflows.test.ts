/** The heap of a workflow thread can't be looked at from outside: what it keeps is bounded by number. */
import { expect, it } from 'vitest';
import { keptWorkflows } from '../../../workers/capacity/slots.ts';

const MIB = 2 ** 20;

it.each([
  ['few calls at once', 10, 4_144 * MIB, 500],
  ['many', 1_000, 4_144 * MIB, 4_000],
  ['more than the heap holds', 2_000, 4_144 * MIB, 5_801],
  ['a small heap', 200, 256 * MIB, 358],
  ['hardly any heap', 200, MIB / 4, 1],
])('%s', (_name, concurrency, heapLimit, expected) => {
  expect(keptWorkflows(concurrency, heapLimit)).toBe(expected);
});

it('this process has room for what is wanted by default', () => {
  expect(keptWorkflows(200)).toBe(800);
});
