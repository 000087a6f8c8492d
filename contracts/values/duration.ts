/**
 * A length of time as a person reads it: the two units that matter. Used wherever a text has a wait or an age; and how such a text is read.
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

const UNITS = { ms: 1, s: 1_000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** `90s` · `15m` · `1h` · `1h30m` · `2d` · `1w`. @returns milliseconds; undefined when the text is no length of time. */
export function parseDuration(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^(?:\s*\d+(?:\.\d+)?\s*(?:ms|s|min|m|h|d|w))+\s*$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d|w)/g);
  return Math.round(
    [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS], 0),
  );
}
