/**
 * Times as third parties write them. A time without a zone is UTC, wherever the worker runs.
 * Used by: ranges, watermarks, schedules.
 */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?))?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * ISO 8601 dates and times, also with a space for the `T`, a comma for the point, and without seconds or zone.
 * @param zone Where times without a zone are told: an IANA name. Default UTC.
 * @returns epoch milliseconds; undefined when the text is no time.
 */
export function parseTimeMs(text: string, zone = 'UTC'): number | undefined {
  const match = TIME.exec(text.trim());
  if (!match) return undefined;
  const [, date, clock = '00:00', told] = match;
  const offset = told && /^[+-]/.test(told) ? `${told.slice(0, 3)}:${told.replace(':', '').slice(3) || '00'}` : 'Z';
  const seconds = clock.length === 5 ? `${clock}:00` : clock.replace(',', '.');
  const ms = Date.parse(`${date}T${seconds}${offset}`);
  if (Number.isNaN(ms)) return undefined;
  return told === undefined && zone !== 'UTC' ? fromLocal(ms, zone) : ms;
}

/** @param wallMs What the clock of the zone shows, as if it were UTC. Where it shows that twice, the later time. */
function fromLocal(wallMs: number, zone: string): number {
  const guess = wallMs - offsetMs(wallMs, zone);
  return wallMs - offsetMs(guess, zone);
}

function offsetMs(ms: number, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(ms);
  const [year, month, day, hour, minute, second] = FIELDS.map((field) =>
    Number(parts.find(({ type }) => type === field)?.value),
  ) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}

/** What the clock of the zone shows at `ms`, as if it were UTC. */
export function toWallMs(ms: number, zone: string): number {
  return ms + offsetMs(ms, zone);
}

/** @returns whether it is the name of a zone, e.g. `Europe/Berlin` or `UTC`. */
export function isZone(zone: unknown): boolean {
  try {
    return typeof zone === 'string' && zone !== '' && formatOf(zone) !== undefined;
  } catch {
    return false;
  }
}

const FIELDS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;
/** To make one takes longer than to use it a hundred times; there are few zones. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const options = { timeZone, hourCycle: 'h23', ...Object.fromEntries(FIELDS.map((field) => [field, 'numeric'])) };
  const made = new Intl.DateTimeFormat('en-US', options as Intl.DateTimeFormatOptions);
  formats.set(timeZone, made);
  return made;
}
