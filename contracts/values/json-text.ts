/**
 * JSON from outside, understood without loss. Two things that `JSON.parse` gives would be wrong without a word:
 *   - A number beyond ±9,007,199,254,740,991 that was written in digits, as 64-bit ids are, would become another number. It is given
 *     as text, digit for digit. One written with an exponent is a measurement: it stays a number while it is finite.
 *   - NUL and single halves of characters, which no database stores as text, become U+FFFD, in names too.
 * A body without either costs `JSON.parse` and a look at every sixteenth character. Pure. Used by: `contracts/answers/answer-json.ts`, and
 * by all that looks into what it gives.
 */
import { cleanValue, HAS_REFUSED } from './clean-json.ts';

/** 2^53 − 1 has 16 digits. */
const LONG = 16;
const WHITE = ' \n\r\t';

/** @throws SyntaxError when it is not JSON. */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(quoteLongNumbers(text));
  return HAS_REFUSED.test(text) ? cleanValue(value) : value;
}

/** The same JSON with quotes around numbers that a number can't hold. */
function quoteLongNumbers(text: string): string {
  let made = '';
  let kept = 0;
  const strings = { at: 0, isInside: false };
  for (let at = LONG - 1; at < text.length; at += LONG) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let start = at;
    while (start > 0 && isDigit(text.charCodeAt(start - 1))) start--;
    const end = digitsFrom(text, at + 1);
    at = Math.max(at, end - LONG);
    if (end - start < LONG || !beginsNumber(text, start)) continue;
    const from = text[start - 1] === '-' ? start - 1 : start;
    const to = endOfUnsafe(text, from, start, end);
    if (to === undefined || isInString(text, from, strings)) continue;
    made += `${text.slice(kept, from)}"${text.slice(from, to)}"`;
    kept = to;
    strings.at = to;
  }
  return kept === 0 ? text : made + text.slice(kept);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** What stands before a number in JSON: a bracket, a comma, a colon or white space, and maybe a minus. */
function beginsNumber(text: string, start: number): boolean {
  const before = text[start - 1] === '-' ? start - 2 : start - 1;
  return before < 0 || `[,:${WHITE}`.includes(text[before] as string);
}

/** The end of the number whose digits are these; undefined when a number holds it, or it is none. */
function endOfUnsafe(text: string, from: number, start: number, end: number): number | undefined {
  if (text[start] === '0') return undefined;
  const fraction = text[end] === '.' ? digitsFrom(text, end + 1) : end;
  const isPower = text[fraction] === 'e' || text[fraction] === 'E';
  const hasSign = text[fraction + 1] === '-' || text[fraction + 1] === '+';
  const to = isPower ? digitsFrom(text, fraction + (hasSign ? 2 : 1)) : fraction;
  if (!endsValue(text, to)) return undefined;
  const value = Number(text.slice(from, to));
  const isHeld = isPower ? Number.isFinite(value) : Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return isHeld ? undefined : to;
}

function digitsFrom(text: string, at: number): number {
  let end = at;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  return end;
}

/** What is no value, such as a name without quotes, must not become one. */
function endsValue(text: string, at: number): boolean {
  let next = at;
  while (WHITE.includes(text[next] ?? '-')) next++;
  return next >= text.length || ',]}'.includes(text[next] as string);
}

/** Goes on from where it was left, so that a body is looked through once however many numbers it has. */
function isInString(text: string, at: number, strings: { at: number; isInside: boolean }): boolean {
  for (;;) {
    const quote = text.indexOf('"', strings.at);
    if (quote === -1 || quote >= at) return strings.isInside;
    strings.at = quote + 1;
    if (!strings.isInside || !isEscaped(text, quote)) strings.isInside = !strings.isInside;
  }
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text[quote - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

/** The members of an object of JSON, by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** Neither a list nor null. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
