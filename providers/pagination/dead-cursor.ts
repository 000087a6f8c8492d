/**
 * A list whose next page can't be had any more, because the third party has forgotten the cursor that it gave out. It
 * is read again from its beginning, once, or read on behind the last row that came. The same goes for a page whose answer
 * was lost, where the third party keeps the place itself. Pure.
 * Used by: `activities/sync/decide.ts`, `activities/sync/call-once.ts`, `activities/sync/fetch-page.ts`,
 * `activities/sync/settle-answer.ts`, `providers/pagination/walks/token-walk.ts`.
 */
import type { Memory } from './loop-guard.ts';
import { memoryOf } from './loop-guard.ts';
import { PLACE } from '../rules/place-names.ts';
import type { Pagination } from './pagination.ts';
import { step, type ListState, type PageAnswer, type Step } from './step.ts';

/** What they say of one that is dead, before its name or behind it. */
const DEAD = String.raw`(?:expired?|invalid|incorrect|bad|not[ _-]valid|no[ _-]longer|not[ _-](?:found|available)|unknown|stale|outdated|missing|forgotten|does[ _-]not[ _-]exist)`;
const WORDS = new RegExp(String.raw`${PLACE}\W?.{0,60}?${DEAD}|${DEAD}.{0,30}?${PLACE}`, 'i');
/** @see RFC 6578 §3.2: an element of this name, and nothing else. */
const OVER =
  /valid-sync-token|resync[ _-]?required|full[ _-]?(?:re)?sync(?:hroni[sz]ation)?[ _-]?(?:is[ _-])?required/i;
const SEEN_OF_TEXT = 2_000;
/** Lost answers after which a list whose place is kept elsewhere is not begun again. */
const MOST_LOST = 5;

/** Does the answer say so in well-known words? */
export function saysCursorIsDead(text: string): boolean {
  return WORDS.test(text.slice(0, SEEN_OF_TEXT));
}

/** Does it say, of what an earlier run has kept, that one must begin anew? */
export function saysCheckpointIsOver(text: string): boolean {
  return saysCursorIsDead(text) || OVER.test(text.slice(0, SEEN_OF_TEXT));
}

/** The list asked for a page that an earlier one had named. An address with a plain number in it is known for ever. */
export function hasCursor({ position, asked }: ListState): boolean {
  const { counted } = position ?? {};
  if (counted) return counted.form !== 'plain' || asked.cursor !== undefined;
  return (position?.cursor ?? position?.url) !== undefined;
}

/** The step of a list whose cursor is dead. */
export function afterDeadCursor(p: Pagination, at: ListState, reason: string): Step {
  const memory = memoryOf(at.guard);
  const mark = memory['mark'];
  if (p.behind && mark !== undefined) {
    if (memory['diedAt'] === mark) return died(at, `behind the same row again: ${reason}`);
    return step(at, {
      position: { behind: String(mark) },
      guard: { ...keptOf(memory), mark, diedAt: mark },
    });
  }
  return memory['begunAgain'] ? died(at, `twice: ${reason}`) : beginAgain(at, memory);
}

/**
 * Does the third party keep the place, and go on with each call? Then a page whose answer was lost can't be asked for again: the next one
 * would come. So it is where the same name stands on each page (a scroll id), which the definition allows. On the second page that is not seen yet.
 */
export function isPlaceKept({ guards }: Pagination, list: ListState): boolean {
  return !guards['repeated-token'] && hasCursor(list) && list.guard?.['stays'] !== 0;
}

/** @param used name of this page. @param next name of the page behind it. */
export function noteWhetherItStays(memory: Memory, used: string | undefined, next: string | undefined): void {
  if (used === undefined || next === undefined || memory['stays'] === 1) return;
  memory['stays'] = used === next ? 1 : 0;
}

/** The step of a list whose place is kept elsewhere, and that may have missed a page. */
export function afterLostAnswer(p: Pagination, at: ListState, why: string): Step {
  const memory = memoryOf(at.guard);
  if (p.behind && memory['mark'] !== undefined) return afterDeadCursor(p, at, why);
  const lost = Number(memory['lost'] ?? 0) + 1;
  if (lost <= MOST_LOST) return beginAgain(at, { ...memory, lost });
  const reason = `the third party keeps the place of reading, and ${lost} of its answers were lost, each with a page: ${why}`;
  return step(at, { end: { kind: 'truncated', reason } });
}

/** The list from its beginning, which is done once. @param came items of the page that leads there. */
export function beginAgain(at: ListState, memory: Memory, came = 0): Step {
  return step(at, { position: null, guard: { ...keptOf(memory), begunAgain: 1, itemsBefore: at.items + came } });
}

function died(at: ListState, how: string): Step {
  return step(at, { end: { kind: 'truncated', reason: `the third party has forgotten its own cursor ${how}` } });
}

/** What stays known of the list when its loop guards begin anew. */
function keptOf(memory: Memory): Memory {
  const kept: Memory = {};
  for (const name of ['begunAgain', 'itemsBefore', 'looks', 'lookedBehind', 'stays', 'lost'] as const) {
    const value = memory[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** It is in its second reading. */
export function hasBegunAgain(at: Pick<ListState, 'guard'>): boolean {
  return at.guard?.['begunAgain'] === 1;
}

/** Rows that come again on purpose: of the second reading, or at the place where the list is read on. */
export function isReadAgain(at: ListState): boolean {
  return hasBegunAgain(at) || (at.position?.behind !== undefined && !hasCursor(at));
}

/** Items of this reading of the list. */
export function itemsOfReading({ items, guard }: Pick<ListState, 'items' | 'guard'>): number {
  return items - Number(guard?.['itemsBefore'] ?? 0);
}

/** Remembers the row behind which the list could be read on. @throws TypeError when `behind` gives something else than a text or number. */
export function noteMark(p: Pagination, memory: Memory, { rowItems }: PageAnswer): void {
  const lastItem = rowItems.at(-1);
  if (!p.behind || lastItem === undefined) return;
  const mark: unknown = p.behind(lastItem) ?? null;
  if ((typeof mark !== 'string' && typeof mark !== 'number') || mark === '')
    throw new TypeError(
      `\`onDeadCursor.behind\` gave ${JSON.stringify(mark).slice(0, 60)}; it must be text or a number`,
    );
  memory['mark'] = mark;
}
