/**
 * Whether the end of a numbered list is to be believed. A list is complete when its end was seen and nothing can have slipped
 * between its pages while rows came and went. What shows that:
 *   - pages that overlap: the next one begins with the last row of the one before (`providers/pagination/walks/overlap-walk.ts`, lanes of offsets);
 *   - as many different rows as places were read (`places.ts`);
 *   - an exact total that stayed the same, with as many different rows, where there is one and pages can't overlap;
 *   - and pages that were read early, or came short or without rows, and are still the same at the end.
 * A list that has moved is read again, in order; after some readings it ends as `truncated`. Pure.
 * Used by: `providers/pagination/walks/page-walk.ts`, `providers/pagination/walks/lane-walk.ts`, `providers/pagination/walks/overlap-walk.ts`.
 */
import type { EndChecks, GoOn, Position } from '../../contracts/list.ts';
import { memoryOf, nameOf, type Memory } from './loop-guard.ts';
import type { Pagination } from './pagination.ts';
import { leastRows, placesBefore } from './places.ts';
import { COMPLETE, step, type ListState, type PageAnswer, type Step } from './step.ts';
import { FROM_ZERO, isFromZero, isOtherFirst } from './told/counted-from-zero.ts';

/** Readings of one list, after which it changes faster than it can be read. */
const MOST_READINGS = 4;

// ── What pages show on the way ───────────────────────────────────────────────────────────────────────────────────────

/**
 * Keeps count of the rows of a later reading. New rows at the front came in meanwhile. New ones behind a page that brought none
 * had slipped through the reading before.
 * @returns true when this is not the first reading of the list.
 */
export function noteReading(memory: Memory, { position, rows }: ListState): boolean {
  if (position?.pass === undefined) return false;
  const before = memory['rows'];
  if (before !== undefined && before === rows) memory['behindFront'] = 1;
  else if (before !== undefined && memory['behindFront']) memory['slipped'] = 1;
  memory['rows'] = rows;
  return true;
}

/** A total that rises or falls while the list is read: rows were added, or removed. */
export function noteTotal(memory: Memory, exact: number | undefined): void {
  if (exact === undefined) return;
  if (memory['total'] !== undefined && memory['total'] !== exact) {
    memory['moved'] = 1;
    memory['recounted'] = 1;
  }
  memory['total'] = exact;
}

/** The last row of the page before, found on this one: rows were added before this place. A later reading loses none by that. */
export function noteJoint(memory: Memory, keys: readonly string[], isLaterReading: boolean): void {
  if (keys.length === 0) return;
  const before = memory['last'];
  if (before !== undefined && !isLaterReading && keys.some((key) => nameOf(key) === before)) memory['moved'] = 1;
  memory['last'] = nameOf(keys.at(-1) as string);
  memory['same'] = memory['last'] === before ? Number(memory['same'] ?? 0) + 1 : 0;
}

/** Remembers the first page, and one from about the middle of what was read so far, to be looked at again at the end. */
export function noteProbe(memory: Memory, index: number, keys: readonly string[]): void {
  if (keys.length === 0 || !Number.isInteger(Math.log2(index + 1))) return;
  const newer = probeIn(memory, 'newer');
  if (newer) noteAs(memory, 'middle', newer);
  if (index === 0) noteAs(memory, 'front', pageOf(index, keys));
  noteAs(memory, 'newer', pageOf(index, keys));
}

function pageOf(index: number, keys: readonly string[]): Omit<Probe, 'name'> {
  return { index, first: nameOf(keys[0] as string), last: nameOf(keys.at(-1) as string), count: keys.length };
}

function noteAs(memory: Memory, name: ProbeName, { index, first, last, count }: Omit<Probe, 'name'>): void {
  memory[`${name}.index`] = index;
  memory[`${name}.count`] = count;
  memory[`${name}.first`] = first;
  memory[`${name}.last`] = last;
}

/**
 * Remembers the first page that is shorter than others, to be looked at again at the end where rows came behind it: it may have come short
 * for a moment only. A third party that filters what it has cut has several such pages.
 */
export function noteShort(memory: Memory, index: number, keys: readonly string[], whole: number): void {
  if (keys.length === 0) return;
  const isShort = keys.length < whole;
  memory['shortLast'] = isShort ? 1 : 0;
  if (!isShort) return;
  memory['shorts'] = Number(memory['shorts'] ?? 0) + 1;
  if (memory['shorts'] === 1) noteAs(memory, 'short', pageOf(index, keys));
}

/**
 * Remembers pages without rows, to be looked at again at the end. A page that came blank, or was refused, for a moment
 * only would hide the rest of the list, or a piece of it. The first one with rows behind it, and the first one of those
 * that the list seems to end with.
 * @param isCounted as many items came as the exact total says: the end needs no second look.
 * @param isNamed the page before has named it as the next one: so that page is looked at again, too, and a refusal is no end.
 */
export function noteBlank(
  memory: Memory,
  index: number,
  { itemCount, isRefused }: PageAnswer,
  isCounted: boolean,
  isNamed: boolean,
): void {
  if (itemCount > 0) {
    if (memory['blankAt'] !== undefined) memory['gapAt'] ??= memory['blankAt'];
    delete memory['blankAt'];
    delete memory['leadAt'];
    return;
  }
  if (index === 0 || isCounted) return;
  memory['blankAt'] ??= index;
  if (!isNamed) return;
  memory['leadAt'] ??= index - 1;
  if (isRefused) memory['refused'] = 1;
}

// ── What follows at the end ──────────────────────────────────────────────────────────────────────────────────────────

/** The step after a page that ends one reading of a list whose pages do not overlap. */
export function endOfReading(p: Pagination, at: ListState, memory: Memory): Partial<Step> {
  if (!p.guards['moved-rows']) return believedEnd(p, at, memory);
  if (memory['moved'] || memory['slipped']) return readAgain(p, at, memory);
  if (isLater(at)) memory['rowsAtEnd'] = at.rows;
  const first = looksOf(at).find((look) => indexOf(memory, look) >= 0);
  if (first) return lookAgain(at, memory, first);
  return believedEnd(p, at, memory);
}

/** What the store must find before such an end is believed. */
export function checksOf(p: Pagination, at: ListState, memory: Memory): EndChecks | null {
  if (!p.guards['moved-rows']) return null;
  const isLast = memory['looked'] === undefined;
  return {
    doubt: againFrom(p, at, memory) ?? null,
    isTwiceDoubtful: !isLater(at) && p.guards['repeated-rows'],
    // The last page of a later reading, or a look behind the front, must not be the one that brings what had slipped through.
    mostRows: isLater(at) && (isLast ? memory['behindFront'] : memory['looked'] !== 'front') ? at.rows : null,
    ...(p.guards['repeated-rows'] ? leastRows(memory, at) : { leastRows: null, rowsBefore: 0 }),
    still: null,
    caps: [],
    split: null,
  };
}

/** Looks again at a page that was remembered. */
export function afterStill(p: Pagination, at: ListState, page: PageAnswer): Step {
  const memory = memoryOf(at.guard);
  const looked = String(memory['looked'] ?? 'front') as Look;
  const facts = { guard: memory, isReread: true };
  if (looked === 'front' && isOtherFirst(memory, at.asked, page.keys.map(nameOf)))
    return step(at, { ...facts, end: FROM_ZERO });
  // What the look at the front has brought came in at the front.
  const hasSlipped =
    looked === 'front' && isLater(at) && memory['behindFront'] && at.rows > Number(memory['rowsAtEnd']);
  if (hasSlipped || !isAsItWas(at, page, memory, looked)) return step(at, { ...facts, ...readAgain(p, at, memory) });
  if (looked === 'front' && isFromZero(memory, page.keys)) return step(at, { ...facts, end: FROM_ZERO });
  const looks = looksOf(at);
  const next = looks.slice(looks.indexOf(looked) + 1).find((look) => indexOf(memory, look) > 0);
  if (next) return step(at, { ...facts, ...lookAgain(at, memory, next) });
  return step(at, { ...facts, ...believedEnd(p, at, memory) });
}

/** The end of a list that was seen as often as its guards ask for. */
function believedEnd(p: Pagination, at: ListState, memory: Memory): Partial<Step> {
  if (!memory['refused']) return { end: COMPLETE, checks: checksOf(p, at, memory) };
  return { end: { kind: 'truncated', reason: 'its last page names a next one, and the third party refuses that' } };
}

/**
 * A page with rows begins and ends with the same ones; a blank one is blank again. Behind a later reading, which has
 * seen what moved before it, new rows may have come to the front. But where rows were taken from it, others have moved
 * over the borders of its pages.
 */
function isAsItWas(at: ListState, page: PageAnswer, memory: Memory, looked: Look): boolean {
  if (looked === 'gapAt' || looked === 'blankAt') return page.itemCount === 0;
  if (looked === 'leadAt') return page.itemCount > 0;
  const probe = probeIn(memory, looked);
  const names = page.keys.map(nameOf);
  if (isLater(at)) return names.includes(String(probe?.first));
  // A page that is asked for in a smaller size now ends elsewhere.
  const isWhole = page.itemCount === 0 || at.asked.size >= (at.position?.size ?? 0);
  return names[0] === probe?.first && (!isWhole || (names.at(-1) === probe?.last && names.length === probe?.count));
}

/** @param why for people, when it was read often enough. */
export function readAgain(p: Pagination, at: ListState, memory: Memory, why?: string): Partial<Step> {
  const again = againFrom(p, at, memory);
  if (again) return again;
  const what = why ?? `rows were added, removed or moved in each of ${MOST_READINGS} readings`;
  return { end: { kind: 'truncated', reason: `${what}: the list changes faster than it is read` } };
}

/** From the first page again, in order. @returns undefined when that was tried often enough. */
export function againFrom(p: Pagination, at: ListState, memory: Memory): GoOn | undefined {
  const pass = (at.position?.pass ?? 1) + 1;
  if (pass > MOST_READINGS) return undefined;
  // How many rows the server gives is seen anew: it may give fewer by now.
  const { most: _, ...kept } = keptOf(memory);
  return { position: { ...startOf(p, at, memory), pass }, guard: { ...kept, ...placesBefore(memory) } };
}

/** The front of the list, with overlapping pages where that is possible. */
function startOf(p: Pagination, at: ListState, memory: Memory): Position {
  const size = Number(memory['most'] ?? at.position?.size ?? at.asked.size);
  return overlaps(p, at, memory) ? { offset: 0, size } : { index: 0, size };
}

/**
 * Can pages of this list overlap? Those of offsets, unless the server rounds them, and those by number where the size can be chosen.
 */
export function overlaps(p: Pagination, at: ListState, memory: Memory): boolean {
  if (memory['apart'] || p.advanceBy === 'size') return false;
  return p.kind === 'offset' || at.isSizable;
}

/** The first page stays remembered where the list is read on in another way. */
export function frontOf(memory: Memory): Memory {
  return Object.fromEntries(Object.entries(memory).filter(([name]) => name.startsWith('front')));
}

/** So does what the total was when the reading began. */
export function totalAtBegin({ total }: Memory): Memory {
  return total === undefined ? {} : { total };
}

/** What is known of the server, and of readings before it, stays known in another reading. */
export function keptOf(memory: Memory): Memory {
  const kept: Memory = {};
  for (const name of [
    'most',
    'apart',
    'wrong',
    'uneven',
    'pins',
    'fromZero',
    'firstSize',
    'begunAgain',
    'itemsBefore',
  ] as const) {
    const value = memory[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

type ProbeName = 'front' | 'middle' | 'newer' | 'short';

/** Pages that are looked at again at the end, in this order. */
const LOOKS = ['front', 'middle', 'short', 'gapAt', 'leadAt', 'blankAt'] as const;
type Look = (typeof LOOKS)[number] | 'newer';

/** A later reading looks at a page of its second half: what was removed before that has moved rows over its borders. */
const looksOf = (at: ListState): readonly Look[] => (isLater(at) ? ['front', 'newer'] : LOOKS);

function isLater({ position }: ListState): boolean {
  return position?.pass !== undefined;
}

interface Probe {
  readonly name: ProbeName;
  readonly index: number;
  readonly first: string | number;
  readonly last: string | number;
  /** Of a page of which rows are left out the last one may stay where one before it was deleted. */
  readonly count: number;
}

function lookAgain({ position, asked }: ListState, memory: Memory, look: Look): GoOn {
  const size = position?.size ?? asked.size;
  const pass = position?.pass === undefined ? {} : { pass: position.pass };
  return {
    position: { ...pass, again: 'still', index: indexOf(memory, look), size },
    guard: { ...memory, looked: look },
  };
}

/** Where the page of a look is; -1 when there is none. */
function indexOf(memory: Memory, look: Look): number {
  if (look === 'gapAt' || look === 'blankAt') return Number(memory[look] ?? -1);
  if (look !== 'leadAt' && look !== 'short') return probeIn(memory, look)?.index ?? -1;
  const isOneShort = Number(memory['shorts'] ?? 0) - Number(memory['shortLast'] ?? 0) === 1;
  const index = look === 'leadAt' ? Number(memory[look] ?? -1) : isOneShort ? Number(memory['short.index']) : -1;
  // It has been looked at already.
  return index > 0 && index !== probeIn(memory, 'middle')?.index ? index : -1;
}

/** Are these the rows of the page that was remembered? */
export function isProbed(memory: Memory, name: ProbeName, keys: readonly string[]): boolean {
  const probe = probeIn(memory, name);
  const [first, last] = [keys[0], keys.at(-1)];
  return first !== undefined && last !== undefined && probe?.first === nameOf(first) && probe.last === nameOf(last);
}

/** @returns undefined when no such page was remembered: the list is shorter. */
export function probeIn(memory: Memory, name: ProbeName): Probe | undefined {
  const index = memory[`${name}.index`];
  if (index === undefined) return undefined;
  const of = (what: string): string | number => memory[`${name}.${what}`] ?? '';
  return { name, index: Number(index), first: of('first'), last: of('last'), count: Number(of('count')) };
}
