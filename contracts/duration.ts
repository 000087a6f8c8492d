/** Lengths of time in words, wherever people read them. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * `0.3 s`, `9.5 s`, `42 s`, `119 s`, `25 min`, `22 h`, `9 days`: two units of each before the next, and never more figures than
 * anybody reads.
 */
export function durationText(ms: number): string {
  const length = Math.max(0, ms);
  if (length === Number.POSITIVE_INFINITY) return 'for ever';
  if (length === 0) return '0 s';
  if (length < 10 * SECOND) return `${Math.max(0.1, figures(length / SECOND, 1))} s`;
  if (length < 2 * MINUTE) return `${figures(length / SECOND, 0)} s`;
  if (length < 2 * HOUR) return `${figures(length / MINUTE, 0)} min`;
  if (length < 2 * DAY) return `${figures(length / HOUR, 0)} h`;
  return `${figures(length / DAY, 0)} days`;
}

function figures(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
