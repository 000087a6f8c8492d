import { describe, expect, it } from 'vitest';
import { ifShrunken } from '../../../activities/page/shrunken-list.ts';
import type { Attempt } from '../../../activities/sync/attempt.ts';
import { compilePagination, type AnyPaginate } from '../../../providers/pagination/compile.ts';
import { COMPLETE, type Step } from '../../../providers/pagination/step.ts';

interface Case {
  readonly paginate?: object;
  readonly unit?: object;
  readonly more?: object;
  readonly step?: object;
  readonly options?: object;
}

describe('a list that may have lost its next page', () => {
  const ifLess = ({ paginate = {}, unit = {}, more = {}, step = {}, options = {} }: Case) => {
    const list = { kind: 'cursor', items: () => [], next: () => undefined, ...paginate } as AnyPaginate;
    const attempt = {
      node: { endpoint: { name: 'rows', paginate: compilePagination(list) }, options },
      unit: { isLaned: false, part: '', rows: 40, items: 60, pages: 2, position: null, guard: null, ...unit },
      asked: { offset: 0, size: 100 },
      ...more,
    } as unknown as Attempt;
    const next = { end: COMPLETE, guard: { looks: 2, most: 50 }, split: null, total: null, ...step } as unknown as Step;
    return ifShrunken(attempt, next, 7);
  };

  it('is read again as one that has read what came so far, and keeps how often it was looked at', () => {
    expect(ifLess({})).toEqual({
      least: 20,
      share: 0.5,
      ofMembers: false,
      position: null,
      guard: { begunAgain: 1, itemsBefore: 67, looks: 2 },
    });
    expect(ifLess({ options: { deletions: 'full-pass' } })).toMatchObject({ ofMembers: true });
    expect(ifLess({ options: { deletions: 'told' } })).toMatchObject({ ofMembers: false });
  });

  it('is read in order again where its pages have numbers', () => {
    const again = ifLess({ paginate: { kind: 'page', next: undefined } });
    expect(again).toMatchObject({ position: { index: 0, size: 50, pass: 2 } });
    // The third party may give smaller pages by now.
    expect(again?.guard).not.toHaveProperty('most');
  });

  it.each<[string, Case]>([
    ['it goes on', { step: { end: null } }],
    ['it does not end as complete', { step: { end: { kind: 'capped', reason: 'cap' } } }],
    [
      'it is split',
      {
        step: {
          split: [
            { from: 1, to: 2 },
            { from: 3, to: 4 },
          ],
        },
      },
    ],
    ['its total is told', { step: { total: 67 } }],
    ['it is asked for what has changed', { more: { since: '2024-01-01' } }],
    ['it is a part of a range', { unit: { part: '0' } }],
    ['it is one page', { paginate: { kind: 'single', next: undefined } }],
    ['lanes read it', { paginate: { kind: 'offset', next: undefined }, unit: { isLaned: true } }],
    [
      'it was read in another way again',
      { paginate: { kind: 'page', next: undefined }, unit: { position: { pass: 2 } } },
    ],
    ['it is the result of a job', { more: { job: {} } }],
    ['the guard is switched off', { paginate: { guards: { 'missing-rows': false } } }],
    ['it was read on behind a row', { unit: { position: { behind: 'r7' } } }],
    ['it was read again', { unit: { guard: { begunAgain: 1 } } }],
  ])('is believed where %s', (_, of) => expect(ifLess(of)).toBeNull());
});
