/**
 * Times as third parties write them, to be compared whatever their form and precision: `2026-01-01`, `2026-01-01T00:00:00.5Z`, so many
 * seconds, milliseconds or microseconds. Times without a zone are read as UTC. Pure. Used by: `shared-times.ts`.
 */

export interface Moment {
  readonly ns: bigint;
  /** The smallest step that its form can tell, in nanoseconds. */
  readonly step: bigint;
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?:(:\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/;
const NUMBER = /^(\d{9,16})(?:\.(\d{1,9}))?$/;
const DAY = 86_400_000_000_000n;
const SECOND = 1_000_000_000n;

/** @returns undefined for what is no time. Ids of nine to sixteen digits can't be told from times. */
export function momentOf(value: unknown): Moment | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : ofNumber(String(value.getTime()));
  if (typeof value === 'number') return ofNumber(String(value));
  if (typeof value !== 'string' || value.length > 40) return undefined;
  return ofNumber(value) ?? ofDate(value);
}

/** Are both the same in the form that tells less? @param by so many of its smallest steps apart. */
export function isSameMoment(value: Moment, told: Moment, by = 0n): boolean {
  return value.ns / told.step === told.ns / told.step + by;
}

function ofNumber(text: string): Moment | undefined {
  const [, whole, fraction = ''] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const unit = whole.length <= 11 ? SECOND : whole.length <= 14 ? 1_000_000n : 1_000n;
  const scale = 10n ** BigInt(fraction.length);
  const step = unit / scale > 0n ? unit / scale : 1n;
  return { ns: BigInt(whole) * unit + (BigInt(fraction === '' ? '0' : fraction) * unit) / scale, step };
}

function ofDate(text: string): Moment | undefined {
  const [, date, minutes, seconds = ':00', fraction = '', zone = 'Z'] = DATE.exec(text) ?? [];
  if (date === undefined) return undefined;
  const told =
    zone === 'UTC' ? 'Z' : zone.replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours: string, rest = '00') => `${hours}:${rest}`);
  const ms = Date.parse(`${date}T${minutes ?? '00:00'}${seconds}${told}`);
  if (Number.isNaN(ms) || ms < 0) return undefined;
  const ns = BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  return { ns, step: minutes === undefined ? DAY : SECOND / 10n ** BigInt(fraction.length) };
}
