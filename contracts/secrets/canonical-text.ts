/**
 * One spelling for all: a text with its escapes undone (JSON, percent, HTML, also several times over), and where each of its characters
 * stood. Two spellings of the same secret have the same canonical text. Time grows with the text's length, memory with its escapes.
 * Used by: `secret-finder.ts`.
 */

export interface CanonicalText {
  readonly text: string;
  /** Where in the source the characters from `from` up to, not with, `to` of the canonical text stood. */
  readonly source: (from: number, to: number) => readonly [from: number, to: number];
}

/** Spellings inside one another: JSON in JSON in an address. More would be no accident. */
const MOST_LEVELS = 6;
const ESCAPE =
  /\\(?:u[\dA-Fa-f]{4}|x[\dA-Fa-f]{2}|["\\/'bfnrt])|%u[\dA-Fa-f]{4}|(?:%[\dA-Fa-f]{2})+|&(?:#\d{1,7}|#[Xx][\dA-Fa-f]{1,6}|[A-Za-z]{2,8});/g;

const CONTROLS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
/** The names of ASCII's punctuation in HTML. */
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  ast: '*',
  bsol: '\\',
  colon: ':',
  comma: ',',
  commat: '@',
  dollar: '$',
  equals: '=',
  excl: '!',
  gt: '>',
  hyphen: '-',
  lbrack: '[',
  lcub: '{',
  lowbar: '_',
  lpar: '(',
  lsqb: '[',
  lt: '<',
  nbsp: '\u00a0',
  num: '#',
  percnt: '%',
  period: '.',
  plus: '+',
  quest: '?',
  quot: '"',
  rcub: '}',
  rpar: ')',
  rsqb: ']',
  semi: ';',
  sol: '/',
  verbar: '|',
  vert: '|',
};

export function canonicalText(source: string): CanonicalText {
  let text = source;
  const levels: Level[] = [];
  while (levels.length < MOST_LEVELS) {
    const level = decoded(text);
    if (!level) break;
    levels.push(level);
    text = level.text;
  }
  return {
    text,
    source: (from, to) => {
      let [first, last] = [from, to - 1];
      for (const level of levels.toReversed()) {
        first = startOf(level, first);
        last = endOf(level, last) - 1;
      }
      return [first, last + 1];
    },
  };
}

/** A text with one level of escapes undone. Of each escape: where it stands in the new text and in the old one, and its lengths. */
interface Level {
  readonly text: string;
  readonly at: readonly number[];
  readonly lengths: readonly number[];
  readonly sourceAt: readonly number[];
  readonly sourceLengths: readonly number[];
}

/** @returns undefined when there is nothing to undo. */
function decoded(source: string): Level | undefined {
  const level = {
    at: [] as number[],
    lengths: [] as number[],
    sourceAt: [] as number[],
    sourceLengths: [] as number[],
  };
  const parts: string[] = [];
  let length = 0;
  let copied = 0;
  const put = (plain: string, at: number, sourceLength: number): void => {
    parts.push(source.slice(copied, at), plain);
    length += at - copied;
    level.at.push(length);
    level.lengths.push(plain.length);
    level.sourceAt.push(at);
    level.sourceLengths.push(sourceLength);
    length += plain.length;
    copied = at + sourceLength;
  };
  for (const match of source.matchAll(ESCAPE)) {
    const [escape] = match;
    const { index } = match;
    if (escape.startsWith('%') && escape[1] !== 'u') {
      for (const { plain, from, to } of bytesAsText(escape)) put(plain, index + from, to - from);
    } else {
      const plain = plainOf(escape);
      if (plain !== undefined) put(plain, index, escape.length);
    }
  }
  if (level.at.length === 0) return undefined;
  parts.push(source.slice(copied));
  return { text: parts.join(''), ...level };
}

function plainOf(escape: string): string | undefined {
  if (escape.startsWith('&')) return entity(escape.slice(1, -1));
  const kind = escape[1] as string;
  if (escape.length > 2) return String.fromCharCode(Number.parseInt(escape.slice(2), 16));
  return CONTROLS[kind] ?? kind;
}

function entity(name: string): string | undefined {
  if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()];
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** A run of `%XX` as UTF-8; a byte that is none of it stands for itself. */
function* bytesAsText(run: string): Generator<{ plain: string; from: number; to: number }> {
  const bytes = run.length / 3;
  const byteAt = (index: number): number => Number.parseInt(run.slice(index * 3 + 1, index * 3 + 3), 16);
  for (let index = 0; index < bytes;) {
    const lead = byteAt(index);
    const more = lead >= 0xf8 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    let code = more === 3 ? lead & 0x07 : more === 2 ? lead & 0x0f : more === 1 ? lead & 0x1f : lead;
    let count = 1;
    while (count <= more && index + count < bytes && (byteAt(index + count) & 0xc0) === 0x80) {
      code = (code << 6) | (byteAt(index + count) & 0x3f);
      count++;
    }
    if (count <= more || code > 0x10ffff) [code, count] = [lead, 1];
    yield { plain: String.fromCodePoint(code), from: index * 3, to: (index + count) * 3 };
    index += count;
  }
}

/** The last escape that begins at or before a place of the new text; −1 when there is none. */
function escapeAt({ at }: Level, place: number): number {
  let [low, high] = [0, at.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at[middle] as number) <= place) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function startOf(level: Level, place: number): number {
  const index = escapeAt(level, place);
  if (index < 0) return place;
  const inside = place - (level.at[index] as number);
  const beyond = inside - (level.lengths[index] as number);
  const from = level.sourceAt[index] as number;
  return beyond < 0 ? from : from + (level.sourceLengths[index] as number) + beyond;
}

/** Where the character at `place` ends. */
function endOf(level: Level, place: number): number {
  const index = escapeAt(level, place);
  if (index < 0) return place + 1;
  const beyond = place - (level.at[index] as number) - (level.lengths[index] as number);
  const end = (level.sourceAt[index] as number) + (level.sourceLengths[index] as number);
  return beyond < 0 ? end : end + beyond + 1;
}
