/** When an account is due: the same time wherever it is computed, evenly spread, true to the clock of a zone. */
import { describe, expect, it } from 'vitest';
import type { ScheduleSpec, ScheduleTimes } from '../../../contracts/schedules/schedule.ts';
import { catchUpSlot, nextSlot, phaseOf } from '../../../contracts/schedules/slots.ts';
import { parseDuration } from '../../../contracts/values/duration.ts';

const HOUR = 3_600_000;
const places = Array.from({ length: 10_000 }, (_, place) => place);
const at = (iso: string) => Date.parse(iso);
const iso = (ms: number) => new Date(ms).toISOString();
const calendar = (more: Partial<ScheduleTimes & { kind: 'calendar' }>): ScheduleTimes => ({
  kind: 'calendar',
  at: ['03:00'],
  weekdays: null,
  daysOfMonth: null,
  zone: 'Europe/Berlin',
  spreadMs: HOUR,
  ...more,
});

/** The most that one minute has, as a multiple of its even share. */
function worstMinute(times: ScheduleTimes, taken: readonly number[], minutes: number, from: number): number {
  const counts = new Map<number, number>();
  for (const place of taken) {
    const minute = Math.floor(nextSlot(times, phaseOf('network', place), from) / 60_000);
    counts.set(minute, (counts.get(minute) ?? 0) + 1);
  }
  expect(counts.size).toBeLessThanOrEqual(minutes + 1);
  return Math.max(...counts.values()) / (taken.length / minutes);
}

describe('the times of 10,000 accounts', () => {
  const hourly: ScheduleTimes = { kind: 'every', everyMs: HOUR };
  const daily: ScheduleTimes = { kind: 'every', everyMs: 24 * HOUR };
  it.each([
    ['every hour', hourly, 60],
    ['every day, seven a minute', daily, 24 * 60],
    ['from 03:00 on, spread over an hour', calendar({}), 60],
  ])('%s: no minute has more than one and a half times its even share, however many there are', (_, times, minutes) => {
    const from = at('2026-11-28T00:00:00Z');
    for (const count of [10_000, 9_973, 20_000, 3 * minutes]) {
      const taken = Array.from({ length: count }, (_each, place) => place);
      expect(worstMinute(times, taken, minutes, from)).toBeLessThanOrEqual(1.5);
    }
  });

  it('stay even when a sixth of them have gone, in whatever order', () => {
    const from = at('2026-11-28T00:00:00Z');
    const rest = Array.from({ length: 12_000 }, (_, place) => place).filter((place) => (place * 7_919) % 6_007 > 1_001);
    expect(rest.length).toBeLessThan(10_100);
    expect(worstMinute(daily, rest, 24 * 60, from)).toBeLessThanOrEqual(1.5);
  });

  it('are another moment by another schedule, so that one account is not started by all of them at once', () => {
    const names = ['network', 'network/full', 'inbox', 'hourly', 'nightly', 'a', 'b'];
    const starts = names.map((name) => phaseOf(name, 3)).toSorted((one, other) => one - other);
    const gaps = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(1 / 1_440);
  });
});

describe('the next time of an account', () => {
  it('every hour is one period after the last, and the same one for who asks in between', () => {
    const times: ScheduleTimes = { kind: 'every', everyMs: HOUR };
    const first = nextSlot(times, 0.25, at('2026-01-01T00:00:00Z'));
    expect(iso(first)).toBe('2026-01-01T00:15:00.000Z');
    expect(nextSlot(times, 0.25, first - 1)).toBe(first);
    expect(nextSlot(times, 0.25, first)).toBe(first + HOUR);
  });

  it('by the clock of a zone stays at that clock when it is put forward or back', () => {
    const daily = calendar({});
    expect(iso(nextSlot(daily, 0, at('2026-01-10T12:00:00Z')))).toBe('2026-01-11T02:00:00.000Z');
    expect(iso(nextSlot(daily, 0.5, at('2026-07-10T12:00:00Z')))).toBe('2026-07-11T01:30:00.000Z');
    // 29 March 2026, 02:00 → 03:00: 02:30 comes as 03:30. 25 October, 03:00 → 02:00: 02:30 comes once.
    const atNight = calendar({ at: ['02:30'] });
    expect(iso(nextSlot(atNight, 0, at('2026-03-28T23:00:00Z')))).toBe('2026-03-29T01:30:00.000Z');
    const autumn = nextSlot(atNight, 0, at('2026-10-24T22:00:00Z'));
    expect(iso(nextSlot(atNight, 0, autumn))).toBe('2026-10-26T01:30:00.000Z');
    expect(nextSlot(atNight, 0, autumn) - autumn).toBeGreaterThan(23 * HOUR);
  });

  it('keeps to weekdays, days of the month, several times a day, and zones at the ends of the world', () => {
    const weekly = calendar({ weekdays: [1], zone: 'UTC' });
    expect(iso(nextSlot(weekly, 0, at('2026-11-28T00:00:00Z')))).toBe('2026-11-30T03:00:00.000Z');
    const monthly = calendar({ daysOfMonth: [31], zone: 'UTC' });
    expect(iso(nextSlot(monthly, 0, at('2026-11-01T00:00:00Z')))).toBe('2026-12-31T03:00:00.000Z');
    const twice = calendar({ at: ['09:00', '17:00'], zone: 'Pacific/Kiritimati' });
    expect(iso(nextSlot(twice, 0, at('2026-11-27T18:59:00Z')))).toBe('2026-11-27T19:00:00.000Z');
    expect(iso(nextSlot(twice, 0, at('2026-11-27T19:00:00Z')))).toBe('2026-11-28T03:00:00.000Z');
    // Late in its hour: the day of the slot is the one after.
    const midnight = calendar({ at: ['23:50'], zone: 'Pacific/Pago_Pago' });
    expect(iso(nextSlot(midnight, 0.5, at('2026-11-28T11:00:00Z')))).toBe('2026-11-28T11:20:00.000Z');
  });
});

describe('a start that was missed', () => {
  const spec = (times: ScheduleTimes, catchUpMs: number | null): ScheduleSpec => ({
    times,
    catchUpMs,
    mode: 'incremental',
    priority: 'bulk',
    overlap: 'join',
  });
  it('is made up for within the catch-up time, spread, once, or comes with the next regular time where that is sooner', () => {
    const now = at('2026-11-28T12:00:00Z');
    const daily = spec({ kind: 'every', everyMs: 24 * HOUR }, HOUR);
    const caught = places.map((place) => catchUpSlot(daily, phaseOf('network', place), now));
    expect(caught.every(({ at: slot }) => slot >= now && slot < now + HOUR)).toBe(true);
    const minutes = new Map<number, number>();
    for (const { at: slot } of caught)
      minutes.set(Math.floor(slot / 60_000), (minutes.get(Math.floor(slot / 60_000)) ?? 0) + 1);
    expect(Math.max(...minutes.values())).toBeLessThanOrEqual(200);
    expect(catchUpSlot(spec({ kind: 'every', everyMs: 60_000 }, HOUR), 0.9, now)).toEqual({
      at: now + 54_000,
      isCatchUp: false,
    });
    expect(catchUpSlot(spec({ kind: 'every', everyMs: 24 * HOUR }, null), 0.25, now).isCatchUp).toBe(false);
  });
});

describe('a length of time', () => {
  it.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1 h 30 min', 5_400_000],
    ['2d', 172_800_000],
    ['1.5h', 5_400_000],
    ['1w', 604_800_000],
  ])('%s is read', (text, ms) => expect(parseDuration(text)).toBe(ms));
  it.each(['', '1', 'h', '1hour', '-1h', '1h x', '1 month', 5, undefined])('%s is none', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );
});
