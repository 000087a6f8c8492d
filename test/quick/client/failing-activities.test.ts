import { describe, expect, it } from 'vitest';
import { failingSteps } from '../../../client/waits/failing-activities.ts';

const NOW = 1_800_000_000_000;
const step = (name: string, attempt: number, inMs: number, message?: string, type = 'Error') => ({
  activityType: { name },
  attempt,
  scheduledTime: { seconds: (NOW + inMs) / 1_000, nanos: 0 } as never,
  ...(message === undefined ? {} : { lastFailure: { message, applicationFailureInfo: { type } } }),
});

describe('the steps of a workflow that fail', () => {
  it('are told one by one, with how often and when they are tried again', () => {
    const steps = [step('openRun', 8, 12_000, 'no sync "a"'), step('finishNode', 2, -1_000, 'relation\nis gone')];
    expect(failingSteps(steps, NOW)).toEqual([
      { calls: 0, text: 'openRun has failed 7 times: no sync "a"; next attempt in 12 s' },
      { calls: 0, text: 'finishNode has failed once: relation\nis gone; it is tried again now' },
    ]);
  });

  it('are told together when they say the same', () => {
    const steps = [
      step('fetchPage', 3, 9_000, 'no key'),
      step('fetchPage', 5, 4_000, 'no key'),
      step('fetchPage', 2, 2_000, 'other'),
    ];
    expect(failingSteps(steps, NOW)).toEqual([
      { calls: 2, text: '2 × fetchPage have failed, up to 4 times each: no key; next attempt in 4 s' },
      { calls: 1, text: 'fetchPage has failed once: other; next attempt in 2 s' },
    ]);
  });

  it('are not said to have failed so often where the last attempt was cut off, and those before it may have waited', () => {
    const lastFailure = { message: 'activity Heartbeat timeout', timeoutFailureInfo: {} };
    const cut = (inMs: number) => ({ ...step('fetchPage', 13, inMs), lastFailure });
    const why = 'not ended in time: its worker was killed, or is too busy';
    expect(failingSteps([cut(17_000)], NOW)).toEqual([
      { calls: 1, text: `fetchPage was ${why}; next attempt in 17 s` },
    ]);
    expect(failingSteps([cut(17_000), cut(9_000)], NOW)).toEqual([
      { calls: 2, text: `2 × fetchPage were ${why}; next attempt in 9 s` },
    ]);
  });

  it('are not said to have failed where the worker itself makes no call', () => {
    const steps = [step('fetchPage', 4, 2_000, 'its memory is nearly full', 'NoRoom')];
    expect(failingSteps(steps, NOW)).toEqual([
      { calls: 1, text: 'fetchPage waits: its memory is nearly full; next attempt in 2 s' },
    ]);
    expect(failingSteps([...steps, ...steps], NOW)).toEqual([
      { calls: 2, text: '2 × fetchPage wait: its memory is nearly full; next attempt in 2 s' },
    ]);
  });

  it('are not those that wait, that the third party fails, or that have not failed', () => {
    const steps = [
      step('fetchPage', 1, 0),
      step('fetchPage', 9, 500, 'a limit', 'Waiting'),
      step('fetchPage', 3, 500, '503', 'ThirdPartyFailed'),
    ];
    expect(failingSteps(steps, NOW)).toEqual([]);
  });
});
