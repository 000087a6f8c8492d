/**
 * A length of time as a person reads it: the two units that matter. Used wherever a text has a wait or an age.
 */

/** `0.4 s` · `12.3 s` · `90 s` · `4 min 10 s` · `22 h 13 min` · `3 d 4 h`. What is below nothing is `0 s`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return 'for ever';
  const seconds = Math.max(0, ms) / 1_000;
  const tenths = Math.round(seconds * 10) / 10;
  if (tenths < 60) return `${tenths} s`;
  const wholeSeconds = Math.round(seconds);
  // A minute is said as limits are stated: 60 s.
  if (wholeSeconds < 120) return `${wholeSeconds} s`;
  if (wholeSeconds < 3_600) return twoUnits(wholeSeconds, 60, 'min', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return twoUnits(minutes, 60, 'h', 'min');
  return twoUnits(Math.round(seconds / 3_600), 24, 'd', 'h');
}

function twoUnits(count: number, perLarge: number, large: string, small: string): string {
  const rest = count % perLarge;
  return `${Math.floor(count / perLarge)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}
