/**
 * A cassette: recorded calls and answers of a third party as a JSON file to read, review and commit. Bodies in JSON are
 * kept as JSON; the third party's own address is written `{{base}}`, so that next links work when it is played.
 * Next: `redact.ts` takes the secrets out; `play.ts` answers from it.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RedactOptions, Redactor } from './redact.ts';
import { createRedactor } from './redact.ts';

/** What is written for a body: one of these, or nothing for an empty one. */
export interface CassetteBody {
  readonly json?: unknown;
  readonly form?: readonly (readonly [string, string])[];
  readonly text?: string;
  /** Only with `keepsBinary`: what stands in it can't be searched for secrets. */
  readonly base64?: string;
  /** A binary body that was left out: this many bytes. */
  readonly omittedBytes?: number;
}

export interface CassetteExchange {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query: readonly (readonly [string, string])[];
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: CassetteBody;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | readonly string[]>>;
    readonly body?: CassetteBody;
  };
}

export interface Cassette {
  readonly version: 1;
  readonly target: string;
  readonly recordedAt: string;
  readonly exchanges: readonly CassetteExchange[];
}

/** One exchange as it went over the wire, secrets and all: only ever in memory. */
export interface RawExchange {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly requestHeaders: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly requestBody: Buffer;
  readonly status: number;
  readonly responseHeaders: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly responseBody: Buffer;
}

/** Request headers that mean something to a third party; all others are left out. */
const keptRequestHeaders = new Set(['accept', 'content-type', 'if-none-match', 'if-modified-since', 'prefer', 'range']);
/** Headers of one connection, or that the player makes anew. */
const droppedResponseHeaders =
  /^(connection|keep-alive|transfer-encoding|content-length|content-encoding|upgrade|te|trailer|alt-svc|nel|report-to)$/;

/** Makes a cassette of a recording: learns all secrets first, then writes every exchange without them. */
export function toCassette(
  target: string,
  recordedAt: string,
  raw: readonly RawExchange[],
  options: RedactOptions & { readonly keepsBinary?: boolean },
): Cassette {
  const redactor = createRedactor(options);
  for (const exchange of raw) learnExchange(redactor, exchange);
  const exchanges = raw.map((exchange) => cleanExchange(redactor, exchange, options.keepsBinary ?? false));
  return { version: 1, target: redactor.cleanText(target), recordedAt, exchanges };
}

/** Writes a cassette in one step, its folder too: a crash leaves the old one or the new one. */
export function writeCassette(file: string, cassette: Cassette): void {
  mkdirSync(dirname(file), { recursive: true }); // else what was recorded would be lost at the very end
  writeFileSync(`${file}.tmp`, `${JSON.stringify(cassette, null, 2)}\n`);
  renameSync(`${file}.tmp`, file);
}

/** @throws TypeError when the file is no cassette of this version. */
export function readCassette(file: string): Cassette {
  const parsed = JSON.parse(readFileSync(file, 'utf8')) as Partial<Cassette>;
  if (parsed.version !== 1 || !Array.isArray(parsed.exchanges)) {
    throw new TypeError(`${file}: expected a cassette of version 1, got version ${String(parsed.version)}`);
  }
  return parsed as Cassette;
}

/** The bytes of a stored body, with `{{base}}` replaced. */
export function bodyBytes(body: CassetteBody | undefined, base: string): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (body.base64 !== undefined) return Buffer.from(body.base64, 'base64');
  if (body.omittedBytes !== undefined) return Buffer.alloc(body.omittedBytes);
  const text =
    body.json !== undefined
      ? JSON.stringify(body.json)
      : body.form !== undefined
        ? new URLSearchParams(body.form.map(([name, value]): [string, string] => [name, value])).toString()
        : (body.text ?? '');
  return Buffer.from(text.replaceAll('{{base}}', base));
}

/** Reads a body by its content type, JSON wherever it parses. Binary bodies give `undefined` for `body`. */
export function parseCassetteBody(bytes: Buffer, contentType: string | undefined): CassetteBody | undefined {
  if (bytes.length === 0) return undefined;
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) return { omittedBytes: bytes.length };
  if (contentType?.includes('application/x-www-form-urlencoded') === true)
    return { form: [...new URLSearchParams(text)] };
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return { text }; // not JSON: kept as it is, and searched for secrets as text
  }
}

function learnExchange(redactor: Redactor, raw: RawExchange): void {
  for (const headers of [raw.requestHeaders, raw.responseHeaders]) {
    for (const [name, value] of Object.entries(headers)) {
      for (const one of [value ?? []].flat()) redactor.learnHeader(name, one);
    }
  }
  redactor.learnParameters(raw.query);
  for (const [bytes, headers] of [
    [raw.requestBody, raw.requestHeaders],
    [raw.responseBody, raw.responseHeaders],
  ] as const) {
    const body = parseCassetteBody(bytes, contentTypeOf(headers));
    if (body?.form !== undefined) redactor.learnParameters(body.form);
    if (body?.json !== undefined) redactor.learnJson(body.json);
  }
}

function cleanExchange(redactor: Redactor, raw: RawExchange, keepsBinary: boolean): CassetteExchange {
  const cleanBody = (bytes: Buffer, contentType: string | undefined): { body?: CassetteBody } => {
    const body = parseCassetteBody(bytes, contentType);
    if (body === undefined) return {};
    if (body.form !== undefined) return { body: { form: redactor.cleanParameters(body.form) } };
    if (body.json !== undefined) return { body: { json: redactor.cleanJson(body.json) } };
    if (body.text !== undefined) return { body: { text: redactor.cleanText(body.text) } };
    return { body: keepsBinary ? { base64: bytes.toString('base64') } : body };
  };
  const requestHeaders: Record<string, string> = {};
  const responseHeaders: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(raw.requestHeaders)) {
    if (typeof value === 'string' && keptRequestHeaders.has(name))
      requestHeaders[name] = redactor.cleanHeader(name, value);
  }
  for (const [name, value] of Object.entries(raw.responseHeaders)) {
    if (value === undefined || droppedResponseHeaders.test(name)) continue;
    responseHeaders[name] =
      typeof value === 'string'
        ? redactor.cleanHeader(name, value)
        : value.map((one) => redactor.cleanHeader(name, one));
  }
  return {
    request: {
      method: raw.method,
      path: redactor.cleanText(raw.path),
      query: redactor.cleanParameters(raw.query),
      headers: requestHeaders,
      ...cleanBody(raw.requestBody, contentTypeOf(raw.requestHeaders)),
    },
    response: {
      status: raw.status,
      headers: responseHeaders,
      ...cleanBody(raw.responseBody, contentTypeOf(raw.responseHeaders)),
    },
  };
}

function contentTypeOf(headers: RawExchange['requestHeaders']): string | undefined {
  const value = headers['content-type'];
  return typeof value === 'string' ? value : undefined;
}
