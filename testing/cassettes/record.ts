/**
 * Records a real third party: a local server that passes every call on, keeps the answers, and writes them to a
 * cassette without secrets. Point the client's base address at it; run it by hand, not in tests.
 * Next: `cassette-file.ts` writes the file, `play.ts` plays it.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { Cassette, RawExchange } from './cassette-file.ts';
import { toCassette, writeCassette } from './cassette-file.ts';
import { checkFakeOptions } from '../fake-api/options/check-options.ts';
import { RECORD } from '../fake-api/options/known-options.ts';
import type { RedactOptions } from './redact.ts';
import { thinCassette, type ThinOptions } from './thin.ts';

export interface RecordOptions extends RedactOptions {
  /** Base address of the third party, with a path if its API has one: `https://api.social.example/v1`. */
  readonly target: string;
  /** Where the cassette is written, by `stop()`. */
  readonly file: string;
  /** Bodies that are not text are left out unless this is true: secrets in them can't be seen. Default false. */
  readonly keepsBinary?: boolean;
  /** What of it is written, e.g. `{ items: 3, pages: 5 }`. Default: all. */
  readonly thin?: ThinOptions;
  /** A call to the third party is given up after this long, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface CassetteRecorder {
  /** The base address for the client, in place of the target's. */
  readonly url: string;
  /** Calls that got no answer from the third party (the client got a 502); they are not on the cassette. */
  failures(): readonly string[];
  /** Writes the cassette, closes everything, and gives what was written. */
  stop(): Promise<Cassette>;
}

interface TargetAnswer {
  readonly status: number;
  readonly headers: RawExchange['responseHeaders'];
  readonly body: Buffer;
}

/** Starts a recorder on a free port of 127.0.0.1. */
export async function recordCassette(options: RecordOptions): Promise<CassetteRecorder> {
  checkFakeOptions('recordCassette', options, RECORD);
  const target = new URL(options.target);
  const prefix = target.pathname.replace(/\/$/, '');
  const targetBase = `${target.origin}${prefix}`;
  const recordedAt = new Date().toISOString();
  const exchanges: { readonly askedAs: number; readonly raw: RawExchange }[] = [];
  let asked = 0;
  const failures: string[] = [];
  let url = '';

  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? 'GET';
    const [path, query] = (request.url ?? '/').split('?', 2) as [string, string | undefined];
    const askedAs = asked++;
    const requestBody = await readAll(request);
    let answer: TargetAnswer;
    try {
      const headers = { ...request.headers, host: target.host, 'accept-encoding': 'identity' };
      const address = new URL(`${targetBase}${request.url ?? '/'}`);
      answer = await callTarget(address, { method, headers, timeoutMs: options.timeoutMs ?? 30_000 }, requestBody);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(`${method} ${path}: ${reason}`);
      response.writeHead(502, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'cassette_target_failed', message: reason }));
      return;
    }
    const { status, headers } = answer;
    const raw: RawExchange = {
      method,
      path,
      query: new URLSearchParams(query),
      requestHeaders: request.headers,
      requestBody,
      status,
      responseHeaders: replaceHeaders(headers, targetBase, '{{base}}'),
      responseBody: replaceBase(answer.body, targetBase, '{{base}}'),
    };
    exchanges.push({ askedAs, raw });
    const body = replaceBase(answer.body, targetBase, url);
    const sent: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(replaceHeaders(headers, targetBase, url))) {
      if (value === undefined || /^(transfer-encoding|content-length|content-encoding|connection)$/.test(name))
        continue;
      sent[name] = typeof value === 'string' ? value : [...value];
    }
    response.writeHead(status, {
      ...sent,
      ...(status !== 204 && status !== 304 && { 'content-length': String(body.length) }),
    });
    response.end(method === 'HEAD' ? undefined : body);
  };

  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy()); // the client hung up: nobody is left to tell
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    failures: () => [...failures],
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      // In the order of asking: answers overtake each other.
      const inOrder = exchanges.toSorted((a, b) => a.askedAs - b.askedAs).map(({ raw }) => raw);
      const cassette = thinCassette(toCassette(targetBase, recordedAt, inOrder, options), options.thin);
      writeCassette(options.file, cassette);
      return cassette;
    },
  };
}

interface TargetCall {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly timeoutMs: number;
}

async function callTarget(address: URL, call: TargetCall, body: Buffer): Promise<TargetAnswer> {
  const { method, timeoutMs } = call;
  const headers = { ...call.headers };
  delete headers.connection;
  delete headers['transfer-encoding'];
  if (body.length > 0) headers['content-length'] = String(body.length);
  const send = address.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(address, { method, headers, signal: AbortSignal.timeout(timeoutMs) });
  request.end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const bytes = await readAll(answer);
  return {
    status: answer.statusCode ?? 502,
    headers: answer.headers,
    body: unpack(bytes, answer.headers['content-encoding']),
  };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Some services compress although they were asked not to. */
function unpack(bytes: Buffer, encoding: string | undefined): Buffer {
  if (bytes.length === 0) return bytes;
  if (encoding === 'gzip') return gunzipSync(bytes);
  if (encoding === 'br') return brotliDecompressSync(bytes);
  return encoding === 'deflate' ? inflateSync(bytes) : bytes;
}

/** Puts another base address in place of the target's, in plain and in JSON-escaped form; binary bodies are left alone. */
function replaceBase(bytes: Buffer, from: string, to: string): Buffer {
  const text = bytes.toString('utf8');
  if (!text.includes(from) && !text.includes(escapeSlashes(from))) return bytes;
  if (!Buffer.from(text, 'utf8').equals(bytes)) return bytes;
  return Buffer.from(text.replaceAll(from, to).replaceAll(escapeSlashes(from), escapeSlashes(to)));
}

function replaceHeaders(
  headers: RawExchange['responseHeaders'],
  from: string,
  to: string,
): RawExchange['responseHeaders'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.replaceAll(from, to) : value?.map((one) => one.replaceAll(from, to)),
    ]),
  );
}

function escapeSlashes(text: string): string {
  return text.replaceAll('/', '\\/');
}
