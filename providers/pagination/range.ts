/**
 * Ranges of ids or dates by which an endpoint can be asked. What is too long in one list is asked for in halves, and
 * what is wider than the third party allows in pieces. Numbers, or ISO dates (`2024-01-31`) and times
 * (`2024-01-31T12:00:00Z`; without a zone they are UTC).
 * Used by: `kinds/shared.ts`; `result-cap.ts` splits where a list met the third party's cap,
 * `activities/sync/fetch-page.ts` what is too wide.
 */
import type { Range } from '../../contracts/list.ts';
import {
  asyncFunctions,
  missingFunctions,
  unknownOptions,
  wrongFunctions,
  wrongObject,
  type NamesOf,
} from '../../contracts/values/option-mistakes.ts';
import { parseTimeMs } from '../../contracts/values/time.ts';

export interface RangeOptions<Input> {
  /** The whole range; both ends must be stated, e.g. from the beginning of the service until now. */
  readonly whole: (input: Input) => Range;
  /**
   * Distance between the end of one half and the beginning of the next, in ids or milliseconds. Default 1 for ids, and
   * 0 for times and for days, which two halves share. Else rows in between would be lost. A third party, or a request,
   * may leave out milliseconds or an end, or take a last day for its midnight. Larger than the third party's own
   * resolution a distance loses them, too. `days(1)`: days are not shared.
   */
  readonly step?: number;
  /** Splits a range in another way, e.g. by a list of regions. Undefined: it can't be split further. */
  readonly split?: (range: Range) => readonly [Range, Range] | undefined;
  /**
   * How much one call may ask for, both ends included, where the third party says so: ids or milliseconds, e.g. `days(31)`. What is wider
   * is cut into as few pieces before anything is asked for. Default: nothing is known of such a bound.
   */
  readonly widest?: number;
}

const DAY_MS = 86_400_000;
const RANGE = { whole: true, step: true, split: true, widest: true } satisfies NamesOf<RangeOptions<never>>;

/** What is wrong with the `range` of a list, in words. */
export function rangeMistakes(options: { readonly range?: RangeOptions<never> }): string[] {
  const { range } = options;
  if (range === undefined) return [];
  const notObject = wrongObject(options, 'range', '{ whole: ({ from, to }) => ({ from, to }) }');
  if (notObject.length > 0) return notObject;
  const mistakes = [
    ...missingFunctions(range, ['whole']),
    ...wrongFunctions(range, ['split']),
    ...asyncFunctions(range),
    ...unknownOptions(range, RANGE),
  ];
  for (const name of ['step', 'widest'] as const)
    if (range[name] !== undefined && !(Number.isFinite(range[name]) && range[name] > 0))
      mistakes.push(`\`${name}\` is ${JSON.stringify(range[name])}; it must be a number above 0`);
  return mistakes.map((text) => `range: ${text}`);
}

/**
 * Halves a range: `{ from: 1, to: 100 }` becomes 1 to 50 and 51 to 100. Halves of times and days share the one between them, down to a
 * millisecond or a day.
 * @returns undefined when it is too small to be halved or not of numbers or dates.
 */
export function halve(range: Range, step?: number): readonly [Range, Range] | undefined {
  const { start, end, distance, isShared, write } = measure(range, step);
  const middle = middleOf(start, end, distance);
  if (middle === undefined) return undefined;
  const [low, high] =
    isShared && end - start > distance ? [middle + distance, middle + distance] : [middle, middle + distance];
  return [
    { from: range.from, to: write(low) },
    { from: write(high), to: range.to },
  ];
}

/**
 * Cuts a range that is wider than one call may ask for, at a piece's border near its middle. Done again with both
 * sides, it leaves as few pieces as can be.
 * @returns undefined when it is not wider.
 * @throws TypeError when it has no width.
 */
export function cut(range: Range, widest: number, step?: number): readonly [Range, Range] | undefined {
  const { start, end, distance, isShared, write } = measure(range, step);
  if (Number.isNaN(end - start))
    throw new TypeError(
      `${range.from} … ${range.to} has no width, and \`widest\` is given: it must be of numbers, dates or times`,
    );
  const most = Math.max(distance, Math.floor(widest / distance) * distance);
  // A piece of one day or millisecond has none to share.
  const gap = isShared && most > distance ? 0 : distance;
  const stride = most - distance + gap;
  const pieces = Math.ceil((end - start + gap) / stride);
  if (pieces <= 1) return undefined;
  const border = start + Math.ceil(pieces / 2) * stride;
  return [
    { from: range.from, to: write(border - gap) },
    { from: write(border), to: range.to },
  ];
}

/** A range on a line. `distance`: between the end of one part and the beginning of the next, unless these are shared; else between two places. */
function measure({ from, to }: Range, step: number | undefined) {
  if (typeof from === 'number' && typeof to === 'number')
    return { start: from, end: to, distance: step ?? 1, isShared: false, write: (at: number): number | string => at };
  const [start, end] = [parseTimeMs(String(from)) ?? Number.NaN, parseTimeMs(String(to)) ?? Number.NaN];
  const hasNoTime = isDay(from) && isDay(to);
  const write = (ms: number): number | string => new Date(ms).toISOString().slice(0, hasNoTime ? 10 : 24);
  return { start, end, distance: step ?? (hasNoTime ? DAY_MS : 1), isShared: step === undefined, write };
}

function middleOf(from: number, to: number, step: number): number | undefined {
  if (!(to - from >= step)) return undefined;
  return from + Math.floor((to - from - step) / 2 / step) * step;
}

function isDay(bound: number | string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(String(bound));
}
