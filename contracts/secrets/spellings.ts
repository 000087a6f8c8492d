/**
 * What a secret is searched by: itself in its one canonical spelling, and its Base64 at each of the three places where
 * it may begin. Of each there is a piece from the beginning and one from the end, because third parties show tokens cut
 * off.
 * Used by: `secret-finder.ts`.
 */
import { canonicalText } from './canonical-text.ts';

/** Where a secret is looked for. A short one, or a word of a language, would take innocent text with it. */
export type Reach =
  /** Wherever it stands, also inside words, in every spelling and cut off. */
  | 'anywhere'
  /** Where it is a word of its own. */
  | 'word'
  /** In data beside a name that says what it is (`password=…`), in text for people also as a word of its own. */
  | 'named';

export interface Spelling {
  readonly secret: string;
  readonly reach: Reach;
  readonly text: string;
  /** Pieces of `text` of which each gives it away. */
  readonly seeds: readonly { readonly at: number; readonly length: number }[];
}

const SHORTEST = 4;
const SHORTEST_WORD = 6;
const SHORTEST_ANYWHERE = 8;
/** A plain word or number must be this long to be taken for something drawn at random. */
const LONG = 16;
/** A piece this long of a secret that has at least `SHORTEST_CUT` characters. */
const PIECE = 10;
const SHORTEST_CUT = 12;
/** Of what follows on digits, or stands before them. */
const BEHIND_DIGITS = 4;
/** The claims of JSON web tokens begin alike. */
const CLAIMS_PIECE = 24;

const PLAIN_WORDS = /^(?:[a-z]+|[A-Z][a-z]+|[A-Z]+)(?:[ ._-](?:[a-z]+|[A-Z][a-z]+|[A-Z]+))*$/;
const VENDOR_PREFIX = /^(?:[a-z]{2,8}[_-]){1,2}/;
const WEB_TOKEN = /^(eyJ[\w-]*\.)([\w-]+\.)[\w-]+$/;

/** @returns none for values that are too short to be told from other text. */
export function spellingsOf(secret: string): Spelling[] {
  const reach = reachOf(secret);
  if (reach === undefined) return [];
  const canonical = canonicalText(secret).text;
  const texts = [canonical, secret];
  if (canonical.includes(' ')) texts.push(canonical.replaceAll(' ', '+'));
  // What is packed in Base64 is often JSON.
  if (reach === 'anywhere') texts.push(...base64Cores(secret), ...base64Cores(JSON.stringify(secret).slice(1, -1)));
  return [...new Set(texts)].map((text) => ({ secret, reach, text, seeds: seedsOf(text, reach) }));
}

function reachOf(secret: string): Reach | undefined {
  if (secret.length < SHORTEST) return undefined;
  if (secret.length < (isPlain(secret) ? LONG : SHORTEST_WORD)) return 'named';
  return secret.length < SHORTEST_ANYWHERE ? 'word' : 'anywhere';
}

/** Of its Base64, the characters that depend on nothing around it. */
function base64Cores(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const core = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

function seedsOf(text: string, reach: Reach): Spelling['seeds'] {
  if (reach !== 'anywhere' || text.length < SHORTEST_CUT || isPlain(text)) return [{ at: 0, length: text.length }];
  const [, head, claims] = WEB_TOKEN.exec(text) ?? [];
  if (head !== undefined && claims !== undefined) {
    const signature = head.length + claims.length;
    return [piece(text, head.length, CLAIMS_PIECE), piece(text, signature, PIECE), lastPiece(text)];
  }
  // `sk_live_` and the like are the same for everybody.
  const prefix = VENDOR_PREFIX.exec(text)?.[0].length ?? 0;
  return [piece(text, text.length - prefix >= SHORTEST_CUT ? prefix : 0, PIECE), lastPiece(text)];
}

/** Never a number alone: that could be anything. */
function piece(text: string, at: number, length: number): { readonly at: number; readonly length: number } {
  const digits = /^\d*/.exec(text.slice(at))?.[0].length ?? 0;
  return { at, length: Math.min(Math.max(length, digits + BEHIND_DIGITS), text.length - at) };
}

function lastPiece(text: string): { readonly at: number; readonly length: number } {
  const digits = text.length - text.replace(/\d+$/, '').length;
  const length = Math.min(Math.max(PIECE, digits + BEHIND_DIGITS), text.length);
  return { at: text.length - length, length };
}

function isPlain(text: string): boolean {
  return /^\d+$/.test(text) || PLAIN_WORDS.test(text);
}
