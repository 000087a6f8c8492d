import { describe, expect, it } from 'vitest';
import { heldBy } from '../../../client/waits/held-runs.ts';
import { openCalls } from '../../../client/waits/open-calls.ts';
import { toWait } from '../../../client/waits/run-waits.ts';
import { standingText, stateOf, type LimitStanding } from '../../../contracts/limits/limit-words.ts';
import type { WaitRow } from '../../../db/index.ts';

const limit: LimitStanding = {
  key: 'social/app/app',
  kind: 'learned',
  used: null,
  max: null,
  declaredMax: null,
  perMs: null,
  clock: null,
  usedByOthers: 0,
  ratePerSecond: 20,
  isOverridden: false,
  pausedAt: null,
  pausedReason: null,
  blockedForMs: 0,
  blockedReason: null,
  isHeld: false,
  probeInMs: 0,
  failingPhase: null,
  failingSince: null,
  failingReason: null,
  backInMs: 0,
};
const window: LimitStanding = { ...limit, kind: 'window', used: 97, max: 100, perMs: 60_000, ratePerSecond: null };
const since = '2026-03-01T00:00:00.000Z';
const gate: LimitStanding = { ...limit, key: 'social/*', kind: 'gate', ratePerSecond: null, isHeld: true };
const lists: WaitRow = {
  kind: 'queue',
  node: 'posts',
  limit,
  calls: 8,
  firstInMs: -3,
  lastInMs: 2_000,
  isShut: false,
  attempts: 0,
  reading: null,
  example: '',
  error: null,
};
const gateWait = (standing: Partial<LimitStanding>): WaitRow => ({
  ...lists,
  kind: 'gate',
  node: null,
  calls: 0,
  limit: { ...gate, ...standing },
});

describe('what a run waits for, in words', () => {
  it('names a time for lists only while their provider lets calls through', () => {
    expect(toWait(lists)).toMatchObject({
      firstInMs: 0,
      lastInMs: 2_000,
      text: 'posts: 8 lists wait for social/app/app, 20 a second, learned; the first goes on now, the last in 2 s',
    });
    const shut = toWait({ ...lists, isShut: true });
    expect(shut.text).toBe(
      'posts: 8 lists wait until calls are let through again, and then for social/app/app, 20 a second, learned',
    );
    const unlimited = { ...limit, kind: 'none', ratePerSecond: null } as const;
    expect(toWait({ ...lists, isShut: true, limit: unlimited }).text).toBe(
      'posts: 8 lists wait until calls are let through again',
    );
    const blocked = { ...limit, blockedForMs: 60_000, blockedReason: 'HTTP 429' };
    expect(toWait({ ...lists, isShut: true, limit: blocked }).text).toMatch(
      /wait for social\/app\/app, .*blocked for 60 s/,
    );
    expect(shut).not.toHaveProperty('firstInMs');
    expect(shut).not.toHaveProperty('lastInMs');
  });

  it('says when a provider is asked again, and that it is back', () => {
    const failing = { failingPhase: 'open', failingSince: since, failingReason: 'HTTP 503' } as const;
    const text = `social is failing since ${since} (HTTP 503), one call at a time, the next`;
    expect(toWait(gateWait({ ...failing, probeInMs: 700 })).text).toBe(`${text} in 0.7 s`);
    expect(toWait(gateWait(failing)).text).toBe(`${text} now`);
    expect(toWait(gateWait({ ...failing, failingPhase: 'recovering', backInMs: 12_300 })).text).toBe(
      `social is answering again after an outage since ${since}, calls return by degrees, all of them in 12.3 s`,
    );
    const endpoint = toWait({ ...gateWait({ ...failing, key: 'social/*/posts' }), node: 'posts' });
    expect(endpoint.text).toMatch(/^posts: social\/posts is failing since /);
  });

  it('says what holds the whole run', () => {
    const open = { raw: {} } as Parameters<typeof heldBy>[0];
    const cancelled = { raw: { workflowExtendedInfo: { cancelRequested: true } } } as Parameters<typeof heldBy>[0];
    const run = {
      account: 'acct_42',
      state: 'paused',
      pausedBy: 'auth',
      pausedReason: 'the token was revoked',
    } as const;
    expect(heldBy(open, run)).toEqual([
      {
        kind: 'account',
        calls: 0,
        text: 'the account "acct_42" must be connected again (the token was revoked); the run goes on by itself then',
      },
    ]);
    expect(heldBy(open, { ...run, pausedBy: 'operator' })).toMatchObject([{ kind: 'operator' }]);
    expect(heldBy(cancelled, run)).toMatchObject([{ kind: 'cancel' }]);
    expect(heldBy(open, { ...run, state: 'running' })).toEqual([]);
    expect(heldBy(open, undefined)).toEqual([]);
  });

  it('says how many calls have no answer yet, and for how long', () => {
    const nowMs = 1_000_000;
    const at = (ms: number) => ({ seconds: Math.floor(ms / 1_000), nanos: (ms % 1_000) * 1e6 });
    const step = (name: string, state: number, startedMs: number) => ({
      activityType: { name },
      state,
      lastStartedTime: at(startedMs),
    });
    const described = (raw: object) => ({ raw }) as Parameters<typeof openCalls>[0];
    const hanging = described({
      pendingActivities: [
        step('fetchPage', 2, nowMs - 50_000),
        step('fetchPage', 2, nowMs - 10_000),
        step('fetchPage', 2, nowMs - 100),
        step('fetchPage', 1, nowMs - 50_000),
        step('finishRun', 2, nowMs - 50_000),
      ],
    });
    expect(openCalls(hanging, nowMs)).toEqual([
      { kind: 'call', calls: 2, text: '2 calls without an answer yet, the longest for 50 s' },
    ]);
    const ofTask = (sinceMs: number) =>
      described({ pendingWorkflowTask: { startedTime: at(nowMs - 100), originalScheduledTime: at(nowMs - sinceMs) } });
    expect(openCalls(ofTask(7_000), nowMs)).toEqual([
      { kind: 'call', calls: 1, text: 'its calls have had no answer for 7 s' },
    ]);
    // As long as a task may be at calls that are answered.
    expect(openCalls(ofTask(6_000), nowMs)).toEqual([]);
  });
});

describe('how a limit stands, in words', () => {
  it.each<[string, LimitStanding, string, string]>([
    ['a window', window, 'free', '97 of 100 used in 60 s'],
    [
      'a window of which less is given out',
      { ...window, max: 98, declaredMax: 100, ratePerSecond: 1.6 },
      'free',
      '97 of 98 used in 60 s, evenly at 1.6 a second, 100 declared',
    ],
    ['a window that is full', { ...window, used: 100 }, 'full', '100 of 100 used in 60 s'],
    [
      'a learned window',
      { ...window, kind: 'learned', ratePerSecond: 8, used: 486, max: 551 },
      'free',
      '486 of 551 used in 60 s, 8 a second, learned',
    ],
    ['a window by the clock', { ...window, clock: 'clock' }, 'free', '97 of 100 used in 60 s by the clock'],
    [
      'a day of a zone',
      { ...window, kind: 'calendar', perMs: 86_400_000, clock: 'day, Europe/Berlin' },
      'free',
      '97 of 100 used this day, Europe/Berlin',
    ],
    [
      'a bucket',
      { ...window, kind: 'bucket', perMs: null, used: 12, max: 19, ratePerSecond: 10 },
      'free',
      '12 of 19 used, 10 a second flow in',
    ],
    [
      'a window whose rate an operator has set',
      { ...window, ratePerSecond: 0.1, isOverridden: true },
      'free',
      '97 of 100 used in 60 s, evenly at 6 a minute, overridden by an operator',
    ],
    [
      'calls without a limit, whose rate an operator has set',
      { ...limit, kind: 'none', ratePerSecond: 2, isOverridden: true },
      'free',
      'no limit is declared, 2 a second, overridden by an operator',
    ],
    ['no limit', { ...limit, kind: 'none', ratePerSecond: null }, 'free', 'no limit is declared'],
    ['calls in flight', { ...window, kind: 'inflight', perMs: null, used: 3, max: 5 }, 'free', '3 of 5 in flight'],
    ['a slow learned rate', { ...limit, ratePerSecond: 1 / 60 }, 'free', '1 a minute, learned'],
    [
      'one that an answer blocked',
      { ...window, blockedForMs: 79_994_000, blockedReason: 'HTTP 429' },
      'blocked',
      '97 of 100 used in 60 s, blocked for 22 h 13 min (HTTP 429)',
    ],
    ['one that others use', { ...window, usedByOthers: 40 }, 'free', '97 of 100 used in 60 s, 40 of them by others'],
    ['a gate that is well', { ...gate, isHeld: false }, 'free', 'calls flow'],
    [
      'a paused gate',
      { ...gate, isHeld: false, pausedAt: since, pausedReason: 'maintenance' },
      'paused',
      `paused by an operator since ${since} (maintenance)`,
    ],
  ])('%s', (_name, standing, state, text) => {
    expect(stateOf(standing)).toBe(state);
    expect(standingText(standing)).toBe(text);
  });
});
