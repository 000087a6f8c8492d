/**
 * Lists whose pages go on behind a time that rows may share, or a name or score by which they are sorted. A third party
 * that leaves that very value out leaves out its other rows as well, where a page ended between them. It says nothing of
 * it. Three things show such a list. The next page is named by a field of the last row, and rows of one page share that
 * field. The next page brings no row that has it. Pure.
 * Used by: `token-walk.ts`; `activities/page/store-page.ts` asks at the end. Next: `token-parts.ts`, `moments.ts`.
 */
import type { Memory } from '../loop-guard.ts';
import type { Pagination } from '../pagination.ts';
import type { ListEnd, ListState, PageAnswer, Step } from '../step.ts';
import { isSameMoment, momentOf, type Moment } from './moments.ts';
import { partsOf, valuesIn } from './token-parts.ts';

const MOST_FIELDS = 4;
const MOST_DEPTH = 3;
/** Values of lists that are looked at: `sort: [time]`. */
const MOST_VALUES = 4;
const LONGEST_PATH = 60;
/** What is no time is compared as it is. */
const AS_WRITTEN: Moment = { ns: 0n, step: 1n };

/** @param token of the next page. */
export function noteTime(memory: Memory, at: ListState, page: PageAnswer, token: string | undefined): void {
  const { rowItems } = page;
  noteJoint(memory, page);
  const last = rowItems.at(-1);
  const parts = token === undefined || last === undefined ? [] : partsOf(token, at.position, page.url);
  delete memory['timeAt'];
  if (parts.length === 0) return;
  const found = parts.map((part) => pathsOf(last, part));
  // A part that no field tells may tell rows of one time apart.
  const named = found.every((paths) => paths.length > 0) ? found.flat() : [];
  const told = parts.map(momentOf).find((moment) => moment !== undefined) ?? AS_WRITTEN;
  // A first page may be left with parts that are always the same.
  if (named.length === 0 && at.pages === 0 && parts.length > 1) return;
  const known = memory['time'] === undefined ? named : fieldsIn(memory['time']).filter((path) => named.includes(path));
  const different = known.length === 0 ? [] : differentRows(page);
  const valuesOf = (path: string): unknown[] => different.map((item) => valueAt(item, path));
  // What is no time may be a value of the last row by chance: by what rows are sorted, those of one value stand together.
  const isOrder = (path: string): boolean => told !== AS_WRITTEN || standTogether(valuesOf(path));
  const fields = [...new Set(known)].filter(isOrder).slice(0, MOST_FIELDS);
  memory['time'] = fields.join(' ');
  if (fields.length === 0) return;
  const shared = fields.filter((path) => hasTwice(valuesOf(path), told));
  memory['timeShared'] = joined(memory['timeShared'], shared);
  memory['timeAt'] = fields.map((path) => nameAt(valueAt(last, path), told)).join(' ');
  memory['timeStep'] = String(told.step);
  memory['timeCount'] = page.itemCount;
  // What was cut may be behind a page that is as large as can be.
  memory['timeFull'] = page.itemCount >= Math.min(at.asked.size, Number(memory['most'] ?? Infinity)) ? 1 : 0;
}

/** Is what the name of the next page has of the page's last row a value of all of its rows? */
export function isOfAllRows({ rowItems, url }: PageAnswer, token: string): boolean {
  const parts = valuesIn(token, url).filter((part) => pathsOf(rowItems.at(-1), part).length > 0);
  return parts.length > 0 && rowItems.every((row) => parts.every((part) => pathsOf(row, part).length > 0));
}

/** Is the name of a page, or a part of it, a value of this row? */
export function isNamedBy(row: unknown, token: string, url: string): boolean {
  return row !== undefined && valuesIn(token, url).some((value) => pathsOf(row, value).length > 0);
}

/** Does a row of the time behind which this page was asked for come again? */
function noteJoint(memory: Memory, { rowItems, itemCount }: PageAnswer): void {
  if (memory['timeAt'] === undefined) return;
  const fields = fieldsIn(memory['time']);
  const names = String(memory['timeAt']).split(' ');
  const told = { ns: 0n, step: BigInt(memory['timeStep'] ?? 1) };
  const again = fields.filter((path, n) => rowItems.some((item) => nameAt(valueAt(item, path), told) === names[n]));
  memory['timeAgain'] = joined(memory['timeAgain'], again);
  const count = Number(memory['timeCount']);
  const wasCut = itemCount > 0 ? count >= Math.max(itemCount, Number(memory['most'] ?? 0)) : memory['timeFull'] === 1;
  if (again.length === 0 && wasCut) memory['timeLeftOut'] = 1;
}

/** @returns the end of a list that would end here as complete, and may lack rows. */
export function leftOutByTime({ guards }: Pagination, { end, guard, total }: Step): ListEnd | undefined {
  // Where rows are counted, the count decides.
  if (end?.kind !== 'complete' || !guards['missing-rows'] || total !== null) return undefined;
  const [fields, shared, again] = ['time', 'timeShared', 'timeAgain'].map((name) => fieldsIn(guard[name]));
  const field = fields?.find((path) => !again?.includes(path));
  if (!guard['timeLeftOut'] || field === undefined || !fields?.every((path) => shared?.includes(path)))
    return undefined;
  const reason =
    `pages go on behind \`${field}\`, which several rows share, and no row that has it comes again on the next page. Rows between ` +
    'two pages may be left out. Ask from that value on (`>=`), or name an id as the next page';
  return { kind: 'truncated', reason };
}

const fieldsIn = (text: string | number | undefined): string[] =>
  typeof text === 'string' && text !== '' ? text.split(' ') : [];

const joined = (known: string | number | undefined, more: readonly string[]): string =>
  [...new Set([...fieldsIn(known), ...more])].slice(0, MOST_FIELDS).join(' ');

/** Names of the fields that hold this part of a token, e.g. `attributes.created_at`. */
function pathsOf(item: unknown, part: string, depth = 1): string[] {
  if (typeof item !== 'object' || item === null || item instanceof Date) return [];
  if (Array.isArray(item) && item.length > MOST_VALUES) return [];
  const paths = Object.entries(item).flatMap(([name, value]) => {
    if (/[ .]/.test(name) || name.length > LONGEST_PATH) return [];
    if (isSame(value, part)) return [name];
    return depth < MOST_DEPTH ? pathsOf(value, part, depth + 1).map((path) => `${name}.${path}`) : [];
  });
  return paths.filter((path) => path.length <= LONGEST_PATH).slice(0, MOST_FIELDS);
}

function valueAt(item: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((part: unknown, name) => (part as Record<string, unknown> | null | undefined)?.[name], item);
}

/** The value itself; its time, in the token's form; or the next or the one before, as "behind it" is written by hand. */
function isSame(value: unknown, part: string): boolean {
  if ((typeof value === 'string' || typeof value === 'number') && String(value) === part) return true;
  const [moment, told] = [momentOf(value), momentOf(part)];
  if (!moment || !told) return false;
  // A token that tells more than the row knows more than it.
  if (told.step < moment.step && told.ns % moment.step !== 0n) return false;
  if (isSameMoment(moment, told)) return true;
  return told.step <= 1_000_000_000n && [-1n, 1n].some((by) => isSameMoment(moment, told, by));
}

/** A short name of a field's value: times in the form that the token has. */
function nameAt(value: unknown, { step }: Moment): string | undefined {
  const moment = momentOf(value);
  if (moment) return String(moment.ns / step);
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  return String(value).replaceAll(' ', '_').slice(0, LONGEST_PATH);
}

/** A row that comes twice shares nothing with another one. */
function differentRows({ rowItems, keys }: PageAnswer): readonly unknown[] {
  if (keys.length !== rowItems.length) return rowItems;
  const seen = new Set<string>();
  return rowItems.filter((_, n) => seen.size < seen.add(keys[n] as string).size);
}

/** Is every value beside its like? */
function standTogether(values: readonly unknown[]): boolean {
  const names = values.map((value) => nameAt(value, AS_WRITTEN));
  return names.filter((name, at) => at === 0 || name !== names[at - 1]).length === new Set(names).size;
}

function hasTwice(values: readonly unknown[], told: Moment): boolean {
  const there = values.map((value) => nameAt(value, told)).filter((name) => name !== undefined);
  return new Set(there).size < there.length;
}
