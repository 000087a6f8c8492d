import { describe, expect, it } from 'vitest';
import { endWithoutCheckpoint, noteCheckpoint } from '../../../activities/page/without-checkpoint.ts';
import type { Attempt } from '../../../activities/sync/attempt.ts';
import { COMPLETE, type Step } from '../../../providers/pagination/step.ts';

interface Case {
  readonly since?: string | undefined;
  readonly incremental?: unknown;
  readonly unit?: object;
  readonly moreTold?: boolean;
  readonly step?: Partial<Step>;
  readonly came?: number;
}

describe('a list that is asked from a checkpoint and ends without one for the next run', () => {
  const endOf = ({ incremental = 'checkpoint', unit = {}, moreTold = true, step = {}, came = 3, ...more }: Case) => {
    const attempt = {
      node: { endpoint: { name: 'rows', paginate: { guards: { 'more-told': moreTold } } }, options: { incremental } },
      unit: { isLaned: false, part: '', rows: 0, ...unit },
      since: 'since' in more ? more.since : 'token-1',
    } as unknown as Attempt;
    return endWithoutCheckpoint(attempt, { end: COMPLETE, guard: {}, split: null, ...step } as Step, came)?.kind;
  };

  it.each<[string, Case]>([
    ['its only page has rows', {}],
    ['an earlier page has had rows', { came: 0, unit: { rows: 1 } }],
  ])('is truncated where %s', (_, of) => expect(endOf(of)).toBe('truncated'));

  it.each<[string, Case]>([
    ['it goes on', { step: { end: null } }],
    ['it has come to its cap', { step: { end: { kind: 'capped', reason: 'cap' } } }],
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
    ['it is asked for all', { since: undefined }],
    ['it is asked from a watermark', { incremental: { field: () => null } }],
    ['a lane ends, and another one may have brought it', { unit: { isLaned: true } }],
    ['a part ends, and another one may have brought it', { unit: { part: '0' } }],
    ['it has no rows', { came: 0 }],
    ['an earlier page has brought one', { step: noteCheckpoint({ guard: {} } as Step, { checkpoint: 'token-2' }) }],
    ['the guard is switched off', { moreTold: false }],
  ])('ends as it does where %s', (_, of) => expect(endOf(of)).toBeUndefined());

  it('has brought none where nothing is kept of a page, or only its validators', () => {
    const step = { guard: { most: 3 } } as unknown as Step;
    expect(noteCheckpoint(step, null)).toBe(step);
    expect(noteCheckpoint(step, { etag: '"1"' })).toBe(step);
    expect(noteCheckpoint(step, { checkpoint: 'token-2' }).guard).toEqual({ most: 3, checkpoint: 1 });
  });
});
