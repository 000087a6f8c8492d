/**
 * Notices lists that never end, with a memory of a few numbers: Brent's cycle finding over page tokens and over the keys
 * of each page (R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20, 1980). It finds a repeat of any
 * length: A→A at once, A→B→A within a few pages. Pure.
 * Used by: `providers/pagination/walks/token-walk.ts`, `providers/pagination/walks/page-walk.ts`, `providers/pagination/walks/overlap-walk.ts`.
 */
import { hash } from 'node:crypto';
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { ListMemory } from '../../contracts/list.ts';
import type { Pagination } from './pagination.ts';
import type { ListEnd, ListState, PageAnswer } from './step.ts';

/** Empty pages in a row, each with a token for the next, after which a list is called endless. */
const EMPTY_PAGES_LIMIT = 10;
/** Non-empty pages in a row without a single row that this list had not brought before; the store counts them. */
export const STALLED_PAGES_LIMIT = 3;
/** A page with less than this share of what was asked for is thin, and so is one row of several. */
const THIN_SHARE = 1 / 20;
const SEVERAL = 4;
/** Thin pages in a row that make a list endless: where the endpoint is known to give more, and where nothing is known. */
const THIN_PAGES_LIMIT = 100;
const THIN_PAGES_LIMIT_UNKNOWN = 200;

/** What a list remembers while a page is looked at. */
export type Memory = Record<string, string | number>;

export interface Token {
  /** Of the next page. */
  readonly next: string;
  /** Of this page. */
  readonly used: string | undefined;
}

/** @returns the end with its evidence when the list does not end by itself; `memory` is brought up to date. */
export function watchForLoop(
  p: Pagination,
  memory: Memory,
  at: ListState,
  page: Pick<PageAnswer, 'keys' | 'itemCount'>,
  token?: Token,
): ListEnd | undefined {
  const { guards } = p;
  const { keys } = page;
  const number = at.pages + 1;
  const looped = (reason: string): ListEnd => ({ kind: 'looped', reason });
  if (token && guards['repeated-token']) {
    if (token.next === token.used)
      return looped(`page ${number} names itself as the next page (token ${shorten(token.next)})`);
    const length = brent(memory, 'token', digest([token.next]));
    if (length)
      return looped(
        `page ${number} names a next page that was visited ${plural(length, 'page')} before (token ${shorten(token.next)})`,
      );
  }
  if (keys.length > 0) {
    memory['empty'] = 0;
    const length = guards['repeated-rows'] ? brent(memory, 'keys', digest(keys)) : 0;
    if (length)
      return looped(
        `page ${number} has the same ${plural(keys.length, 'row')} as page ${number - length} (first key ${shorten(keys[0] ?? '')})`,
      );
  } else {
    const empty = Number(memory['empty'] ?? 0) + 1;
    memory['empty'] = empty;
    // Lanes see only their own pages.
    const limit = at.isLaned ? Math.max(2, Math.ceil(EMPTY_PAGES_LIMIT / p.lanes)) : EMPTY_PAGES_LIMIT;
    if (guards['empty-pages'] && empty >= limit)
      return looped(`${empty} empty pages in a row, each saying that more follows`);
  }
  return thinPages(p, memory, at, page.itemCount) ?? tooManyPages(p, at);
}

/** Pages that hardly bring a row: a third party that is off by one pages on for ever with one row each. */
function thinPages({ guards }: Pagination, memory: Memory, at: ListState, itemCount: number): ListEnd | undefined {
  const size = at.mayAsk ?? at.asked.size;
  if (itemCount > 0) memory['thin'] = isThin(itemCount, size) ? Number(memory['thin'] ?? 0) + 1 : 0;
  const limit = isThin(itemCount, at.given ?? 0) ? THIN_PAGES_LIMIT : THIN_PAGES_LIMIT_UNKNOWN;
  const thin = Number(memory['thin'] ?? 0);
  // An exact total says that there are so many.
  const isCounted = Number(memory['total'] ?? 0) > at.rows;
  if (!guards['thin-pages'] || thin < limit || isCounted) return undefined;
  const reason = `${thin} pages in a row brought hardly a row each, the last one ${itemCount} of the ${size} that were asked for`;
  return { kind: 'looped', reason };
}

function isThin(items: number, of: number): boolean {
  return of >= SEVERAL && items < Math.max(2, of * THIN_SHARE);
}

function tooManyPages(p: Pagination, at: ListState): ListEnd | undefined {
  const most = at.isLaned ? Math.ceil(p.maxPages / p.lanes) : p.maxPages;
  if (at.pages + 1 < most || !p.guards['page-maximum']) return undefined;
  return { kind: 'truncated', reason: `stopped after ${p.maxPages} pages, the most that maxPages allows` };
}

/** One step of Brent's algorithm on the sequence called `name`. @returns the length of the cycle, or 0. */
function brent(memory: Memory, name: string, value: string): number {
  const anchor = memory[`${name}.anchor`];
  const distance = Number(memory[`${name}.distance`] ?? 0) + 1;
  const power = Number(memory[`${name}.power`] ?? 1);
  if (anchor === value) return distance;
  if (anchor === undefined || distance >= power) {
    memory[`${name}.anchor`] = value;
    memory[`${name}.distance`] = 0;
    memory[`${name}.power`] = anchor === undefined ? 1 : power * 2;
  } else {
    memory[`${name}.distance`] = distance;
  }
  return 0;
}

/** A short name for keys: the same ones in the same order have the same. */
export function digest(parts: readonly string[]): string {
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  return hash('sha1', text, 'base64').slice(0, 16);
}

/** A UUID is remembered as it is: to find a short name for each row of a page takes a tenth of a millisecond. */
const LONGEST_NAME = 36;

/** A key as it is remembered: itself, or a short name for it. */
export function nameOf(key: string): string {
  return key.length <= LONGEST_NAME ? key : `#${digest([key])}`;
}

/** Where the row of this name stands among the keys of a page; -1 where it does not. */
export function indexOfName(keys: readonly string[], name: string | number | undefined): number {
  return name === undefined ? -1 : keys.findIndex((key) => nameOf(key) === name);
}

/**
 * Rows that a full page has: as many as are asked for, or as the list's largest page has had. On its first page as many as other lists of the
 * endpoint have had, at most; 0 where there was none yet.
 */
export function fullPage({ asked, given }: ListState, memory: Memory | null): number {
  return Math.min(asked.size, Number(memory?.['most'] ?? given ?? 0));
}

export function memoryOf(guard: ListMemory | null): Memory {
  return { ...guard };
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function shorten(text: string): string {
  return text.length > 40 ? `${cleanText(text, 37)}…` : text;
}
