/**
 * Times as third parties write them. A time without a zone is UTC, wherever the worker runs.
 * Used by: ranges, watermarks.
 */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?))?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * ISO 8601 dates and times, also with a space for the `T`, a comma for the point, and without seconds or zone.
 * @returns epoch milliseconds; undefined when the text is no time.
 */
export function parseTimeMs(text: string): number | undefined {
  const match = TIME.exec(text.trim());
  if (!match) return undefined;
  const [, date, clock = '00:00', zone = 'Z'] = match;
  const offset = /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.replace(':', '').slice(3) || '00'}` : 'Z';
  const seconds = clock.length === 5 ? `${clock}:00` : clock.replace(',', '.');
  const ms = Date.parse(`${date}T${seconds}${offset}`);
  return Number.isNaN(ms) ? undefined : ms;
}
