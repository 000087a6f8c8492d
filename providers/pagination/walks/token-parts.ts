/**
 * What the name of the next page is made of, wrapped in Base64 or not. It is a cursor itself, the values of one that is
 * JSON (`search_after`), or the parameters of an address. What the name of this page has as well says nothing. Pure.
 * Used by: `shared-times.ts`, `providers/pagination/told/counting.ts`.
 */
import type { Position } from '../../../contracts/list.ts';
import { momentOf } from './moments.ts';

const MOST_PARTS = 20;
const LONGEST = 4_000;

/** @returns none for a name of too many parts. */
export function partsOf(token: string, position: Position | null, url: string): string[] {
  const used = new Map(listed(position?.cursor ?? position?.url ?? url, url));
  const changed = listed(token, url).filter(([name, value]) => used.get(name) !== value);
  const parts = changed.map(([, value]) => value);
  return parts.length <= MOST_PARTS ? parts : [];
}

/** All values in the name of a page, whatever they are. */
export function valuesIn(token: string, url: string): string[] {
  return listed(token, url)
    .map(([, value]) => value)
    .slice(0, MOST_PARTS);
}

/** The parameters of an address; a cursor is one part without a name. @param base what a relative address is relative to. */
export function paramsOf(token: string, base: string): (readonly [name: string, value: string])[] {
  if (!/^(?:https?:\/\/|[/?])/.test(token) || !URL.canParse(token, base)) return [['', token]];
  return [...new URL(token, base).searchParams];
}

/** Each part by its name. */
function listed(token: string, url: string): (readonly [name: string, value: string])[] {
  if (token.length > LONGEST) return [];
  return paramsOf(token, url).flatMap(([name, value]) => partsIn(value, name));
}

function partsIn(value: string, name: string): (readonly [string, string])[] {
  const text = momentOf(value) ? value : (unwrapped(value) ?? value);
  return /^\s*[[{]/.test(text) ? valuesOf(parsed(text), name) : [[name, text]];
}

/** What a cursor says that is wrapped in Base64, of addresses too, or hexadecimal. Undefined where nothing readable is in it. */
function unwrapped(value: string): string | undefined {
  const form = /^(?:[\da-f]{2}){8,}$/i.test(value) ? 'hex' : /^[\w+/-]{12,}={0,2}$/.test(value) ? 'base64' : undefined;
  const text = form && Buffer.from(value, form).toString('latin1');
  return text !== undefined && /^[\x20-\x7e]+$/.test(text) ? text : undefined;
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
