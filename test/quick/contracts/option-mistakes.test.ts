/** What is said of an option of another type than is wanted: never its value, which may be a secret in the wrong place. */
import { expect, it } from 'vitest';
import {
  missingFunctions,
  notAnObject,
  otherKind,
  outOfRange,
  shapeOf,
  wrongBooleans,
  wrongFunctions,
  wrongObject,
} from '../../../contracts/values/option-mistakes.ts';

const SECRET = 'postgres://app:hunter2@db/prod';

it.each([
  [SECRET, 'a string'],
  [[SECRET], 'a list'],
  [null, 'null'],
  [7n, 'a bigint'],
])('an option of another type is told by its type alone', (x, kind) => {
  expect([
    ...missingFunctions({ x }, ['x']),
    ...wrongFunctions({ x }, ['x']),
    ...outOfRange({ x }, ['x'], 1),
    ...wrongBooleans({ x }, ['x']),
    ...wrongObject({ x }, 'x', '{ a: 1 }'),
  ]).toEqual([
    `\`x\` is ${kind}; it must be a function`,
    `\`x\` is ${kind}; it must be a function`,
    `\`x\` is ${kind}; it must be a number, 1 or more`,
    `\`x\` is ${kind}; it must be true or false`,
    `\`x\` is ${kind}; it must be an object, e.g. { a: 1 }`,
  ]);
  expect([notAnObject(x), otherKind(x, 'nodes'), shapeOf(x)]).toEqual([`${kind}.`, `${kind}.`, kind]);
});

it('an object of other fields is told by their names, and a number that is too small by itself', () => {
  expect(shapeOf({ token: SECRET, at: 1 })).toBe('an object of token, at');
  expect(outOfRange({ x: 0 }, ['x'], 1)).toEqual(['`x` is 0; it must be a number, 1 or more']);
  expect([...wrongFunctions({}, ['x']), ...wrongObject({}, 'x', '')]).toEqual([]);
  expect(missingFunctions({}, ['x'])).toEqual(['`x` is missing; it must be a function']);
});
