/**
 * When an account is due. Pure: a time comes from the schedule, the account's place in it and the time before, and from
 * nothing else. So every process finds the same one. Used by: `client/schedules/place-accounts.ts`,
 * `workers/schedules/asked-of-due.ts`.
 */
import { parseTimeMs, toWallMs } from '../values/time.ts';
import type { ScheduleSpec, ScheduleTimes } from './schedule.ts';
import { keepLatest } from '../values/keep-latest.ts';

const DAY_MS = 86_400_000;
/** 29 February on one weekday comes after 40 years at the latest. */
const MOST_DAYS = 366 * 41;

/** The golden ratio: each next step of it falls into one of the largest gaps that are left, so any number of them are even. */
const STEP = (Math.sqrt(5) - 1) / 2;

/**
 * Where in its period an account stands, 0 … 1, by its place: 0, 1, 2 … in the order in which accounts came. However
 * many places are taken from 0 on, no minute has many more than its share. It has 1.15 times of 7, where a hash has 2.7
 * times. A place that is given up goes to the next account, so all others keep theirs. Each schedule begins elsewhere,
 * by its name.
 */
export function phaseOf(scheduleId: string, place: number): number {
  return (startOf(scheduleId) + place * STEP) % 1;
}

function startOf(scheduleId: string): number {
  // FNV-1a (RFC 9923) over UTF-16, then the finalizer of MurmurHash3: names that differ in their last digit are far apart.
  let hash = 0x811c9dc5;
  for (let index = 0; index < scheduleId.length; index++)
    hash = Math.imul(hash ^ scheduleId.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** @returns the first time after `afterMs`, epoch milliseconds. */
export function nextSlot(times: ScheduleTimes, phase: number, afterMs: number): number {
  if (times.kind === 'every') {
    const offset = Math.floor(phase * times.everyMs);
    return (Math.floor((afterMs - offset) / times.everyMs) + 1) * times.everyMs + offset;
  }
  const offset = Math.floor(phase * times.spreadMs);
  // A day earlier than the zone's: where the clock is put forward, a time that it does not show comes later.
  let day = Math.floor((toWallMs(afterMs - offset, times.zone) - DAY_MS) / DAY_MS) * DAY_MS;
  for (let days = 0; days < MOST_DAYS; days++, day += DAY_MS) {
    if (!isOn(times, day)) continue;
    for (const at of times.at) {
      const slot = slotAt(day, at, times.zone) + offset;
      if (slot > afterMs) return slot;
    }
  }
  return Infinity;
}

/**
 * When a start that was missed is made up for: spread over the schedule's `catchUpMs`, so that the end of an outage is no rush. The next
 * regular time where that comes sooner, or where nothing is made up for.
 */
export function catchUpSlot({ times, catchUpMs }: ScheduleSpec, phase: number, nowMs: number): CatchUp {
  const next = nextSlot(times, phase, nowMs);
  if (catchUpMs === null) return { at: next, isCatchUp: false };
  const at = nowMs + Math.floor(phase * catchUpMs);
  return at < next ? { at, isCatchUp: true } : { at: next, isCatchUp: false };
}

export interface CatchUp {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly isCatchUp: boolean;
}

function isOn(times: ScheduleTimes & { readonly kind: 'calendar' }, day: number): boolean {
  const date = new Date(day);
  return (
    (times.weekdays?.includes(date.getUTCDay()) ?? true) && (times.daysOfMonth?.includes(date.getUTCDate()) ?? true)
  );
}

/** The same for all accounts of a schedule: found once. */
const found = new Map<string, number>();
const MOST_FOUND = 1_000;

function slotAt(day: number, at: string, zone: string): number {
  const text = `${new Date(day).toISOString().slice(0, 10)} ${at}`;
  const key = `${zone} ${text}`;
  const known = found.get(key);
  if (known !== undefined) return known;
  const ms = parseTimeMs(text, zone) as number;
  keepLatest(found, key, ms, MOST_FOUND);
  return ms;
}
