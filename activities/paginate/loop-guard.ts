/**
 * Notices lists that never end, with a memory of a few numbers: Brent's cycle finding over page tokens and over the keys
 * of each page (R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20, 1980). It finds a repeat of any
 * length: A→A at once, A→B→A within a few pages. Pure. Next stop: `advance.ts`.
 */
import { createHash } from 'node:crypto';
import type { GuardMemory } from '../../db/unit-store.ts';

/** Empty pages in a row, each with a token for the next, after which a list is called endless. */
export const EMPTY_PAGES_LIMIT = 10;
/** Non-empty pages in a row without a single row that this list had not brought before; counted in the database. */
export const STALLED_PAGES_LIMIT = 3;

export interface PageSeen {
  /** Token of the next page; undefined where pages are numbered. */
  readonly token: string | undefined;
  /** Keys of this page's rows, in order. */
  readonly keys: readonly string[];
  readonly pagesBefore: number;
  readonly maxPages: number;
}

/** @returns the memory to keep, and the evidence when the list is looping. */
export function watchForLoop(memory: GuardMemory | null, page: PageSeen): { memory: GuardMemory; loop?: string } {
  const next: Record<string, string | number> = { ...memory };
  const pageNumber = page.pagesBefore + 1;
  if (page.token !== undefined) {
    const length = brent(next, 'token', digest([page.token]));
    if (length)
      return {
        memory: next,
        loop: `page ${pageNumber} names a next page that was visited ${length} page${length === 1 ? '' : 's'} before (token ${shorten(page.token)})`,
      };
  }
  if (page.keys.length > 0) {
    const length = brent(next, 'keys', digest(page.keys));
    if (length)
      return {
        memory: next,
        loop: `page ${pageNumber} has the same ${page.keys.length} row${page.keys.length === 1 ? '' : 's'} as the page ${length} before it (first key ${shorten(page.keys[0] ?? '')})`,
      };
    next['empty'] = 0;
  } else if (page.token !== undefined) {
    const empty = Number(next['empty'] ?? 0) + 1;
    next['empty'] = empty;
    if (empty >= EMPTY_PAGES_LIMIT)
      return {
        memory: next,
        loop: `${empty} empty pages in a row, each naming another one (token ${shorten(page.token)})`,
      };
  }
  if (pageNumber >= page.maxPages) return { memory: next, loop: `more pages than the limit of ${page.maxPages}` };
  return { memory: next };
}

/** One step of Brent's algorithm on the sequence called `name`. @returns the length of the cycle, or 0. */
function brent(memory: Record<string, string | number>, name: string, value: string): number {
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

function digest(parts: readonly string[]): string {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('base64').slice(0, 16);
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}
