/**
 * Days, weeks and months of a time zone, by the runtime's own calendar: where the one begins and ends that holds a moment.
 * Next: `limit-counters.ts`.
 */

export type CalendarUnit = 'day' | 'week' | 'month';

export interface CalendarSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** @param atMs milliseconds since 1970. Weeks begin on Monday. */
export function calendarSpan(atMs: number, per: CalendarUnit, zone: string): CalendarSpan {
  const nameOf = namer(per, zone);
  const name = nameOf(atMs);
  return {
    fromMs: firstMs(atMs, -HOUR_MS, (ms) => nameOf(ms) !== name),
    toMs: firstMs(atMs, HOUR_MS, (ms) => nameOf(ms) !== name),
  };
}

/** The edge between this moment and the first one, in steps, at which the name has changed: to the millisecond. */
function firstMs(atMs: number, stepMs: number, hasChanged: (ms: number) => boolean): number {
  let near = atMs;
  let far = atMs + stepMs;
  while (!hasChanged(far)) [near, far] = [far, far + stepMs];
  while (Math.abs(far - near) > 1) {
    const middle = Math.floor((near + far) / 2);
    if (hasChanged(middle)) far = middle;
    else near = middle;
  }
  return Math.max(near, far);
}

function namer(per: CalendarUnit, zone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (ms) => {
    const date = format.format(Math.floor(ms));
    if (per === 'day') return date;
    if (per === 'month') return date.slice(0, 7);
    // Monday was the fourth day after 1 January 1970.
    return String(Math.floor((Date.parse(date) / DAY_MS + 3) / 7));
  };
}
