import { describe, expect, it } from 'vitest';
import { toWait } from '../../client/waits/run-waits.ts';
import type { WaitRow } from '../../db/index.ts';

const lists: WaitRow = {
  kind: 'queue',
  node: 'posts',
  key: 'social/app',
  calls: 8,
  firstInMs: -3,
  lastInMs: 2_000,
  used: null,
  max: null,
  perMs: null,
  ratePerSecond: 20,
  blockedReason: null,
  blockedInMs: 0,
  isPaused: false,
  pausedReason: null,
  isProbing: false,
  isRecovering: false,
  isShut: false,
  attempts: 0,
  example: '',
};
const gate: WaitRow = { ...lists, kind: 'gate', node: null, key: 'social/*', calls: 0, isProbing: true };

describe('what a run waits for, in words', () => {
  it('names a time for lists only while their provider lets calls through', () => {
    expect(toWait(lists)).toMatchObject({
      firstInMs: 0,
      lastInMs: 2_000,
      text: 'posts: 8 lists wait for social/app, which gives 20 calls a second; the first goes on in 0.0 s, the last in 2.0 s',
    });
    const shut = toWait({ ...lists, isShut: true });
    expect(shut.text).toBe('posts: 8 lists wait for social/app, which gives 20 calls a second');
    expect(shut).not.toHaveProperty('firstInMs');
    expect(shut).not.toHaveProperty('lastInMs');
  });

  it('says when a provider is asked again, and that it is back', () => {
    const failing = 'social is failing; one call at a time finds out whether it is back, the next';
    expect(toWait({ ...gate, firstInMs: 700 }).text).toBe(`${failing} in 0.7 s`);
    expect(toWait({ ...gate, firstInMs: 0 }).text).toBe(`${failing} now`);
    expect(toWait({ ...gate, firstInMs: 0, lastInMs: 12_300, isRecovering: true }).text).toBe(
      'social is back after an outage; calls come back by degrees, all of them in 12.3 s',
    );
  });
});
