/**
 * Finds known secrets in text, however they are spelled there. They stand as they are, escaped for JSON, addresses or
 * HTML (also several times over), as Base64, or cut off. The one implementation for answers, reasons, logs and
 * cassettes. Time grows with the text's length.
 * Next: `spellings.ts` says what is searched; `contracts/secrets/redact.ts` and `activities/http/hide-secrets.ts` use it.
 */
import { createAnchorScan } from './anchor-scan.ts';
import { canonicalText, type CanonicalText } from './canonical-text.ts';
import { isSecretName } from './secret-names.ts';
import { spellingsOf, type Spelling } from './spellings.ts';

/** A part of a text, from `from` up to, not with, `to`. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

export interface FoundSecret extends Place {
  readonly secret: string;
}

export interface SecretFinder {
  /**
   * @param isForPeople a sentence rather than data: weak secrets (short ones, plain words) are found as words of their own too.
   * @returns places that don't overlap, in order.
   */
  find(text: string, isForPeople?: boolean): readonly FoundSecret[];
}

/** An escape of a letter or digit, which no usual writer makes: then anything may be hidden in the text. */
const ESCAPED_WORD = /\\[ux]0*(?:3\d|[46][1-9A-Fa-f]|[57][\dAa])|%(?:25|u00)*(?:3\d|[46][1-9A-Fa-f]|[57][\dAa])|&#/;
const SHORTEST_ANCHOR = 3;
const NONE: readonly FoundSecret[] = [];

export function createSecretFinder(secrets: Iterable<string>): SecretFinder {
  const spellings = [...new Set(secrets)].flatMap(spellingsOf);
  if (spellings.length === 0) return { find: () => NONE };
  const anchors = spellings.flatMap(({ text, seeds }) =>
    seeds.map(({ at, length }) => longestWord(text.slice(at, at + length))),
  );
  const scan = createAnchorScan(anchors.filter((anchor) => anchor.length >= SHORTEST_ANCHOR));
  const canScan = anchors.every((anchor) => anchor.length >= SHORTEST_ANCHOR);
  return {
    find: (text, isForPeople = false) => {
      if (canScan && !scan(text) && !hasEscapedWord(text)) return NONE;
      const canonical = canonicalText(text);
      const found = spellings.flatMap((spelling) => findIn(canonical, spelling, isForPeople));
      if (canonical.text !== text) {
        const plain: CanonicalText = { text, source: (from, to) => [wholeEscape(text, from), to] };
        found.push(...spellings.flatMap((spelling) => findIn(plain, spelling, isForPeople)));
      }
      return withoutOverlaps(found);
    },
  };
}

function hasEscapedWord(text: string): boolean {
  return (text.includes('\\') || text.includes('%') || text.includes('&#')) && ESCAPED_WORD.test(text);
}

function longestWord(text: string): string {
  return (text.match(/[A-Za-z\d]+/g) ?? []).reduce(
    (longest, word) => (word.length > longest.length ? word : longest),
    '',
  );
}

function findIn(where: CanonicalText, spelling: Spelling, isForPeople: boolean): FoundSecret[] {
  const { text } = where;
  const { secret, reach, seeds } = spelling;
  const found: FoundSecret[] = [];
  for (const seed of seeds) {
    const piece = spelling.text.slice(seed.at, seed.at + seed.length);
    for (let done = 0, at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, done)) {
      let from = at;
      let to = at + seed.length;
      for (let before = seed.at - 1; from > done && before >= 0 && text[from - 1] === spelling.text[before]; before--)
        from--;
      for (
        let after = seed.at + seed.length;
        after < spelling.text.length && text[to] === spelling.text[after];
        after++
      )
        to++;
      done = to;
      if (reach !== 'anywhere' && !isWord(text, from, to)) continue;
      if (reach === 'named' && !isForPeople && !isNamed(text, from)) continue;
      const [sourceFrom, sourceTo] = where.source(from, to);
      found.push({ from: sourceFrom, to: sourceTo, secret });
    }
  }
  return found;
}

function isWord(text: string, from: number, to: number): boolean {
  return !isWordCharacter(text[from - 1]) && !isWordCharacter(text[to]);
}

function isWordCharacter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}

/** `"password": "…"`, `password=…`: as far as it needs to be looked at. */
function isNamed(text: string, at: number): boolean {
  const [, name] = /([\w.-]{1,40})["']?\s{0,2}[=:]\s{0,2}["']?$/.exec(text.slice(Math.max(0, at - 50), at)) ?? [];
  return name !== undefined && isSecretName(name, true);
}

/** A backslash before it belongs to it: alone it would escape what stands there instead. */
function wholeEscape(text: string, from: number): number {
  let backslashes = 0;
  while (text[from - 1 - backslashes] === '\\') backslashes++;
  return from - (backslashes % 2);
}

/** In order; places that overlap become one. */
export function withoutOverlaps(found: readonly FoundSecret[]): FoundSecret[] {
  const merged: FoundSecret[] = [];
  for (const one of found.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    const last = merged.at(-1);
    if (!last || one.from >= last.to) merged.push(one);
    else if (one.to > last.to) merged[merged.length - 1] = { ...last, to: one.to };
  }
  return merged;
}

/** @param instead of each place; by default one for all. */
export function replacePlaces<P extends Place>(
  text: string,
  places: readonly P[],
  instead: (place: P) => string,
): string {
  if (places.length === 0) return text;
  const parts: string[] = [];
  let done = 0;
  for (const place of places) {
    parts.push(text.slice(done, place.from), instead(place));
    done = place.to;
  }
  return parts.join('') + text.slice(done);
}
