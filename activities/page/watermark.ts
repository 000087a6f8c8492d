/**
 * How far a list is known: the highest value that its rows have brought. It is kept for each parent when the list was
 * read to its end. The look-back takes it back when the next run asks for what changed since. Pure.
 * Used by: `store-page.ts`, `activities/sync/make-attempt.ts`. `db/functions/lists/settle-lists.sql` keeps it with the parent.
 */
import type { ListMemory } from '../../contracts/list.ts';
import { parseTimeMs } from '../../contracts/values/time.ts';
import type { Incremental } from '../../providers/define/node-options.ts';

/** A time as ISO text in UTC, or the digits of an id that no number holds; else a number. */
export type Mark = string | number;

const EPOCH_MS_FROM = 1e11;
const EPOCH_S_FROM = 1e8;
/** No list has all rows of a page dated farther ahead than this: the numbers are none of times. */
const FARTHEST_AHEAD_MS = 365 * 86_400_000;

/** In the memory of a list by ids: the highest one of its first page, or nothing once they do not rise any more. */
const FIRST = 'ids.first';
/** The rows of the first page come down, the highest one first. */
const FALLING = 'ids.falling';

/**
 * The highest mark of a list with this page; null when nothing has one.
 * @param latestMs Epoch milliseconds at which the run began, by the third party's clock or the database's. No time is
 *   taken for later. A page that comes late may have a row that was changed after another page had been read. From its
 *   time on, what else was changed meanwhile would never be asked for. And a row that is dated in the future would hide
 *   all that comes until then.
 * @returns `memory` is to be kept with the list; `doubt`: in words, that its numbers are probably none of times.
 * @throws TypeError for a value that is neither a time nor a number.
 */
export function highestMark(
  incremental: Incremental<unknown> | 'checkpoint' | undefined,
  items: readonly unknown[],
  { highest: before, guard }: { readonly highest: Mark | null; readonly guard: ListMemory | null },
  latestMs: number,
): { readonly highest: Mark | null; readonly memory: ListMemory; readonly doubt?: string | undefined } {
  if (!incremental || incremental === 'checkpoint') return { highest: null, memory: {} };
  const marks = items.map((item) => markOf(incremental, item, latestMs)).filter((mark) => mark !== null);
  const highest = highestOf(marks, before);
  if (highest === null || marks.length === 0) return { highest, memory: {} };
  if (isTime(highest, incremental))
    return { highest, memory: {}, doubt: probablyIds(incremental, items, marks, latestMs) };
  return highestId(marks, highest, before, { first: guard?.[FIRST], falls: guard?.[FALLING] === 1 });
}

/**
 * Numbers that are taken for times by their size, and would all be far ahead: ids that grow large, microseconds. Each run would ask for all
 * of them again. One row may be dated so by mistake.
 */
function probablyIds(
  incremental: Incremental<unknown>,
  items: readonly unknown[],
  marks: readonly Mark[],
  latestMs: number,
): string | undefined {
  const [first] = marks;
  const unitMs = typeof first === 'number' ? unitOf(first, incremental) : undefined;
  if (incremental.numbers !== undefined || unitMs === undefined || marks.length < 2) return undefined;
  // As `normalised` holds them back, without asking for each again.
  if (marks.some((mark) => mark !== Math.ceil(latestMs / unitMs))) return undefined;
  const ahead = items.map((item) => Number(incremental.field(item))).filter((value) => value > 0);
  if (ahead.some((value) => value * unitMs < latestMs + FARTHEST_AHEAD_MS)) return undefined;
  return (
    `\`incremental.field\` gives numbers such as ${ahead[0]}, which as times in ${unitMs === 1 ? 'milliseconds' : 'seconds'} would be far ahead, so ` +
    "each run asks for all of them again: say `numbers: 'ids'`, give the time in another unit, or say `numbers` if they are such times"
  );
}

/**
 * No clock says which ids had been given out when the reading began, as it does for times. Those of the first page had. Beyond it, only a
 * list whose ids rise from page to page brings all that were given out below the highest one.
 * @param first what is remembered. Another reading of the list remembers nothing, and adds nothing.
 */
function highestId(
  marks: readonly Mark[],
  highest: Mark,
  before: Mark | null,
  { first, falls }: { readonly first: Mark | undefined; readonly falls: boolean },
): ReturnType<typeof highestMark> {
  if (first === undefined && before === null)
    return { highest, memory: { [FIRST]: highest, ...(isFalling(marks) ? { [FALLING]: 1 } : {}) } };
  if (first === undefined || first === '') return { highest: before, memory: { [FIRST]: '' } };
  const rising = falls && before !== null ? marks.toReversed() : marks;
  const isRising = isOrdered(rising, (one, next) => !isAfter(one, next));
  // Rows of the page before may come again.
  const goesOn = before === null || !isAfter(before, rising[0] as Mark) || rising.includes(before);
  return isRising && goesOn ? { highest, memory: {} } : { highest: first, memory: { [FIRST]: '' } };
}

/** Some have the newest row of each page first, though pages rise. Two rows may stand so by chance. */
function isFalling(marks: readonly Mark[]): boolean {
  return marks.length > 2 && isOrdered(marks, isAfter);
}

function isOrdered(marks: readonly Mark[], isSo: (one: Mark, next: Mark) => boolean): boolean {
  return marks.every((mark, index) => index === 0 || isSo(marks[index - 1] as Mark, mark));
}

function highestOf(marks: readonly Mark[], before: Mark | null): Mark | null {
  return marks.reduce<Mark | null>((high, mark) => (high === null || isAfter(mark, high) ? mark : high), before);
}

/** How new an item is; null where it does not tell. */
export function markOf(incremental: Incremental<unknown>, item: unknown, answeredAtMs: number): Mark | null {
  return normalised(incremental.field(item), incremental, answeredAtMs);
}

/** @param since as `askFrom` gives it. */
export function isBelow(mark: Mark, since: string): boolean {
  if (typeof mark === 'number') return isAfter(Number(since), mark);
  return /^\d+$/.test(since) === /^\d+$/.test(mark) && isAfter(since, mark);
}

/** Third parties that keep seconds, or ask for what is later and not as late, would leave out a row of the watermark's own moment. */
const LEAST_LOOKBACK_MS = 1_000;

/** What to ask from: the mark less the look-back, a second at least; from ids nothing is taken. */
export function askFrom(mark: Mark, incremental: Pick<Incremental<unknown>, 'lookbackMs' | 'numbers'>): string {
  const lookbackMs = Math.max(incremental.lookbackMs, LEAST_LOOKBACK_MS);
  if (typeof mark === 'number') {
    const unitMs = unitOf(mark, incremental);
    return String(unitMs === undefined ? mark : mark - Math.ceil(lookbackMs / unitMs));
  }
  const time = parseTimeMs(mark);
  return time === undefined ? mark : new Date(time - lookbackMs).toISOString();
}

/** Whether something is taken off the mark, so that its own row comes again. */
export function isTime(mark: Mark, incremental: Pick<Incremental<unknown>, 'numbers'>): boolean {
  return typeof mark === 'number' ? unitOf(mark, incremental) !== undefined : parseTimeMs(mark) !== undefined;
}

/** When the third party answered: by its own clock, where it told one. @param nowMs by the database's, which is one for all workers. */
export function answeredAt(headers: Readonly<Record<string, string>>, nowMs: number): number {
  const told = Date.parse(headers['date'] ?? '');
  return Number.isNaN(told) ? nowMs : told;
}

function normalised(
  value: Mark | null | undefined,
  incremental: Pick<Incremental<unknown>, 'numbers' | 'zone'>,
  latestMs: number,
): Mark | null {
  if (value === null || value === undefined || value === '') return null;
  const number = typeof value === 'number' ? value : /^\s*[+-]?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
  if (number !== undefined && Number.isFinite(number)) {
    if (typeof value === 'string' && !Number.isSafeInteger(number) && !value.includes('.')) return value.trim();
    const unitMs = unitOf(number, incremental);
    return unitMs === undefined ? number : Math.min(number, Math.ceil(latestMs / unitMs));
  }
  const time = typeof value === 'string' ? parseTimeMs(value, incremental.zone) : undefined;
  if (time === undefined) {
    const wanted = 'a time in ISO 8601, or a number; null for an item that has none';
    throw new TypeError(
      `it gave ${JSON.stringify(String(value).slice(0, 60))}, which is no watermark; it must be ${wanted}`,
    );
  }
  return new Date(Math.min(time, latestMs)).toISOString();
}

/** Milliseconds of one unit of a number; undefined for ids. */
function unitOf(value: number, { numbers }: Pick<Incremental<unknown>, 'numbers'>): number | undefined {
  const kind = numbers ?? (value >= EPOCH_MS_FROM ? 'milliseconds' : value >= EPOCH_S_FROM ? 'seconds' : 'ids');
  return { milliseconds: 1, seconds: 1_000, ids: undefined }[kind];
}

/** Long ids are longer than shorter ones; times are all of one length. */
export function isAfter(a: Mark, b: Mark): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a > b;
  const [left, right] = [String(a), String(b)];
  return left.length === right.length ? left > right : left.length > right.length;
}
