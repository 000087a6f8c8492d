/**
 * What the name of the next page is made of: a cursor itself, the values of one that is JSON (`search_after`), or the parameters of an
 * address. What the name of this page has as well says nothing. Pure. Used by: `shared-times.ts`.
 */
import type { Position } from '../../../contracts/list.ts';
import { momentOf } from './moments.ts';

const MOST_PARTS = 20;
const LONGEST = 4_000;

/** @returns none for a name that has no time in it. */
export function partsOf(token: string, position: Position | null, url: string): string[] {
  const used = new Map(listed(position?.cursor ?? position?.url ?? url, url));
  const changed = listed(token, url).filter(([name, value]) => used.get(name) !== value);
  const parts = changed.map(([, value]) => value);
  return parts.length <= MOST_PARTS && parts.some((part) => momentOf(part) !== undefined) ? parts : [];
}

/** Each part by its name. */
function listed(token: string, url: string): (readonly [name: string, value: string])[] {
  if (token.length > LONGEST) return [];
  if (/^\s*[[{]/.test(token)) return valuesOf(parsed(token), '');
  if (!/^(?:https?:\/\/|[/?])/.test(token) || !URL.canParse(token, url)) return [['', token]];
  return [...new URL(token, url).searchParams].flatMap(([name, value]) =>
    /^\s*[[{]/.test(value) ? valuesOf(parsed(value), name) : [[name, value] as const],
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON: an opaque cursor that begins like it.
    return text;
  }
}

function valuesOf(value: unknown, name: string): (readonly [string, string])[] {
  if (typeof value !== 'object') return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value ?? {}).flatMap(([key, part]) => valuesOf(part, `${name}/${key}`));
}
