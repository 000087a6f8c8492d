/**
 * What a value on a command line may be: each reads the text, or says what was wanted. Used by `options.ts` and `cli/commands`.
 */
import { InvalidArgumentError } from 'commander';
import { checkStartedBy } from '../contracts/report.ts';

type Reader<Value> = (text: string) => Value;

/** @param most without it there is no upper end. */
export const wholeNumber =
  (least: number, most = Number.MAX_SAFE_INTEGER): Reader<number> =>
  (text) => {
    const number = numberIn(text);
    if (Number.isSafeInteger(number) && number >= least && number <= most) return number;
    const upTo = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${inWords(most)}`;
    throw new InvalidArgumentError(`It must be a whole number, ${upTo}.`);
  };

export const numberAboveZero: Reader<number> = (text) => {
  const number = numberIn(text);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError('It must be a number above 0.');
};

/** Both ends belong to it. */
export const numberFrom =
  (least: number, most: number): Reader<number> =>
  (text) => {
    const number = numberIn(text);
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${inWords(most)}.`);
  };

/** @param example a value that fits, as JSON. */
export const jsonValue =
  (example: string): Reader<unknown> =>
  (text) => {
    try {
      return JSON.parse(text);
    } catch {
      throw new InvalidArgumentError(`It is not JSON. Quote it for your shell, e.g. '${example}'.`);
    }
  };

const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i;

export const isoTime: Reader<string> = (text) => {
  if (ISO_TIME.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('It must be a time like 2026-11-01 or 2026-11-01T08:30:00Z.');
};

export const actorName: Reader<string> = (text) => {
  try {
    checkStartedBy(text);
    return text;
  } catch {
    throw new InvalidArgumentError('It must be `user:<id>` or `system`.');
  }
};

/** Of an argument that is given several times: all of them. */
export const each =
  <Value>(read: Reader<Value>) =>
  (text: string, previous: readonly Value[] | undefined): readonly Value[] => [...(previous ?? []), read(text)];

/** `Number('')` is 0, and `0x10` and `1e3` are not what a person means. */
function numberIn(text: string): number {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN;
}

const inWords = (number: number): string => number.toLocaleString('en-US');
