/** What is wrong with a schedule is said at load, with what to write instead. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { declarationsOf } from '../../../contracts/schedules/schedule.ts';
import { declarationText } from '../../../contracts/schedules/schedule-words.ts';
import { defineSync, type Schedules } from '../../../providers/index.ts';
import { friends, provider } from '../../fixtures/forest.ts';

const define = (schedule: unknown, freshFor?: string, input: z.ZodType = z.object({ id: z.string().default('x') })) =>
  defineSync(
    'network',
    { provider, input, schedule: schedule as Schedules, ...(freshFor === undefined ? {} : { freshFor }) },
    (s) => ({ friends: s.one(friends, { input: () => ({ id: 'x' }), key: ({ id }) => id }) }),
  );

describe('a schedule beside its sync', () => {
  it('is read as it is meant, alone or several by name', () => {
    const texts = (schedule: unknown, freshFor?: string) =>
      declarationsOf(define(schedule, freshFor).definition).map((each) => `${each.id}: ${declarationText(each)}`);
    expect(texts({ every: '1h' }, '2h')).toEqual([
      'network: every 1 h, caught up within 1 h',
      'network: fresh for 2 h',
    ]);
    expect(
      texts({
        hourly: { every: '1h', overlap: 'skip', priority: 'background', catchUp: false },
        weekly: { at: ['17:00', '03:00'], days: ['sun'], zone: 'Europe/Berlin', spread: '30m', mode: 'full' },
      }),
    ).toEqual([
      'network/hourly: every 1 h, background, overlap skip, no catch-up',
      'network/weekly: Sun at 03:00, 17:00 Europe/Berlin, spread over 30 min, full, caught up within 1 h',
    ]);
    expect(texts(undefined)).toEqual([]);
  });

  it.each([
    [{ every: '1 hour' }, `schedule.every is "1 hour"; write a time as '15m', '1h' or '1d'`],
    [{ every: '30s' }, `schedule.every is '30s', which is under a minute; write '1m' or more`],
    [{ every: '2000d' }, 'write a year (366d) at most'],
    [{ every: 60 }, `schedule.every is 60; write a time as '15m', '1h' or '1d'`],
    [{}, `schedule is an object of nothing; write { every: '1h' } or { at: '03:00', zone: 'Europe/Berlin' }`],
    ['1h', `schedule is a string; write { every: '1h' }`],
    [{ every: '1h', at: '03:00', zone: 'UTC' }, 'write either { every'],
    [{ at: '3:00', zone: 'UTC' }, `schedule.at is "3:00"; write hours and minutes with two digits each, as '03:00'`],
    [{ at: '03:00' }, `schedule.zone is missing; write where the clock is, as 'Europe/Berlin' or 'UTC'`],
    [
      { at: '03:00', zone: 'Europe/Berln' },
      `schedule.zone is "Europe/Berln", which is not known; write one as 'Europe/Berlin'`,
    ],
    [{ at: '03:00', zone: 'UTC', days: ['monday'] }, `schedule.days is ["monday"]; write some of sun, mon`],
    [{ at: '03:00', zone: 'UTC', daysOfMonth: [0] }, 'schedule.daysOfMonth is [0]; write days from 1 to 31'],
    [{ at: '03:00', zone: 'UTC', spread: '2d' }, `schedule.spread is "2d"; write a time from '1m' to '1d'`],
    [{ every: '1h', spread: '1h' }, 'schedule: unknown option `spread`'],
    [{ every: '1h', overlap: 'buffer' }, `schedule.overlap is "buffer"; write 'join' or 'wait' or 'skip'`],
    [{ every: '1h', catchUp: true }, `schedule.catchUp is true; write a time of a minute or more as '1h', or false`],
    [{ weekly: { every: '1 week' } }, 'schedule.weekly.every is "1 week"'],
    [{ 'a/b': { every: '1h' } }, 'schedule.a/b: use letters'],
  ])('%j is refused with what to write', (schedule, text) => {
    expect(() => define(schedule)).toThrow(text);
  });

  it('wants to know the input where {} is none, and an age that is one', () => {
    const needsId = z.object({ id: z.string() });
    expect(() => define({ every: '1h' }, undefined, needsId)).toThrow('schedule.input is missing');
    expect(() => define({ every: '1h', input: () => ({ id: 'x' }) }, undefined, needsId)).not.toThrow();
    expect(() => define(undefined, '10s')).toThrow(
      `freshFor is '10s', which is 10 s; write a time from '1m' to '366d', as '2h'`,
    );
    expect(() => define(undefined, 'two hours')).toThrow('freshFor is "two hours"');
  });
});
