/**
 * What looks like a secret in text for people although nobody knows it. Examples: JSON web tokens, private keys,
 * credentials in addresses, what stands behind `Bearer`, `password=` and the like. Words, numbers and times stay:
 * "access token: expired" has no secret in it. Every pattern is applied to one word or to a few characters before it,
 * so time grows with the text's length.
 * Used by: `contracts/secrets/redact.ts`, and by cassettes.
 */
import { canonicalText } from './canonical-text.ts';
import type { Place } from './secret-finder.ts';
import { isPasswordName, isSecretName } from './secret-names.ts';

const WORD = /[^\s"'`<>()[\]{},;&|\\]+/g;
const WEB_TOKEN = /(?:^|[^\w-])(eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)/;
const USER = /:\/\/([^/?#@]{1,200}:[^/?#]{1,400})@/;
const SCHEME = /(?:^|[^\w])(?:bearer|dpop|basic|token|apikey|api-key) {1,2}["']?$/i;
const AUTHORIZATION = /authori[sz]ation["']?\s{0,2}[:=]\s{0,2}["']?[\w-]{1,30} {1,2}$/i;
/** A name and what binds a value to it, at the end of the text before the value. */
const NAMED = /((?:[A-Za-z]{1,20} )?[\w.-]{1,40})(["']?\s{0,2}(?:=>|[=:])\s{0,2}["']?)$/;
const LOOKS_BACK = 80;
const SHORTEST = 6;
/** Error codes are shorter (`AADSTS70008`), authorization codes and keys are not. */
const SHORTEST_CODE = 16;
/** Longer words are no words. */
const LONGEST = 16_384;

/** Words of a language, also joined (`invalid_grant`, `notFound`), and numbers. */
const PLAIN =
  /^(?:[a-z]+|[A-Z]+|[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,})*|\d+)(?:[._:/-](?:[a-z]+|[A-Z]+|[A-Z][a-z]+|\d{1,4}))*$/;
/** What is said of secrets where they could stand: `token=expired`, `Authorization: Bearer token missing`. */
const STATES =
  /^(?:access|active|bearer|basic|denied|disabled|empty|error|expired?|failed|failure|forbidden|header|hidden|inactive|incorrect|invalid|malformed|missing|none|null|number|object|password|redacted|refresh|rejected|removed|required?|revoked?|secret|session|string|token|true|false|unauthori[sz]ed|undefined|unknown|unsupported|valid|value|verified|wrong)$/i;
const TIME = /^\d{4}-\d\d(?:-\d\d)?|^\d{1,2}:\d\d/;
const REMOVED = /\[?removed[-\]]/;

/** @returns places that don't overlap, in order. */
export function shapesIn(text: string): Place[] {
  const canonical = canonicalText(text);
  const places = [...privateKeys(canonical.text), ...wordsIn(canonical.text)].toSorted((a, b) => a.from - b.from);
  const found: Place[] = [];
  for (const { from, to } of places) {
    const [sourceFrom, sourceTo] = canonical.source(from, to);
    if (sourceFrom >= (found.at(-1)?.to ?? 0)) found.push({ from: sourceFrom, to: sourceTo });
  }
  return found;
}

/** From its first line to its last one, or to the end of a text that was cut. */
function privateKeys(text: string): Place[] {
  const places: Place[] = [];
  for (let at = text.indexOf('-----BEGIN '); at >= 0; at = text.indexOf('-----BEGIN ', at + 1)) {
    if (!/^-----BEGIN [A-Z ]{0,30}PRIVATE KEY/.test(text.slice(at, at + 60))) continue;
    const last = text.indexOf('-----END ', at);
    const close = last < 0 ? -1 : text.indexOf('-----', last + 9);
    const to = close < 0 ? text.length : close + 5;
    places.push({ from: at, to });
    at = to - 1;
  }
  return places;
}

function* wordsIn(text: string): Generator<Place> {
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (word.length < 3) continue;
    const before = text.slice(Math.max(0, index - LOOKS_BACK), index);
    const places = word.length > LONGEST ? [{ from: 0, to: word.length }] : secretsIn(word, before);
    for (const { from, to } of places) yield { from: index + from, to: index + to };
  }
}

/** @param before what stands before the word. */
function secretsIn(word: string, before: string): Place[] {
  const places: Place[] = [];
  const token = WEB_TOKEN.exec(word);
  if (token?.[1] !== undefined) {
    const to = token.index + token[0].length;
    places.push({ from: to - token[1].length, to });
  }
  const user = USER.exec(word);
  if (user?.[1] !== undefined) places.push({ from: user.index + 3, to: user.index + 3 + user[1].length });
  const bare = word.replace(/[.!?:]{1,9}$/, '');
  const whole = isSecretWord(bare, before) ? { from: 0, to: bare.length } : valueInside(word);
  if (whole && places.every(({ from, to }) => to <= whole.from || from >= whole.to)) places.push(whole);
  return places;
}

function isSecretWord(word: string, before: string): boolean {
  if (AUTHORIZATION.test(before)) return word.length >= SHORTEST && !isState(word) && !REMOVED.test(word);
  if (SCHEME.test(before) && looksDrawn(word)) return true;
  const [, name, binding] = NAMED.exec(before) ?? [];
  if (name === undefined || binding === undefined) return false;
  const isBound = /=|["'][:=]|["']$/.test(binding.trim());
  const isField = isBound && !/=(?!>)/.test(binding);
  // `code` and `key` of a query are secrets. Those of a body name an error or a row, unless they look drawn.
  if (isField && !isSecretName(name))
    return isSecretName(name, true) && looksDrawn(word) && word.length >= SHORTEST_CODE;
  return isSecretValue(name, word, isBound);
}

/** `access_token=…`, also at the end of an address. */
function valueInside(word: string): Place | undefined {
  const padding = word.endsWith('==') ? 2 : word.endsWith('=') ? 1 : 0;
  const at = word.lastIndexOf('=', word.length - 1 - padding);
  const [name] = /[\w.-]{1,40}$/.exec(word.slice(Math.max(0, at - 40), Math.max(0, at))) ?? [];
  if (name === undefined || !isSecretValue(name, word.slice(at + 1), true)) return undefined;
  return { from: at + 1, to: word.length };
}

/** @param isBound by a syntax of machines (`a=b`, `"a":"b"`), not by that of sentences (`a: b`). */
function isSecretValue(name: string, value: string, isBound: boolean): boolean {
  if (!isSecretName(name, isBound) || REMOVED.test(value)) return false;
  if (!isBound) return looksDrawn(value);
  if (/^(null|true|false|undefined)$/.test(value)) return false;
  return isPasswordName(name) || (value.length >= SHORTEST && !TIME.test(value) && !isState(value));
}

function isState(value: string): boolean {
  return value.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/).some((word) => STATES.test(word)) && PLAIN.test(value);
}

function isHarmless(value: string): boolean {
  return value.length < SHORTEST || TIME.test(value) || PLAIN.test(value);
}

/** Letters and digits mixed, or so long and so mixed that it is no word. */
function looksDrawn(value: string): boolean {
  if (isHarmless(value) || REMOVED.test(value) || /^v?\d+(\.\d+)+/.test(value) || value.includes('://')) return false;
  return /[A-Za-z]/.test(value) && (/\d/.test(value) || value.length >= 20);
}
