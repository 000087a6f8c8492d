/**
 * What is wrong with a limit's numbers, in words. Used by: providers/limits.ts when a definition is loaded, limiter/buckets/registry.ts
 * when a key is used first.
 */
import { isZone } from '../values/time.ts';
import type { LimitSpec } from './limit.ts';

const LARGEST = 1e12;
/** Ten years. */
const LONGEST_MS = 315_360_000_000;
const CALENDAR_UNITS = ['day', 'week', 'month'];

/** Empty when it is fine. */
export function specMistakes(spec: LimitSpec): string[] {
  const at = `limit "${spec.name}"`;
  const mistakes: string[] = [];
  const within = (name: string, value: number, least: number, most: number, unit = ''): void => {
    const shown = typeof value === 'number' ? value : JSON.stringify(value);
    if (!(typeof value === 'number' && value >= least && value <= most))
      mistakes.push(`${at}: \`${name}\` is ${shown}; it must be at least ${least}${unit} and at most ${most}${unit}`);
  };
  const optional = (name: string, value: number | undefined, least: number, most: number, unit = ''): void => {
    if (value !== undefined) within(name, value, least, most, unit);
  };
  const share = (value: number | undefined): void => {
    if (value !== undefined && !(value >= 0 && value < 1))
      mistakes.push(`${at}: \`reserve\` is ${value}; it must be from 0 to below 1`);
  };
  switch (spec.kind) {
    case 'window': {
      within('max', spec.max, 1, LARGEST);
      within('perMs', spec.perMs, 100, LONGEST_MS, ' ms');
      optional('guardMs', spec.guardMs, 0, spec.perMs, ' ms');
      share(spec.reserve);
      if (spec.offsetMs !== undefined && spec.aligned !== true)
        mistakes.push(`${at}: \`offsetMs\` says where aligned windows begin; add \`aligned: true\``);
      optional('offsetMs', spec.offsetMs, 0, spec.perMs, ' ms');
      const guardMs = spec.guardMs ?? 1_000;
      if (spec.aligned === true && spec.perMs <= 4 * guardMs)
        mistakes.push(
          `${at}: \`perMs\` is ${spec.perMs}; aligned windows must be longer than four times \`guardMs\` (${guardMs} ms)`,
        );
      break;
    }
    case 'calendar':
      within('max', spec.max, 1, LARGEST);
      optional('guardMs', spec.guardMs, 0, 3_600_000, ' ms');
      share(spec.reserve);
      if (!CALENDAR_UNITS.includes(spec.per))
        mistakes.push(`${at}: \`per\` is "${spec.per}"; known are ${CALENDAR_UNITS.join(', ')}`);
      if (!isZone(spec.zone))
        mistakes.push(`${at}: no time zone "${spec.zone}" is known; write one like "Europe/Berlin" or "UTC"`);
      break;
    case 'bucket':
      within('perSecond', spec.perSecond, 1 / 86_400_000, LARGEST);
      within('burst', spec.burst, 1, LARGEST);
      optional('guardMs', spec.guardMs, 0, 60_000, ' ms');
      share(spec.reserve);
      break;
    case 'inflight':
      within('max', spec.max, 1, LARGEST);
      optional('leaseMs', spec.leaseMs, 100, LONGEST_MS, ' ms');
      break;
    case 'learned':
      for (const name of ['startPerSecond', 'floorPerSecond', 'ceilingPerSecond'] as const)
        optional(name, spec[name], 1 / 86_400_000, LARGEST);
      if ((spec.floorPerSecond ?? 0) > (spec.ceilingPerSecond ?? LARGEST))
        mistakes.push(`${at}: \`floorPerSecond\` is above \`ceilingPerSecond\``);
      break;
    case 'none':
      break;
  }
  return mistakes;
}
