/** Schedules and ages in words: for plans, lists and texts of alerts. */
import { duration } from '../values/duration.ts';
import type { Declaration, ScheduleSpec, ScheduleTimes } from './schedule.ts';

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** `every 1 h` · `Mon–Fri at 03:00 Europe/Berlin, spread over 1 h` */
export function timesText(times: ScheduleTimes): string {
  if (times.kind === 'every') return `every ${plain(times.everyMs)}`;
  const { at, weekdays, daysOfMonth, zone, spreadMs } = times;
  const days = [
    ...(weekdays === null ? [] : [weekdays.map((day) => WEEKDAYS[day]).join(', ')]),
    ...(daysOfMonth === null ? [] : [`on day ${daysOfMonth.join(', ')} of the month`]),
  ];
  return `${days.length === 0 ? 'daily' : days.join(' ')} at ${at.join(', ')} ${zone}, spread over ${plain(spreadMs)}`;
}

function scheduleText({ times, mode, priority, overlap, catchUpMs }: ScheduleSpec): string {
  return [
    timesText(times),
    ...(mode === 'full' ? ['full'] : []),
    ...(priority === 'bulk' ? [] : [priority]),
    ...(overlap === 'join' ? [] : [`overlap ${overlap}`]),
    catchUpMs === null ? 'no catch-up' : `caught up within ${plain(catchUpMs)}`,
  ].join(', ');
}

export function declarationText(declaration: Pick<Declaration, 'kind' | 'spec'>): string {
  const { kind, spec } = declaration as Declaration;
  return kind === 'schedule' ? scheduleText(spec) : `fresh for ${plain(spec.freshForMs)}`;
}

/** `1 min`, where a limit would say `60 s`. */
function plain(ms: number): string {
  return ms % 60_000 === 0 && ms > 0 && ms < 120_000 ? '1 min' : duration(ms);
}
