/**
 * The hostile answers of the matrix: what is wrong with a body or its headers, for any status. Pure. Played by `third-party.ts`.
 */
import { deflateSync, gzipSync } from 'node:zlib';

/** Statuses of every class, known and unknown. Those that promise no body (204, 304) are given one all the same. */
export const STATUSES = [
  101, 103, 200, 201, 202, 203, 204, 205, 206, 207, 226, 299, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406,
  407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502,
  503, 504, 505, 507, 508, 511, 520, 529, 599, 700, 999,
] as const; // prettier-ignore

export interface RawAnswer {
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** One byte at a time, and never the end. */
  readonly isSlow?: true;
}

/** 199 characters before it, and 9 more places: wherever a text is cut, one of them is in two. */
const EMOJIS = Array.from({ length: 40 }, (_, at) => `${'x'.repeat(at % 7)}😀`).join('');

const JSON_TYPE = 'content-type: application/json';
const plain = (body: string | Buffer, ...headers: string[]): RawAnswer => ({
  headers: [JSON_TYPE, ...headers],
  body: Buffer.from(body as string),
});

/** A page, new tokens, the output of a write and an error at once; `text` stands wherever a text may. */
function good(text: string, id = `"${text}"`): string {
  const words = `"message":"${text}","error":null`;
  return `{"items":[{"id":${id}}],"next":null,"id":${id},"access_token":"at-new-1234567890","expires_in":3600,${words}}`;
}

export const ANSWERS = {
  plain: () => plain(good('a')),
  nul: () => plain(good('a\\u0000b')),
  'raw nul': () => plain('the \0 card \0 was declined'),
  'lone surrogate': () => plain(good('a\\ud800b')),
  'cut emoji': () => plain(good(EMOJIS)),
  gzip: () => plain(gzipSync(good('a')), 'content-encoding: gzip'),
  'gzip without a word': () => plain(gzipSync(good('a'))),
  'gzip that is none': () => plain(Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), 'content-encoding: gzip'),
  deflate: () => plain(deflateSync(good('a')), 'content-encoding: deflate'),
  'utf-16': () => plain(Buffer.from(good('a'), 'utf16le')),
  '1 MB of <': () => plain('<'.repeat(1_000_000)),
  '1 MB of < in a text': () => plain(good('<'.repeat(1_000_000), '"a"')),
  '5 MB of digits': () => plain('7'.repeat(5_000_000)),
  '5 MB of digits as an id': () => plain(`{"items":[{"id":${'7'.repeat(5_000_000)}}],"next":null}`),
  '1 MB of escapes': () => plain(good('\\u0041'.repeat(166_000), '"a"')),
  'deep nesting': () => plain(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  'deep nesting in a field': () =>
    plain(`{"items":[{"id":"a","more":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}],"next":null,"id":"a"}`),
  'huge header numbers': () =>
    plain(
      good('a'),
      'retry-after: 18446744073709551615',
      'retry-after-ms: 99999999999999999999',
      `x-ratelimit-limit: ${'9'.repeat(40)}`,
      'x-ratelimit-remaining: 1e308',
      'x-ratelimit-reset: 9223372036854775807',
      `ratelimit: "a";r=${'9'.repeat(15)};t=${'9'.repeat(15)}`,
      `ratelimit-policy: "a";q=${'9'.repeat(15)};w=${'9'.repeat(15)}`,
    ),
  '10,000 headers': () => plain(good('a'), ...Array.from({ length: 10_000 }, (_, at) => `x-${at}: ${at}`)),
  'a header of 12 KB': () =>
    plain(
      good('a'),
      `retry-after: ${' '.repeat(6_000)}x`,
      `ratelimit: ${'a;'.repeat(3_000)}`,
      `link: ${'<'.repeat(3_000)}`,
    ),
  'slow body': (): RawAnswer => ({ ...plain(good('a')), isSlow: true }),
} as const satisfies Readonly<Record<string, () => RawAnswer>>;

export type AnswerKind = keyof typeof ANSWERS;
export const ANSWER_KINDS = Object.keys(ANSWERS) as readonly AnswerKind[];
