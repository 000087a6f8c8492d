/**
 * Members of JSON that no parser keeps. Of two with one name in one object the last one stays (RFC 8259 §4). So rows,
 * or a next page, may be lost without a word. Two of the same value lose nothing. A body that has none costs a count of
 * its names. Pure.
 * Used by: `answer-json.ts`.
 */
import { isFields } from '../values/json-text.ts';

/** No third party nests deeper. */
const MOST_DEPTH = 200;

/**
 * @param value what the text was parsed to.
 * @returns the first name that an object has twice, with two values.
 */
export function lostMember(text: string, value: unknown): string | undefined {
  if (namesIn(text) <= membersOf(value, MOST_DEPTH)) return undefined;
  const found: string[] = [];
  endOfValue(text, afterWhite(text, 0), found);
  return found[0];
}

/** Quotes with a colon behind them: all names, and perhaps some text. */
function namesIn(text: string): number {
  let names = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    while (isWhite(text.charCodeAt(before))) before--;
    if (text.charCodeAt(before) === QUOTE) names++;
  }
  return names;
}

function membersOf(value: unknown, depth: number): number {
  // Deeper ones are not counted, nor are they looked for.
  if (depth === 0) return Infinity;
  let members = 0;
  if (Array.isArray(value)) for (const each of value) members += membersOf(each, depth - 1);
  // What was parsed has no members but its own.
  else if (isFields(value)) for (const name in value) members += 1 + membersOf(value[name], depth - 1);
  return members;
}

const QUOTE = 34;
const isWhite = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;

function afterWhite(text: string, from: number): number {
  let at = from;
  while (isWhite(text.charCodeAt(at))) at++;
  return at;
}

/** Of JSON that was parsed before, and is no deeper than its members were counted. */
function endOfValue(text: string, from: number, found: string[]): number {
  const first = text[from];
  if (first === '"') return endOfString(text, from);
  if (first !== '{' && first !== '[') {
    let end = from;
    while (end < text.length && !',]} \n\r\t'.includes(text[end] as string)) end++;
    return end;
  }
  const values = new Map<string, string>();
  let at = afterWhite(text, from + 1);
  while (at < text.length && text[at] !== '}' && text[at] !== ']') {
    let name: string | undefined;
    if (first === '{') {
      const end = endOfString(text, at);
      name = text.slice(at, end);
      at = afterWhite(text, text.indexOf(':', end) + 1);
    }
    const end = endOfValue(text, at, found);
    if (name !== undefined) {
      const value = text.slice(at, end);
      if ((values.get(name) ?? value) !== value) found.push(JSON.parse(name) as string);
      values.set(name, value);
    }
    at = afterWhite(text, end);
    if (text[at] === ',') at = afterWhite(text, at + 1);
  }
  return at + 1;
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
