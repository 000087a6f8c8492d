/**
 * Notices lists that never end, with a memory of a few numbers: Brent's cycle finding over page tokens and over the keys
 * of each page (R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20, 1980). It finds a repeat of any
 * length: A→A at once, A→B→A within a few pages. Pure. Next stop: `advance.ts`.
 */
import { hash } from 'node:crypto';
import type { GuardMemory } from '../../db/stores/sync/unit-store.ts';
import type { Guards } from '../../providers/pagination/pagination.ts';
import type { ListEnd } from './step.ts';

/** Empty pages in a row, each with a token for the next, after which a list is called endless. */
export const EMPTY_PAGES_LIMIT = 10;
/** Non-empty pages in a row without a single row that this list had not brought before; counted in the database. */
export const STALLED_PAGES_LIMIT = 3;

export interface PageSeen {
  /** Token of the next page; undefined where pages are numbered. */
  readonly token: string | undefined;
  /** Token of this page. */
  readonly used: string | undefined;
  /** Keys of this page's rows, in order. */
  readonly keys: readonly string[];
  readonly pagesBefore: number;
  readonly maxPages: number;
  /** Empty pages in a row that are too many. Default 10. */
  readonly maxEmpty: number | undefined;
  readonly guards: Guards;
}

/** @returns the memory to keep, and the end with its evidence when the list does not end by itself. */
export function watchForLoop(memory: GuardMemory | null, page: PageSeen): { memory: GuardMemory; end?: ListEnd } {
  const next: Record<string, string | number> = { ...memory };
  const { guards, token, keys } = page;
  const pageNumber = page.pagesBefore + 1;
  const looped = (reason: string) => ({ memory: next, end: { kind: 'looped', reason } }) as const;
  if (token !== undefined && guards['repeated-token']) {
    if (token === page.used)
      return looped(`page ${pageNumber} names itself as the next page (token ${shorten(token)})`);
    const length = brent(next, 'token', digest([token]));
    if (length)
      return looped(
        `page ${pageNumber} names a next page that was visited ${plural(length, 'page')} before (token ${shorten(token)})`,
      );
  }
  if (keys.length > 0) {
    next['empty'] = 0;
    const length = guards['repeated-rows'] ? brent(next, 'keys', digest(keys)) : 0;
    if (length)
      return looped(
        `page ${pageNumber} has the same ${plural(keys.length, 'row')} as the page ${length} before it (first key ${shorten(keys[0] ?? '')})`,
      );
  } else {
    const empty = Number(next['empty'] ?? 0) + 1;
    next['empty'] = empty;
    if (guards['empty-pages'] && empty >= (page.maxEmpty ?? EMPTY_PAGES_LIMIT))
      return looped(`${empty} empty pages in a row, each saying that more follows`);
  }
  if (pageNumber >= page.maxPages && guards['page-maximum'])
    return {
      memory: next,
      end: { kind: 'truncated', reason: `stopped after ${page.maxPages} pages, the most that maxPages allows` },
    };
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

/** A short name for keys: the same ones in the same order have the same. */
export function digest(parts: readonly string[]): string {
  const text = parts.map((part) => `${part.length}:${part}`).join('');
  return hash('sha1', text, 'base64').slice(0, 16);
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}
