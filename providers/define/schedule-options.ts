/**
 * When runs of a sync are started by themselves, as it is written beside the sync. Read into plain JSON at load, with all mistakes at
 * once. Next: `contracts/schedules/slots.ts`; applied by `client/schedules/apply-schedules.ts`.
 */
import type { z } from 'zod';
import type { AccountFacts } from '../../contracts/account.ts';
import type { Priority } from '../../contracts/limits/limit.ts';
import type { RunMode } from '../../contracts/run.ts';
import type { Overlap, ScheduleSpec, ScheduleTimes } from '../../contracts/schedules/schedule.ts';
import { duration, parseDuration } from '../../contracts/values/duration.ts';
import { isZone } from '../../contracts/values/time.ts';
import { shapeOf, unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';

interface AnySchedule<Input> {
  /** What a run is asked for, by account. Default `{}`, where the input's schema takes it. */
  readonly input?: (account: AccountFacts) => Input;
  /** `full`: lists are read from their beginning, which also marks deletions. Default `incremental`. */
  readonly mode?: RunMode;
  /** Default `bulk`. */
  readonly priority?: Priority;
  /**
   * Where a run of the account is going on. `join`: that one does, if it was asked for the same; else the start waits until it has ended.
   * `wait`: always a run of its own, when that one has ended. `skip`: none this time. Never more than one waits. Default `join`.
   */
  readonly overlap?: Overlap;
  /**
   * After an outage each account that was missed is started once, spread over this time, unless its next regular time comes sooner:
   * `'1h'`. False: missed ones are left out. Default an hour.
   */
  readonly catchUp?: string | false;
}

/** Again and again: each account has a moment of its own in the period, by a hash of its name. */
export interface EverySchedule<Input = unknown> extends AnySchedule<Input> {
  /** `'15m'`, `'1h'`, `'1d'`; a minute or more, a year at most. */
  readonly every: string;
}

/** By the clock of a zone: from `at` on, each account at a moment of its own within `spread`. */
export interface CalendarSchedule<Input = unknown> extends AnySchedule<Input> {
  /** `'03:00'`, or several. A time that the clock skips in spring comes an hour later; one that it shows twice comes once. */
  readonly at: string | readonly string[];
  /** `Europe/Berlin`, `UTC`. */
  readonly zone: string;
  /** `['mon', 'thu']`. Default every day. */
  readonly days?: readonly Weekday[];
  /** `[1, 15]`. A month that has no such day is left out. Default every day. */
  readonly daysOfMonth?: readonly number[];
  /** Over what time accounts are spread: a minute to a day. Default `'1h'`. */
  readonly spread?: string;
}

export type Weekday = 'sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat';
export type Schedule<Input = unknown> = EverySchedule<Input> | CalendarSchedule<Input>;
/** One, or several by name: `{ hourly: { every: '1h' }, weekly: { at: '03:00', days: ['sun'], zone: 'UTC', mode: 'full' } }`. */
export type Schedules<Input = unknown> = Schedule<Input> | { readonly [name: string]: Schedule<Input> };

/** A schedule of a compiled sync. */
export interface CompiledSchedule {
  /** `sync` or `sync/name`. */
  readonly id: string;
  readonly spec: ScheduleSpec;
  readonly inputOf: (account: AccountFacts) => unknown;
}

const DAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const YEAR_MS = 366 * DAY_MS;
const COMMON = { input: true, mode: true, priority: true, overlap: true, catchUp: true } as const;
const EVERY = { ...COMMON, every: true } satisfies NamesOf<EverySchedule>;
const CALENDAR = {
  ...COMMON,
  at: true,
  zone: true,
  days: true,
  daysOfMonth: true,
  spread: true,
} satisfies NamesOf<CalendarSchedule>;

export interface ReadSchedules {
  readonly schedules: readonly CompiledSchedule[];
  readonly mistakes: readonly string[];
}

/** @param input the schema of the sync's input. */
export function readSchedules(sync: string, given: Schedules | undefined, input: z.ZodType): ReadSchedules {
  if (given === undefined) return { schedules: [], mistakes: [] };
  if (typeof given !== 'object' || given === null) return { schedules: [], mistakes: [SHAPE('schedule', given)] };
  const named =
    'every' in given || 'at' in given
      ? [{ id: sync, at: 'schedule', schedule: given as Schedule }]
      : Object.entries(given).map(([name, schedule]) => ({ id: `${sync}/${name}`, at: `schedule.${name}`, schedule }));
  const mistakes = named.length === 0 ? [SHAPE('schedule', given)] : [];
  const schedules = named.map(({ id, at, schedule }) => {
    const say = (text: string): void => void mistakes.push(`${at}${text}`);
    if (!/^[^/]+(?:\/[A-Za-z][\w-]*)?$/.test(id)) say(': use letters, digits, "_" and "-" in its name');
    return { id, spec: readSchedule(schedule, say, at, input), inputOf: schedule?.input ?? (() => ({})) };
  });
  return { schedules, mistakes };
}

const SHAPE = (at: string, given: unknown): string =>
  `${at} is ${shapeOf(given)}; write { every: '1h' } or { at: '03:00', zone: 'Europe/Berlin' }`;

function readSchedule(given: Schedule, say: (text: string) => void, at: string, input: z.ZodType): ScheduleSpec {
  const times = readTimes(given, say);
  if (typeof given !== 'object' || given === null) return specOf({}, times);
  for (const text of unknownOptions(given, 'every' in given ? EVERY : CALENDAR)) say(`: ${text}`);
  oneOf(given.mode, ['incremental', 'full'], 'mode', say);
  oneOf(given.priority, ['interactive', 'bulk', 'background'], 'priority', say);
  oneOf(given.overlap, ['join', 'wait', 'skip'], 'overlap', say);
  const { catchUp } = given;
  if (catchUp !== undefined && catchUp !== false && !((parseDuration(catchUp) ?? 0) >= MINUTE_MS))
    say(`.catchUp is ${JSON.stringify(catchUp)}; write a time of a minute or more as '1h', or false`);
  if (given.input !== undefined && typeof given.input !== 'function')
    say('.input must be a function: `input: ({ account, settings }) => ({ … })`');
  if (given.input === undefined && !takesNothing(input))
    say(
      `.input is missing, and the sync's input can't be {}; write \`${at.split('.')[0]}: { …, input: ({ account, settings }) => ({ … }) }\``,
    );
  return specOf(given, times);
}

function specOf(given: Partial<AnySchedule<unknown>>, times: ScheduleTimes): ScheduleSpec {
  const { mode = 'incremental', priority = 'bulk', overlap = 'join', catchUp } = given;
  const catchUpMs = catchUp === false ? null : (parseDuration(catchUp) ?? HOUR_MS);
  return { times, mode, priority, overlap, catchUpMs };
}

function takesNothing(input: z.ZodType): boolean {
  try {
    return input.safeParse({}).success;
  } catch {
    return false;
  }
}

const NEVER: ScheduleTimes = { kind: 'every', everyMs: YEAR_MS };

function readTimes(given: Schedule, say: (text: string) => void): ScheduleTimes {
  if (typeof given !== 'object' || given === null || 'every' in given === 'at' in given) {
    say(` is ${shapeOf(given)}; write either { every: '1h' } or { at: '03:00', zone: 'Europe/Berlin' }`);
    return NEVER;
  }
  return 'every' in given ? readEvery(given, say) : readCalendar(given, say);
}

function readEvery({ every }: EverySchedule, say: (text: string) => void): ScheduleTimes {
  const everyMs = parseDuration(every);
  if (everyMs === undefined) say(`.every is ${JSON.stringify(every)}; write a time as '15m', '1h' or '1d'`);
  else if (everyMs < MINUTE_MS)
    say(
      `.every is '${every}', which is under a minute; write '1m' or more: what must be newer is better told by a webhook`,
    );
  else if (everyMs > YEAR_MS) say(`.every is '${every}'; write a year (366d) at most`);
  return everyMs === undefined ? NEVER : { kind: 'every', everyMs };
}

function readCalendar(given: CalendarSchedule, say: (text: string) => void): ScheduleTimes {
  const { zone, days, daysOfMonth, spread = '1h' } = given;
  const at = [given.at].flat();
  if (at.length === 0) say(".at has no time; write '03:00'");
  for (const time of at)
    if (typeof time !== 'string' || !/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(time))
      say(`.at is ${JSON.stringify(time)}; write hours and minutes with two digits each, as '03:00'`);
  if (zone === undefined) say(".zone is missing; write where the clock is, as 'Europe/Berlin' or 'UTC'");
  else if (!isZone(zone))
    say(`.zone is ${JSON.stringify(zone)}, which is not known; write one as 'Europe/Berlin' or 'UTC'`);
  const odd = asList(days).filter((day) => !DAYS.includes(day));
  if (days !== undefined && (asList(days).length === 0 || odd.length > 0))
    say(`.days is ${JSON.stringify(days)}; write some of ${DAYS.join(', ')}, as ['mon', 'thu']`);
  if (
    daysOfMonth !== undefined &&
    (asList(daysOfMonth).length === 0 ||
      asList(daysOfMonth).some((day) => !(Number.isInteger(day) && day >= 1 && day <= 31)))
  )
    say(`.daysOfMonth is ${JSON.stringify(daysOfMonth)}; write days from 1 to 31, as [1, 15]`);
  const spreadMs = parseDuration(spread);
  if (spreadMs === undefined || spreadMs < MINUTE_MS || spreadMs > DAY_MS)
    say(`.spread is ${JSON.stringify(spread)}; write a time from '1m' to '1d'`);
  return {
    kind: 'calendar',
    at: at.toSorted(),
    weekdays: days === undefined ? null : DAYS.flatMap((day, index) => (asList(days).includes(day) ? [index] : [])),
    daysOfMonth: daysOfMonth === undefined ? null : asList(daysOfMonth).toSorted((a, b) => a - b),
    zone: isZone(zone) ? zone : 'UTC',
    spreadMs: spreadMs ?? HOUR_MS,
  };
}

function asList<Item>(list: readonly Item[] | undefined): readonly Item[] {
  return Array.isArray(list) ? (list as readonly Item[]) : [];
}

function oneOf(given: unknown, known: readonly string[], name: string, say: (text: string) => void): void {
  if (given !== undefined && !known.includes(given as string))
    say(`.${name} is ${JSON.stringify(given)}; write ${known.map((each) => `'${each}'`).join(' or ')}`);
}

/** @returns milliseconds; undefined when it is not given, or a mistake, which is said. */
export function readFreshFor(given: string | undefined, mistakes: string[]): number | undefined {
  if (given === undefined) return undefined;
  const ms = parseDuration(given);
  if (ms !== undefined && ms >= MINUTE_MS && ms <= YEAR_MS) return ms;
  const found = ms === undefined ? JSON.stringify(given) : `'${given}', which is ${duration(ms)}`;
  mistakes.push(`freshFor is ${found}; write a time from '1m' to '366d', as '2h'`);
  return undefined;
}
