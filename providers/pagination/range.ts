/**
 * Ranges of ids or dates by which an endpoint can be asked: what is too long in one list is asked for in halves. Numbers, or ISO
 * dates (`2024-01-31`) and times (`2024-01-31T12:00:00Z`; without a zone they are UTC).
 * Used by: `result-cap.ts`, which splits where a list met the third party's cap.
 */
import type { Range } from '../../contracts/list.ts';
import {
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
   * Distance between the end of one half and the beginning of the next, in ids or milliseconds. Default 1; for dates
   * without a time one day. Larger than the third party's own resolution it would lose rows in between.
   */
  readonly step?: number;
  /** Splits a range in another way, e.g. by a list of regions. Undefined: it can't be split further. */
  readonly split?: (range: Range) => readonly [Range, Range] | undefined;
}

const DAY_MS = 86_400_000;
const RANGE = { whole: true, step: true, split: true } satisfies NamesOf<RangeOptions<never>>;

/** What is wrong with the `range` of a list, in words. */
export function rangeMistakes(options: { readonly range?: RangeOptions<never> }): string[] {
  const { range } = options;
  if (range === undefined) return [];
  const notObject = wrongObject(options, 'range', '{ whole: ({ from, to }) => ({ from, to }) }');
  if (notObject.length > 0) return notObject;
  const mistakes = [
    ...missingFunctions(range, ['whole']),
    ...wrongFunctions(range, ['split']),
    ...unknownOptions(range, RANGE),
  ];
  if (range.step !== undefined && !(Number.isFinite(range.step) && range.step > 0))
    mistakes.push(`\`step\` is ${JSON.stringify(range.step)}; it must be a number above 0`);
  return mistakes.map((text) => `range: ${text}`);
}

/**
 * Halves a range: `{ from: 1, to: 100 }` becomes 1 to 50 and 51 to 100.
 * @returns undefined when it is too small to be halved or not of numbers or dates.
 */
export function halve(range: Range, step?: number): readonly [Range, Range] | undefined {
  const { from, to } = range;
  if (typeof from === 'number' && typeof to === 'number') {
    const middle = middleOf(from, to, step ?? 1);
    return middle === undefined
      ? undefined
      : [
          { from, to: middle },
          { from: middle + (step ?? 1), to },
        ];
  }
  const [start, end] = [parseTimeMs(String(from)) ?? Number.NaN, parseTimeMs(String(to)) ?? Number.NaN];
  const hasNoTime = isDay(from) && isDay(to);
  const stepMs = step ?? (hasNoTime ? DAY_MS : 1);
  const middle = middleOf(start, end, stepMs);
  if (middle === undefined) return undefined;
  const write = (ms: number) => new Date(ms).toISOString().slice(0, hasNoTime ? 10 : 24);
  return [
    { from, to: write(middle) },
    { from: write(middle + stepMs), to },
  ];
}

function middleOf(from: number, to: number, step: number): number | undefined {
  if (!(to - from >= step)) return undefined;
  return from + Math.floor((to - from - step) / 2 / step) * step;
}

function isDay(bound: number | string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(String(bound));
}
