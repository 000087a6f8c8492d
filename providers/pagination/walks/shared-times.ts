/**
 * Lists whose pages go on behind a time that rows may share. A third party that leaves that very time out leaves out its other rows as
 * well, where a page ended between them, and says nothing of it. What shows such a list: the cursor is a field of the last row, rows of
 * one page share that field, and the next page brings no row that has it. Pure.
 * Used by: `token-walk.ts`; `activities/page/store-page.ts` asks at the end.
 */
import type { Memory } from '../loop-guard.ts';
import type { Pagination } from '../pagination.ts';
import type { ListEnd, ListState, PageAnswer, Step } from '../step.ts';

/** A date, or so many seconds or milliseconds; ids of that form are shared by no rows. */
const TIME = /^(?:\d{4}-\d\d-\d\d\S*(?: \S+)?|\d{9,16}(?:\.\d{1,9})?)$/;
const MOST_FIELDS = 4;
const MOST_DEPTH = 3;
const LONGEST_PATH = 60;

/** @param token of the next page. */
export function noteTime(memory: Memory, at: ListState, { rowItems }: PageAnswer, token: string | undefined): void {
  const used = at.position?.cursor;
  const fields = fieldsIn(memory['time']);
  if (used !== undefined && fields.length > 0 && !memory['timeComesAgain']) {
    const again = rowItems.some((item) => fields.some((path) => isSame(valueAt(item, path), used)));
    memory[again ? 'timeComesAgain' : 'timeLeftOut'] = 1;
  }
  const last = rowItems.at(-1);
  if (token === undefined || !TIME.test(token) || last === undefined) return;
  const named = pathsOf(last, token);
  const kept = memory['time'] === undefined ? named : fields.filter((path) => named.includes(path));
  memory['time'] = kept.join(' ');
  const shared = kept.filter((path) => hasTwice(rowItems.map((item) => valueAt(item, path))));
  memory['timeShared'] = [...new Set([...fieldsIn(memory['timeShared']), ...shared])].slice(0, MOST_FIELDS).join(' ');
}

/** @returns the end of a list that would end here as complete, and may lack rows. */
export function leftOutByTime({ guards }: Pagination, { end, guard, total }: Step): ListEnd | undefined {
  // Where rows are counted, the count decides.
  if (end?.kind !== 'complete' || !guards['missing-rows'] || total !== null) return undefined;
  const [fields, shared] = [fieldsIn(guard['time']), fieldsIn(guard['timeShared'])];
  if (!guard['timeLeftOut'] || guard['timeComesAgain'] || fields.length === 0) return undefined;
  if (!fields.every((path) => shared.includes(path))) return undefined;
  const reason =
    `pages go on behind \`${fields[0]}\`, which several rows share, and no row that has it comes again on the next page: rows between ` +
    'two pages may be left out. Ask from that time on (`>=`), or name an id as the next page';
  return { kind: 'truncated', reason };
}

const fieldsIn = (text: string | number | undefined): string[] =>
  typeof text === 'string' && text !== '' ? text.split(' ') : [];

/** Names of the fields that hold this time, e.g. `attributes.created_at`. */
function pathsOf(item: unknown, token: string, depth = 1): string[] {
  if (typeof item !== 'object' || item === null || Array.isArray(item) || item instanceof Date) return [];
  const paths = Object.entries(item).flatMap(([name, value]) => {
    if (/[ .]/.test(name) || name.length > LONGEST_PATH) return [];
    if (isSame(value, token)) return [name];
    return depth < MOST_DEPTH ? pathsOf(value, token, depth + 1).map((path) => `${name}.${path}`) : [];
  });
  return paths.filter((path) => path.length <= LONGEST_PATH).slice(0, MOST_FIELDS);
}

function valueAt(item: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((part: unknown, name) => (part as Record<string, unknown> | null | undefined)?.[name], item);
}

function isSame(value: unknown, token: string): boolean {
  if ((typeof value === 'string' || typeof value === 'number') && String(value) === token) return true;
  return msOf(value) === msOf(token);
}

/** NaN for what is no date. */
function msOf(value: unknown): number {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'string' && /^\d{4}-\d\d-/.test(value) ? Date.parse(value) : Number.NaN;
}

function hasTwice(values: readonly unknown[]): boolean {
  const there = values.filter((value) => value !== undefined && value !== null);
  const names = there.map((value) => (Number.isNaN(msOf(value)) ? String(value as string | number) : msOf(value)));
  return new Set(names).size < names.length;
}
