/**
 * Answers that arrive whole but are wrong: error pages, HTML where JSON was promised, spoilt bodies, odd headers.
 * Plain data and pure functions. Next: `hostile.ts` plays them, beside the ones that break the connection.
 */
import { gzipSync } from 'node:zlib';
import type { FakeAnswer, WireAnswer } from '../fake-api/answer.ts';

const html = (title: string) =>
  `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
const htmlAnswer = (status: number, title: string): FakeAnswer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: html(title),
});
const errorAnswer = (status: number, error: string): FakeAnswer => ({ status, body: { error } });

/** Given instead of the route's answer; the route is not run. */
export const plainAnswers = {
  '400': errorAnswer(400, 'bad_request'),
  '401': errorAnswer(401, 'unauthorized'),
  '403': errorAnswer(403, 'forbidden'),
  '404': errorAnswer(404, 'not_found'),
  '408': errorAnswer(408, 'request_timeout'),
  '410': errorAnswer(410, 'gone'),
  '413': errorAnswer(413, 'response too large'),
  '429': errorAnswer(429, 'rate_limited'),
  '500': errorAnswer(500, 'internal_error'),
  '502': errorAnswer(502, 'bad_gateway'),
  '503': errorAnswer(503, 'unavailable'),
  '504': errorAnswer(504, 'gateway_timeout'),
  'html-200': htmlAnswer(200, 'We will be right back'),
  'html-403': htmlAnswer(403, 'Attention required'),
  'html-429': htmlAnswer(429, 'Too many requests'),
  'html-502': htmlAnswer(502, 'Bad gateway'),
  'html-503': htmlAnswer(503, 'Down for maintenance'),
  /** Says JSON, is HTML. */
  'html-as-json': { body: html('Sign in') },
  'empty-200': { body: '' },
  'empty-object': { body: {} },
  'null-json': { body: 'null' },
  /** A status of 200 around an error, as GraphQL and older APIs do. */
  'error-200': { body: { ok: false, error: { code: 'internal', message: 'Please try again later' } } },
  'no-content': { status: 204 },
  /** A JSON body nested 20,000 deep. */
  'deep-json': { body: `${'['.repeat(20_000)}${']'.repeat(20_000)}` },
  'redirect-without-location': { status: 302 },
  'unknown-status': { status: 799, body: { error: 'what is this' } },
} as const satisfies Readonly<Record<string, FakeAnswer>>;

export type PlainAnswerKind = keyof typeof plainAnswers;

/** Made from the route's real answer: the route has run, a write is done. */
export const twistedAnswers = {
  /** The end is missing but the length agrees: whole HTTP, broken JSON. */
  'bad-json': (real) => withBytes(real, real.bytes.subarray(0, Math.max(1, Math.floor(real.bytes.length * 0.7)))),
  'wrong-content-type': (real) => withHeader(real, 'content-type', 'text/html'),
  'no-content-type': (real) => withoutHeader(real, 'content-type'),
  bom: (real) => withBytes(real, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), real.bytes])),
  /** Bytes that no UTF-8 text holds, inside a string. */
  'bad-utf8': (real) =>
    withBytes(real, Buffer.concat([Buffer.from('{"items":["\xff\xfe\x80"],"next":null}', 'latin1')])),
  gzip: (real) => withHeader(withBytes(real, gzipSync(real.bytes)), 'content-encoding', 'gzip'),
  /** Says gzip, is not. */
  'bad-gzip': (real) => withHeader(real, 'content-encoding', 'gzip'),
  /** 64 MiB of spaces that travel as 64 KiB. */
  'gzip-bomb': (real) => withHeader(withBytes(real, gzipBomb()), 'content-encoding', 'gzip'),
  /** One header of 64 KiB: more than HTTP clients take. */
  'huge-header': (real) => withHeader(real, 'x-debug', 'x'.repeat(64 * 1024)),
  /** 500 although the work was done. */
  '500-after': (real) => ({ ...real, ...wireError(500) }),
  '504-after': (real) => ({ ...real, ...wireError(504) }),
} as const satisfies Readonly<Record<string, (real: WireAnswer) => WireAnswer>>;

export type TwistedAnswerKind = keyof typeof twistedAnswers;

let bomb: Buffer | undefined;
/** Made once, when it is first wanted: packing it takes a quarter of a second. */
function gzipBomb(): Buffer {
  return (bomb ??= gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20)));
}

function withBytes(real: WireAnswer, bytes: Buffer): WireAnswer {
  return { ...real, bytes, headers: { ...real.headers, 'content-length': String(bytes.length) } };
}

function withHeader(real: WireAnswer, name: string, value: string): WireAnswer {
  return { ...real, headers: { ...real.headers, [name]: value } };
}

function withoutHeader(real: WireAnswer, name: string): WireAnswer {
  return { ...real, headers: Object.fromEntries(Object.entries(real.headers).filter(([key]) => key !== name)) };
}

function wireError(status: number): Pick<WireAnswer, 'status' | 'bytes' | 'headers'> {
  const bytes = Buffer.from('{"error":"internal_error"}');
  return { status, bytes, headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) } };
}
