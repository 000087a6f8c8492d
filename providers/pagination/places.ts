/**
 * As many different rows as places of a list were read must have come at its end. Each place has one row, so where
 * fewer came, some stood in two places, and others in none that was read. That shows an order which does not tell all
 * rows apart, whatever else a list tells. Rows that were pushed over a border by new ones before it come again in the
 * order that they had. Those new ones are met at the front, or by another reading. Pure.
 * Used by: `walks/overlap-walk.ts`, `walks/page-walk.ts`. Next: `list-end.ts` asks at the end of a reading.
 */
import type { EndChecks } from '../../contracts/list.ts';
import type { Memory } from './loop-guard.ts';
import type { ListState } from './step.ts';

/** The last rows of a page that are remembered. */
const TAIL_ROWS = 5;

/**
 * Counts the places of a page, in order.
 * @param known places of it, at its beginning, that an earlier page was asked for as well.
 * @param size rows that a whole page has.
 */
export function notePlaces(
  memory: Memory,
  at: ListState,
  page: readonly string[],
  known: number,
  size = at.asked.size,
): void {
  if (at.position?.pass !== undefined) memory['rowsBefore'] ??= at.rows;
  if (page.length === 0) return;
  // What comes twice in one answer stands twice in the list.
  const keys = new Set(page).size < page.length ? [...new Set(page)] : page;
  const again = Math.max(0, Math.min(known, keys.length));
  const pushed = Math.max(0, pushedTo(memory, keys) - again);
  // Behind a page of which rows were left out the places are not where its rows say. A page of more rows than were
  // asked for begins earlier.
  const odd = Math.min(pushed, Number(memory['leftOut'] ?? 0) + Math.max(0, page.length - size));
  memory['places'] = Number(memory['places'] ?? 0) + keys.length - again - odd;
  memory['pushes'] = Number(memory['pushes'] ?? 0) + pushed - odd;
  memory['leftOut'] = Math.max(0, size - page.length);
  memory['ends'] = keys
    .slice(-TAIL_ROWS)
    .map((key) => mix(key).toString(36))
    .join(' ');
}

/** Rows at the beginning of a page that were the last ones of the page before, in that order, with new ones among them. */
function pushedTo(memory: Memory, keys: readonly string[]): number {
  const ends = String(memory['ends'] ?? '');
  if (ends === '') return 0;
  const before = ends.split(' ').map((name) => Number.parseInt(name, 36));
  const last = before.at(-1);
  let at = keys.findIndex((key) => mix(key) === last);
  let met = 0;
  for (; at >= 0 && met < before.length; at--) {
    const name = mix(keys[at] as string);
    if (name === before.at(-1 - met)) met++;
    else if (before.includes(name)) return 0;
  }
  // What stands before all that is remembered was pushed with it.
  return met + at + 1;
}

/**
 * The fewest different rows with which the end of a reading is believed. What makes another reading worth its calls is
 * that this one has brought more than `rowsBefore`. Where by now as many rows have come as the reading before had
 * places, that one lacked nothing but what was new. Then what was pushed in this one need not have been met.
 */
export function leastRows(memory: Memory, at: ListState): Pick<EndChecks, 'leastRows' | 'rowsBefore'> {
  const {
    places = 0,
    pushes = 0,
    rowsBefore = 0,
    placesBefore,
  } = memory as Readonly<Record<string, number | undefined>>;
  const grows = placesBefore !== undefined && at.rows >= placesBefore;
  return { leastRows: grows ? places - pushes : places, rowsBefore };
}

/** What is counted stays so where the list is read on in another way. */
export function placesOf(memory: Memory): Memory {
  return kept(memory, ['places', 'pushes', 'ends', 'leftOut', 'rowsBefore', 'placesBefore']);
}

/** What another reading is told of this one. */
export function placesBefore({ places }: Memory): Memory {
  return places === undefined ? {} : { placesBefore: places };
}

function kept(memory: Memory, names: readonly string[]): Memory {
  return Object.fromEntries(Object.entries(memory).filter(([name]) => names.includes(name)));
}

/** FNV-1a: all keys of a page are looked at. */
function mix(key: string): number {
  let mixed = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) mixed = Math.imul(mixed ^ key.charCodeAt(at), 0x01000193);
  return mixed >>> 0;
}
