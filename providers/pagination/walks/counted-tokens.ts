/**
 * Cursors and links that count (`next_offset: 200`, `arrayconnection:199` in Base64): each names how many rows lie before its page. Then as
 * many different rows must have come in the end as places were read. Where rows came twice, the order does not tell all rows apart (several
 * share a time), or the list has moved, and others were left out. Rows that were added in front move the last ones over the border: that
 * loses none. Pure. Used by: `token-walk.ts`. Next: `token-parts.ts`.
 */
import { digest, type Memory } from '../loop-guard.ts';
import type { ListState, PageAnswer } from '../step.ts';
import { numbersIn } from './token-parts.ts';

/** The number is that of the next row, counted from 0, of the last one, or of the next one, counted from 1. */
const OFFSETS = [0, -1, 1];
/** Fewer numbers that fit are chance. */
const LEAST_TOKENS = 2;
/** The last rows of a page that are remembered. */
const TAIL_ROWS = 5;

/** To be called for each page that is followed by another. @param token of the next page. */
export function noteCount(memory: Memory, at: ListState, page: PageAnswer, token: string): void {
  if (at.pages === 0) Object.assign(memory, { counted: 0, countedTokens: 0 });
  if (memory['counted'] === undefined) return;
  const before = Number(memory['counted']);
  const after = before + page.itemCount;
  const numbers = numbersIn(token, page.url);
  const known = memory['countedFrom'];
  const from = (known === undefined ? OFFSETS : [Number(known)]).find((offset) => numbers.has(after + offset));
  if (from === undefined) {
    // A page that was asked for again names the same next one.
    if (known !== undefined && numbers.has(before + Number(known))) return;
    delete memory['counted'];
    return;
  }
  const shifted = Number(memory['countedShifted'] ?? 0) + shiftedBy(memory, page);
  Object.assign(memory, {
    counted: after,
    countedFrom: from,
    countedTokens: Number(memory['countedTokens']) + 1,
    countedShifted: shifted,
    countedTail: page.keys
      .slice(-TAIL_ROWS)
      .map((key) => digest([key]))
      .join(' '),
  });
}

/** How many different rows must have come with this page, the last one; undefined where nothing counts them. */
export function countAt(memory: Memory, page: PageAnswer): number | undefined {
  if (memory['counted'] === undefined || Number(memory['countedTokens']) < LEAST_TOKENS) return undefined;
  return Number(memory['counted']) + page.itemCount - Number(memory['countedShifted']) - shiftedBy(memory, page);
}

/** Rows at the beginning of a page that were the last ones of the page before, in the same order: an order that is no order has them anywhere. */
function shiftedBy(memory: Memory, { keys }: PageAnswer): number {
  const before = String(memory['countedTail'] ?? '').split(' ');
  const last = keys.findIndex((key) => digest([key]) === before.at(-1));
  const isMoved = before.slice(-last - 1).every((name, n, names) => {
    const key = keys[last + 1 - names.length + n];
    return key !== undefined && digest([key]) === name;
  });
  return last >= 0 && isMoved ? last + 1 : 0;
}
